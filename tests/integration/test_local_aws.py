from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from providers.demo import local_session
from providers.local_aws import LocalAws
from providers.operations import Step

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

REGION = "us-west-2"
LISTENING = "0A"
LOOPBACK = "0100007F"  # 127.0.0.1 as /proc/net/tcp writes it


async def test_resetting_empties_it(local_aws: LocalAws) -> None:
    session = local_session(local_aws, regions=(REGION,), account_id="200000000001")
    async with session.client("sns", REGION) as client:
        await client.create_topic(Name="news")
        assert (await client.list_topics())["Topics"]

        await local_aws.reset()

        assert (await client.list_topics())["Topics"] == []


async def test_it_reports_that_it_answers_and_functions_see_nothing_of_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "leaked")
    monkeypatch.setenv("AWS_PROFILE", "leaked")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "leaked")

    steps: list[Step] = []
    async with LocalAws(steps.append) as running:
        environment = await environment_of_a_function(running)

    assert [(step.id, step.state) for step in steps[:2]] == [
        ("local-aws/ministack", "running"),
        ("local-aws/moto", "running"),
    ]
    last = {step.id: step for step in steps}
    assert {step.state for step in last.values()} == {"done"}
    assert running.endpoint_url in last["local-aws/ministack"].detail
    assert set(running.endpoints) == {"xray", "rekognition"}

    assert "leaked" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == running.endpoint_url
    assert environment["AWS_ENDPOINT_URL_REKOGNITION"] == running.endpoints["rekognition"]
    assert environment["AWS_ENDPOINT_URL_XRAY"] == running.endpoints["xray"]
    assert environment["HOME"].startswith(str(running.folder))
    assert environment["TMPDIR"].startswith(str(running.folder))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_listens_on_loopback_only(local_aws: LocalAws) -> None:
    sockets = set()
    for group in local_aws.groups.values():
        for link in Path(f"/proc/{group}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # a connection that was just closed
                sockets.add(link.readlink().name)

    # When others come and go meanwhile, the kernel may tell of a socket twice, or not at once.
    addresses: dict[str, str] = {}
    give_up_s = time.monotonic() + 60
    while len(addresses) < 2:
        assert time.monotonic() < give_up_s, addresses
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                _number, address, _remote, state, *_rest = fields = line.split()
                socket = f"socket:[{fields[9]}]"
                if state == LISTENING and socket in sockets:
                    addresses[socket] = address.partition(":")[0]

    assert list(addresses.values()) == [LOOPBACK, LOOPBACK]


async def environment_of_a_function(running: LocalAws) -> dict[str, str]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr(
            "shown.py", "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
        )
    async with local_session(running, regions=(REGION,)).client("lambda", REGION) as client:
        await client.create_function(
            FunctionName="shown",
            Runtime="python3.12",
            Role="arn:aws:iam::123456789012:role/none",
            Handler="shown.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        answer = await client.invoke(FunctionName="shown")
        async with answer["Payload"] as body:
            environment: dict[str, Any] = json.loads(await body.read())
            return environment
