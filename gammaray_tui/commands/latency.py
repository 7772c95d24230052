"""`gammaray-tui latency`: quantiles by function or by edge, of recorded files or as collected."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.collected import (
    OfCollector,
    PathsOrNone,
    collected_latency,
    need_input,
)
from gammaray_tui.commands.graph_input import check_filter, read_filter, read_graph
from gammaray_tui.commands.output import ended_pipe_is_fine, say, write_result
from gammaray_tui.commands.plain_table import table_lines
from providers.errors import UserError

if TYPE_CHECKING:
    from causality.analysis.latencies import LatencyEntry

_NAMES = frozenset({"FUNCTION", "EDGE", "REGION", "ACCOUNT"})


class By(StrEnum):
    """What latencies are of."""

    FUNCTION = "function"
    EDGE = "edge"


def latency(
    context: typer.Context,
    paths: PathsOrNone = None,
    by: Annotated[
        By, typer.Option("--by", help="Durations of functions, or trigger delays of edges.")
    ] = By.FUNCTION,
    window: Annotated[
        str, typer.Option("--window", metavar="DURATION", help="Only the last so long, such as 5m.")
    ] = "",
    expression: Annotated[
        str,
        typer.Option(
            "--filter",
            metavar="EXPR",
            help="Only fitting invocations, such as 'cold p95>200ms'.",
        ),
    ] = "",
    collected: OfCollector = False,
    as_json: options.AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
) -> None:
    """Print p50 to max, errors and rate by function or by edge."""
    if as_json and as_csv:
        raise UserError("--json and --csv exclude each other.", todo="Choose one.", kind="usage")
    from causality.exports.tables import entries_csv

    window_s = _seconds(window)
    given = options.given_before(context)
    if need_input(paths, given, "latency", collected=collected):
        found = collected_latency(given, by.value, window_s, expression)
    else:
        found = _of_files(paths or [], by, window_s, expression)
    if not found:
        say(f"there is no {by.value} to show")
    with ended_pipe_is_fine():
        if as_csv:
            write_result(entries_csv(found), None)
        else:
            lines = _json(found) if as_json else _table(by, found)
            sys.stdout.write("".join(line + "\n" for line in lines))


def _of_files(
    paths: list[Path], by: By, window_s: float | None, expression: str
) -> list[LatencyEntry]:
    from causality.analysis.latencies import covered, latency_entries

    check_filter(expression)
    engine = read_graph(paths)
    members = list(engine.invocations.values())
    span = covered(members)
    test = read_filter(expression, engine)
    return [e for e in latency_entries(members, span, window_s, test) if e.kind == by.value]


def _seconds(text: str) -> float | None:
    from causality.filters import read_duration

    if not text:
        return None
    window_s = read_duration(text)
    if not window_s:
        raise UserError(
            f"--window is {text!r}, which is no duration.",
            todo="Give one such as 90s, 5m or 2h.",
            kind="usage",
        )
    return window_s


def _json(found: list[LatencyEntry]) -> list[str]:
    from gammaray_tui.commands.analysis_documents import encoded

    return [encoded(entry) for entry in found]


def _table(by: By, found: list[LatencyEntry]) -> list[str]:
    from widgets import formats

    owned = any(entry.account for entry in found)
    figures = ("N", "ERR", "COLD", "/S", "P50", "P90", "P95", "P99", "MAX")
    heads = (by.upper(), "REGION", *(("ACCOUNT",) if owned else ()), *figures)
    rows = [
        (
            entry.name,
            entry.region,
            *((entry.account or "",) if owned else ()),
            str(entry.count),
            str(entry.errors),
            str(entry.cold_starts),
            formats.rate(entry.rate) if entry.rate is not None else formats.UNKNOWN,
            *map(
                formats.duration,
                (entry.p50_s, entry.p90_s, entry.p95_s, entry.p99_s, entry.max_s),
            ),
        )
        for entry in found
    ]
    return table_lines(heads, rows, frozenset(heads) - _NAMES)
