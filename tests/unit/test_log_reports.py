"""Which invocations are asked for their REPORT lines, and how often."""

from __future__ import annotations

from typing import Any, cast

import pytest

from causality.snapshot import TreeRow
from gammaray_tui.log_reports import LogReports
from providers.errors import UserError
from providers.operations import LogReport, LogsOf


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Around:
    """Stands for the model and for what asks the logs."""

    def __init__(self, has: set[str], error: UserError | None = None) -> None:
        self.has, self.error = has, error
        self.reports_taken: list[str] = []

    def logs_wanted(self, node: str) -> list[LogsOf]:
        return [LogsOf("f", "us-west-2", node), LogsOf("g", "us-west-2", "its child")]

    def reported(self, report: LogReport) -> None:
        self.reports_taken.append(report.request_id)

    async def reports(self, wanted: list[LogsOf]) -> list[LogReport]:
        if self.error is not None:
            raise self.error
        return [LogReport(one.request_id) for one in wanted if one.request_id in self.has]


def row(node: str, function: str = "f", state: str = "ok", kind: str = "invocation") -> TreeRow:
    return TreeRow(node, cast(Any, kind), 0, (), True, function, "us-west-2", cast(Any, state))


ROWS = [row("a"), row("b"), row("runs", state="running"), row("call", kind="call")]


async def test_what_is_on_screen_is_asked_for_now_and_then_and_twice_at_most() -> None:
    clock = Clock()
    reports = LogReports(clock)
    around = Around({"a"})

    for asked in (["a", "b"], ["b"], []):
        nodes = reports.wanted(None, ROWS)
        assert nodes == asked
        await reports.fetch(nodes, cast(Any, around), cast(Any, around))
        assert reports.wanted(None, [*ROWS, row("new")]) == [], "too early"
        clock.now_s += 5
    assert around.reports_taken == ["a"]


async def test_few_functions_are_asked_at_a_time() -> None:
    reports = LogReports(Clock())
    rows = [row(f"{at}", function=f"f{at % 8}") for at in range(80)]

    assert reports.wanted(None, rows) == ["0", "1", "2", "3"]
    assert len(reports.wanted(None, [row(f"{at}") for at in range(80)])) == 40


@pytest.mark.parametrize("error", [UserError("logs:FilterLogEvents is denied")])
async def test_what_is_refused_is_not_asked_again(error: UserError) -> None:
    clock = Clock()
    reports = LogReports(clock)
    around = cast(Any, Around(set(), error))

    await reports.fetch(reports.wanted(None, ROWS), around, around)
    clock.now_s += 60

    assert reports.wanted(None, ROWS) == []
