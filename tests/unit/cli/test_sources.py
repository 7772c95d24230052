from __future__ import annotations

from pathlib import Path

import pytest

from gammaray_tui.commands.sources import Wanted, parse_sources
from providers.errors import UserError
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


def test_files_have_no_source(tmp_path: Path) -> None:
    done = run(tmp_path, "tail", "x.jsonl", "--source", "logs")
    assert done.returncode == 2
    assert "--source means nothing" in done.stderr
