"""What the collector's function is uploaded with, and what it may do."""

from __future__ import annotations

import hashlib
import inspect
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gammaray_collector import dynamo
from providers import collector_bundle
from providers.bundles import zipped
from providers.collector import CollectorNames
from providers.collector_bundle import HANDLER, bundle
from providers.errors import UserError
from providers.setup_policies import Owner, collector_policy

# What Lambda's Python has beside the standard library.
_OF_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
_CALLED = re.compile(r"self\._client\.(\w+)")
_MANYLINUX = "manylinux_2_17_x86_64.manylinux2014_x86_64"


def test_the_zip_holds_all_that_the_handler_imports(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    for name, content in bundle(anywhere=True).files.items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_bytes(content)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    site = Path(pytest.__file__).parent.parent
    for name in _OF_THE_RUNTIME:
        if (site / name).exists() and name != "six.py":
            (runtime / name).symlink_to(site / name)
    module, _, function = HANDLER.rpartition(".")
    program = (
        f"import sys; sys.path[:0] = [{str(code)!r}, {str(runtime)!r}]; import {module} as module; "
        f"assert callable(module.{function}); assert 'textual' not in sys.modules"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_same_sources_give_the_same_bytes() -> None:
    first, second = (hashlib.sha256(zipped(bundle(anywhere=True).files)) for _ in range(2))
    assert first.digest() == second.digest()


@pytest.mark.parametrize(
    ("tags", "runs_on"),
    [
        ([f"cp311-cp311-{tag}" for tag in _MANYLINUX.split(".")], ("python3.11", "x86_64")),
        (["cp312-cp312-manylinux_2_17_aarch64"], ("python3.12", "arm64")),
        (["cp313-cp313-manylinux_2_28_x86_64"], ("python3.13", "x86_64")),
        (["cp311-cp311-manylinux_2_28_x86_64"], None),  # Amazon Linux 2 has glibc 2.26
        (["cp312-cp312-manylinux_2_39_x86_64"], None),
        (["cp312-cp312-musllinux_1_2_x86_64"], None),
        (["cp312-cp312-macosx_11_0_arm64"], None),
        (["cp312-cp312-linux_x86_64"], None),  # built here: nobody knows against what
        (["cp313-cp313t-manylinux_2_17_x86_64"], None),
        (["cp310-cp310-manylinux_2_17_x86_64"], None),  # our code needs 3.11
        ([], None),
    ],
)
def test_what_is_installed_is_taken_only_where_lambda_runs_it(
    tags: list[str], runs_on: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector_bundle, "_installed_tags", lambda _name: tags)
    if runs_on is None:
        with pytest.raises(UserError) as raised:
            bundle()
        assert raised.value.kind == "not-for-lambda"
        assert "--wheel" in raised.value.todo
    else:
        made = bundle()
        assert (made.runtime, made.architecture) == runs_on


def test_a_wheel_takes_the_place_of_what_is_installed(tmp_path: Path) -> None:
    wheel = tmp_path / f"msgspec-0.22.0-cp313-cp313-{_MANYLINUX}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("msgspec/__init__.py", "here = 1\n")
        archive.writestr("msgspec/_core.cpython-313-x86_64-linux-gnu.so", b"\x7fELF")
        archive.writestr("msgspec-0.22.0.dist-info/METADATA", "Name: msgspec\n")

    made = bundle(wheel=wheel)

    assert (made.runtime, made.architecture) == ("python3.13", "x86_64")
    assert {name for name in made.files if name.startswith("msgspec")} == {
        "msgspec/__init__.py",
        "msgspec/_core.cpython-313-x86_64-linux-gnu.so",
    }
    other = tmp_path / "other-1.0-py3-none-any.whl"
    other.write_bytes(b"")
    with pytest.raises(UserError, match="no wheel of msgspec"):
        bundle(wheel=other)


def test_another_record_table_has_a_collector_of_its_own() -> None:
    assert CollectorNames.of("gammaRays") == CollectorNames(
        "gammaray-collector", "gammaray-collector-lost", "gammaRaysCollected"
    )
    assert CollectorNames.of("shop.rays") == CollectorNames(
        "gammaray-collector-shop-rays", "gammaray-collector-shop-rays-lost", "shop.raysCollected"
    )


def test_the_collector_may_change_its_own_table_only() -> None:
    owner = Owner("aws", "123456789012", "gammaRays")
    policy = collector_policy(owner, "f", "f-lost", "gammaRaysCollected", "us-west-2")

    by_resource = {
        resource: set(item["Action"])
        for item in policy["Statement"]
        for resource in item["Resource"]
    }
    collected = "arn:aws:dynamodb:us-west-2:123456789012:table/gammaRaysCollected"
    assert by_resource.pop("*") == {"dynamodb:ListStreams"}
    called = set(_CALLED.findall(inspect.getsource(dynamo)))
    assert called == {"batch_get_item", "batch_write_item", "query", "transact_write_items"}
    # A transaction takes the permissions of its parts: Put and Update.
    assert by_resource.pop(collected) == {
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    }
    assert by_resource == {
        "arn:aws:logs:*:123456789012:log-group:/aws/lambda/f:*": {
            "logs:CreateLogStream",
            "logs:PutLogEvents",
        },
        "arn:aws:dynamodb:*:123456789012:table/gammaRays/stream/*": {
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
        },
        "arn:aws:sqs:*:123456789012:f-lost": {
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
        },
    }
