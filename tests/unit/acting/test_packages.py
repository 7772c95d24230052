"""What is uploaded and allowed: zips, the role's policy, the region's resources by ARN."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from providers.bundles import files_in, zipped
from providers.clients import Clients
from providers.deploy_machines import machine_role
from providers.deploy_role import execution_policy
from providers.inventory import TAGGED_ARNS
from providers.manifest import find_application
from providers.place import Place

REGIONS = ("us-west-2", "us-east-1")
PLACE = Place(cast(Clients, None), "123456789012", "aws", "imageproc", "gammaRays")


def test_the_same_sources_give_the_same_zip(tmp_path: Path) -> None:
    for copy in ("a", "b"):
        folder = tmp_path / copy
        (folder / "package" / "__pycache__").mkdir(parents=True)
        (folder / "main.py").write_text("x = 1\n")
        (folder / "package" / "part.py").write_text("y = 2\n")
        (folder / "package" / "__pycache__" / "part.pyc").write_text(copy)
    names = ["package", "main.py"]

    first, second = (zipped(files_in(tmp_path / copy, names)) for copy in ("a", "b"))

    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.namelist() == ["main.py", "package/part.py"]
        assert archive.read("main.py") == b"x = 1\n"
        assert archive.getinfo("main.py").external_attr >> 16 == 0o100644


def test_the_demos_functions_may_do_what_they_do_and_no_more() -> None:
    policy = execution_policy(PLACE, find_application("imageproc"))

    allowed = {
        (action, resource)
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    west, east = (f"arn:aws:dynamodb:{region}:123456789012:table" for region in REGIONS)
    assert {
        ("rekognition:DetectLabels", "*"),
        ("s3:GetObject", "arn:aws:s3:::gammaray-imageproc-123456789012/*"),
        ("dynamodb:PutItem", f"{west}/image-proc-B"),
        ("dynamodb:GetItem", f"{west}/image-proc-B"),
        ("dynamodb:PutItem", f"{east}/eastSyncTable-B"),
        ("dynamodb:PutItem", f"{west}/gammaRays"),
        ("dynamodb:PutItem", f"{east}/gammaRays"),
        ("dynamodb:GetRecords", f"{west}/image-proc-B/stream/*"),
        ("dynamodb:GetRecords", f"{east}/eastSyncTable-B/stream/*"),
    } <= allowed
    assert not {action for action, _resource in allowed if "Delete" in action or "*" in action}
    assert not any("{" in resource for _action, resource in allowed)


def test_a_configuration_without_the_recorder_may_not_write_records() -> None:
    for letter, records, traces in (("C", False, False), ("F", False, True), ("B", True, True)):
        variant = find_application("imageproc").in_configuration(letter)
        text = str(execution_policy(PLACE, variant))
        assert ("table/gammaRays" in text) is records
        assert ("xray:PutTraceSegments" in text) is traces


def test_a_state_machine_has_a_role_of_its_own_that_may_invoke_its_steps() -> None:
    application = find_application("orders").in_configuration("B")
    place = replace(PLACE, application="orders", configuration="B")
    (machine,) = application.manifest.state_machines

    role = machine_role(place, machine)
    definition = json.loads(place.filled(application.definition(machine), machine.region))

    assert role.name == "gammaray-orders-B-orders-fulfil-B"
    assert definition["States"]["Pack"]["Resource"] == (
        "arn:aws:lambda:us-west-2:123456789012:function:PackOrderB"
    )
    assert not any("*" in str(item) for item in machine.permissions)


@pytest.mark.parametrize(
    ("arn", "kind", "name"),
    [
        ("arn:aws:lambda:us-west-2:123456789012:function:F", "function", "F"),
        ("arn:aws:lambda:us-west-2:123456789012:event-source-mapping:u-1", "mapping", "u-1"),
        ("arn:aws:dynamodb:us-west-2:123456789012:table/T", "table", "T"),
        ("arn:aws-cn:s3:::gammaray-b", "bucket", "gammaray-b"),
        ("arn:aws:sns:us-west-2:123456789012:news", "topic", "news"),
        ("arn:aws:sqs:us-west-2:123456789012:work", "queue", "work"),
        (
            "arn:aws:logs:us-west-2:123456789012:log-group:/aws/lambda/F",
            "log group",
            "/aws/lambda/F",
        ),
        (
            "arn:aws:logs:us-west-2:123456789012:log-group:/aws/lambda/F:*",
            "log group",
            "/aws/lambda/F",
        ),
        ("arn:aws:dynamodb:us-west-2:123456789012:table/T/stream/2026", None, ""),
        ("arn:aws:lambda:us-west-2:123456789012:function:F:1", None, ""),
        ("arn:aws:ec2:us-west-2:123456789012:instance/i-1", None, ""),
    ],
)
def test_arns_are_told_apart(arn: str, kind: str | None, name: str) -> None:
    matches = {
        kind: match.group(1) for kind, p in TAGGED_ARNS.items() if (match := p.fullmatch(arn))
    }

    assert matches == ({kind: name} if kind else {})
