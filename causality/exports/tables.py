"""CSV of latencies by function and by edge, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from causality.exports.labels import printable
from causality.graph import Invocation
from causality.latency import LatencyTable, edge_samples, function_samples
from causality.snapshot import LatencyRow

COLUMNS = (
    "kind",
    "name",
    "region",
    "count",
    "errors",
    "cold_starts",
    "p50_s",
    "p90_s",
    "p95_s",
    "p99_s",
    "max_s",
)
# OWASP, "CSV Injection": a cell that begins so is run as a formula by spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def latencies_csv(invocations: Iterable[Invocation]) -> bytes:
    """Write durations by function, then trigger delays by edge, busiest first; RFC 4180."""
    functions, edges = LatencyTable(), LatencyTable()
    for invocation in invocations:
        for attempt, sample in function_samples(invocation):
            functions.put(attempt, sample)
        for cause, sample in edge_samples(invocation):
            edges.put(cause, sample)
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for kind, table in (("function", functions), ("edge", edges)):
        writer.writerows(_cells(kind, row) for row in table.rows(0.0))
    return written.getvalue().encode()


def safe_cell(text: str) -> str:
    """Give text that no spreadsheet runs."""
    # Judged before and after: what looks harmless now may not once it is spelled out.
    shown = printable(text)
    return f"'{shown}" if text.startswith(_FORMULA) or shown.startswith(_FORMULA) else shown


def _cells(kind: str, row: LatencyRow) -> Iterator[str]:
    yield from (kind, safe_cell(row.name), safe_cell(row.region))
    yield from (str(row.count), str(row.errors), str(row.cold))
    for value_s in (row.p50_s, row.p90_s, row.p95_s, row.p99_s, row.max_s):
        yield "" if value_s is None else f"{value_s:.6f}"
