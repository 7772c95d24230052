"""CSV of latencies by function and by edge, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from causality.analysis.latencies import LatencyEntry, covered, latency_entries
from causality.exports.labels import printable
from causality.graph import Invocation

COLUMNS = msgspec.structs.fields(LatencyEntry)
# OWASP, "CSV Injection": a cell that begins so is run as a formula by spreadsheets; and where
# cells are parted by semicolons, as in many countries, what follows one begins a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_FURTHER = re.compile("; *(?=[-=+@\uff1d\uff0b\uff0d\uff20])")


def latencies_csv(invocations: Sequence[Invocation]) -> bytes:
    """Write durations by function, then trigger delays by edge, busiest first; RFC 4180."""
    return entries_csv(latency_entries(invocations, covered(invocations)))


def entries_csv(entries: Iterable[LatencyEntry]) -> bytes:
    """Write entries, their members as columns; what is unknown is left empty."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(field.name for field in COLUMNS)
    writer.writerows(_cells(entry) for entry in entries)
    return written.getvalue().encode()


def safe_cell(text: str) -> str:
    """Give text that no spreadsheet runs."""
    # Judged before and after: what looks harmless now may not once it is spelled out.
    shown = _FURTHER.sub(";'", printable(text))
    return f"'{shown}" if text.startswith(_FORMULA) or shown.startswith(_FORMULA) else shown


def _cells(entry: LatencyEntry) -> Iterator[str]:
    for value in msgspec.structs.astuple(entry):
        if isinstance(value, str):
            yield safe_cell(value)
        elif isinstance(value, float):
            yield f"{value:.6f}"
        else:
            yield "" if value is None else str(value)
