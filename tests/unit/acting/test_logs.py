from __future__ import annotations

import json

import pytest

from providers.logs import parse_report
from providers.operations import LogReport

TEXT = (
    "REPORT RequestId: 3c6a8b9e-1\tDuration: 134.31 ms\tBilled Duration: 135 ms\t"
    "Memory Size: 256 MB\tMax Memory Used: 71 MB\tInit Duration: 301.02 ms\t\n"
    "XRAY TraceId: 1-5f\tSegmentId: 5\tSampled: true\t"
)
JSON = json.dumps(
    {
        "time": "2026-01-01T00:00:00Z",
        "type": "platform.report",
        "record": {
            "requestId": "3c6a8b9e-1",
            "metrics": {
                "durationMs": 134.31,
                "billedDurationMs": 135,
                "memorySizeMB": 256,
                "maxMemoryUsedMB": 71,
                "initDurationMs": 301.02,
            },
        },
    }
)


@pytest.mark.parametrize("text", [TEXT, JSON])
def test_reports_are_read_as_text_and_as_json(text: str) -> None:
    report = parse_report(text)
    assert report is not None
    assert report.request_id == "3c6a8b9e-1"
    assert report.duration_s == pytest.approx(0.13431)
    assert report.billed_s == pytest.approx(0.135)
    assert report.init_s == pytest.approx(0.30102)
    assert (report.memory_mb, report.used_mb) == (256, 71)


def test_a_warm_invocation_has_no_init() -> None:
    text = "REPORT RequestId: r\tDuration: 1 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB"
    assert parse_report(text) == LogReport("r", 0.001, 0.001, None, 128, None)


def test_a_memory_of_nothing_is_not_measured() -> None:
    report = parse_report("REPORT RequestId: r\tMemory Size: 256 MB\tMax Memory Used: 0 MB")
    assert report == LogReport("r", memory_mb=256, used_mb=None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "START RequestId: r Version: 1",
        '{"type":"platform.report"}',
        '["platform.report"]',
        '"platform.report" {',
        '{"type":"platform.report","record":[]}',
    ],
)
def test_other_lines_are_no_reports(text: str) -> None:
    assert parse_report(text) is None
