from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from gammaray_tui.commands.sources import OpenSources, Wanted, parse_sources
from providers.errors import UserError
from providers.events import ProviderEvent, RegionStatus
from providers.session import AwsSession, AwsSettings
from providers.streams import parse_since
from tests.unit.cli.run import run


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (None, ["streams"]),
        (["xray"], ["streams", "xray"]),
        (["xray:50", "logs"], ["xray:50", "logs"]),
        (["kinesis:changes", "kinesis:changes"], ["kinesis:changes"]),
        (["xray-daemon:2001"], ["streams", "xray-daemon:2001"]),
        (["logs:/aws/lambda/a,/aws/lambda/b*"], ["logs:/aws/lambda/a,/aws/lambda/b*"]),
    ],
)
def test_there_is_always_a_source_of_records(texts: list[str] | None, wanted: list[str]) -> None:
    expected = tuple(Wanted(*text.split(":", 1)) for text in wanted)
    assert parse_sources(texts) == expected


@pytest.mark.parametrize(
    "text",
    ["", "kafka", "kinesis", "kinesis:", "xray:many", "xray:0", "xray-daemon:70000", "streams:x"],
)
def test_what_is_no_source_says_what_is(text: str) -> None:
    with pytest.raises(UserError, match="--source") as caught:
        parse_sources([text])
    assert caught.value.todo


async def test_a_source_that_fails_stops_no_other() -> None:
    session = AwsSession.open(
        AwsSettings(regions=("us-west-2",), endpoint_url="http://127.0.0.1:9")
    )
    queue: asyncio.Queue[ProviderEvent] = asyncio.Queue()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        wanted = parse_sources([f"xray-daemon:{other.getsockname()[1]}"])
        running = asyncio.ensure_future(OpenSources(wanted, session, parse_since("15m")).run(queue))
        told: dict[str, str] = {}
        async with asyncio.timeout(20):
            while not told.keys() >= {"us-west-2", "xray-daemon"}:
                event = await queue.get()
                if isinstance(event, RegionStatus):
                    told[event.region] = event.kind
        assert told["xray-daemon"] == "port-taken"
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_files_have_no_source(tmp_path: Path) -> None:
    done = run(tmp_path, "tail", "x.jsonl", "--source", "logs")
    assert done.returncode == 2
    assert "--source means nothing" in done.stderr
