"""Records as lines of the log: what reaches standard output, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gammaray_recorder
from causality.records import StreamRecord, parse_log_line
from gammaray_recorder import log, wire
from gammaray_recorder.log import Log
from gammaray_recorder.sink import Unavailable

ROOT = str(Path(gammaray_recorder.__file__).parents[1])
APP = """
import socket
def refuse(*arguments, **keywords):
    raise AssertionError("a network call")
def handler(event, context):
    socket.create_connection = refuse
    print("the user's own")
    return event["n"]
"""
RUN = """
import gammaray_recorder.handler
context = type("Context", (), {"aws_request_id": "r-1"})()
for number in range(3):
    event = {"n": number, "text": "l\\u2028ine\\n"}
    assert gammaray_recorder.handler.handler(event, context) == number
"""


def item(payload: str, name: str = "r:a:0") -> Any:
    return wire.encode_item(name, "a", 0, [{"k": payload}], 1773000000.0, 60)


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let the log write to a file."""
    path = tmp_path / "out"
    monkeypatch.setattr(log, "_STANDARD_OUTPUT", os.open(path, os.O_CREAT | os.O_WRONLY))
    return path


def test_a_flush_is_one_line_and_no_network_is_touched(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    environment = {
        "GAMMARAY_HANDLER": "app.handler",
        "GAMMARAY_SINK": "stdout",
        "GAMMARAY_FLUSH_MS": "5000",
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "AWS_REGION": "us-west-2",
    }
    ran = subprocess.run(
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    assert lines.count("the user's own") == 3
    ours = [line for line in lines if line != "the user's own"]
    assert all(line.startswith("gammaray:2 [{") and line.endswith("}]") for line in ours)
    records = [record for line in ours for record in parse_log_line(line, "us-west-2")]
    kinds = []
    for record in records:
        assert isinstance(record, StreamRecord)
        assert record.dynamodb.NewImage is not None
        payload = json.loads(record.dynamodb.NewImage.payload.S)
        kinds += [event["k"] for event in payload["e"]]
    assert kinds == ["s", "e"] * 3


def test_many_items_are_several_lines(output: Path) -> None:
    assert Log().write([item("x" * 100_000) for _ in range(5)]) == []
    lines = output.read_text().splitlines()
    assert [len(parse_log_line(line)) for line in lines] == [2, 2, 1]


def test_half_a_surrogate_pair_costs_no_line(output: Path) -> None:
    Log().write([item("\ud800")])
    assert len(parse_log_line(output.read_text())) == 1


def test_a_closed_output_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    monkeypatch.setattr(log, "_STANDARD_OUTPUT", write_end)
    with pytest.raises(Unavailable, match="BrokenPipeError"):
        Log().write([item("x")])
    os.close(write_end)
