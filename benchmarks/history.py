"""How fast records are archived and questions answered: python -m benchmarks.history RECORDS.

Records are those of benchmarks.engine_load: a page of them is copied with other ids and days, so
that making them costs next to nothing. CPU seconds are given beside those of the clock, because
other work may go on on the machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from ibis.expr.types import Table

from benchmarks.engine_load import pages as load_pages
from benchmarks.engine_load import trees
from causality.engine import Engine
from causality.records import decode_page
from gammaray_tui.cli import GC_THRESHOLDS
from gammaray_tui.history.edges import edges_of
from gammaray_tui.history.engines import Archive, opened
from gammaray_tui.history.questions import latency_by_function
from providers.archive.dataset import Dataset
from providers.archive.store import Folder
from providers.archive.workers import ArchiveWorkers, Place
from providers.events import RecordBatch

_DAYS = 10
_OWN, _SHARED = "f0f0f0f0", "f1f1f1f1"
# Neither times (1795...) nor the account's number.
_ID = re.compile(
    r"(?<![0-9a-f-])(?!1795|123456789012)[0-9a-f]{8}[0-9a-f-]{4,}(?![0-9a-f])", re.IGNORECASE
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=int, nargs="?", default=100_000)
    parser.add_argument("--memory", default="2GB", help="for DuckDB")
    parser.add_argument("--engine", default="duckdb")
    parser.add_argument("--keep", type=Path, help="a folder for the archive; asked if it is there")
    parser.add_argument(
        "--check", action="store_true", help="compare every edge to the live engine's"
    )
    given = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)  # as the command line does
    folder = given.keep or Path(tempfile.mkdtemp(prefix="gammaray-bench-"))
    count = given.records
    try:
        if not folder.exists() or not any(folder.iterdir()):
            _measured(
                "made and decoded, to compare with",
                count,
                lambda: sum(len(decode_page(body).records) for body in pages(count)),
            )
            _measured("archived", count, lambda: _archive(folder, count))
        with opened(Folder(folder), given.engine, memory=given.memory) as archive:
            _measured(
                "latency by function and day",
                count,
                lambda: latency_by_function(archive, "day", None).to_pyarrow().num_rows,
            )
            found: list[Table] = []
            _measured("all edges", count, lambda: _edges(archive, found))
            if given.check:
                _check(archive, found[0], count)
    finally:
        if given.keep is None:
            shutil.rmtree(folder)


def pages(records: int) -> Iterator[bytes]:
    """Give pages of records, spread over some days.

    Each page has ids, keys and contents of its own; but of ten pages two share keys and contents
    with one another, so that each of their writes can be either's. Every fourth page comes out of
    order, and every tenth one twice.
    """
    (page,) = islice(load_pages(trees(1000, generation=2)), 1)
    # Each id, hash and key begins with a stamp; equal ones stay equal, so that halves meet.
    stamped = _ID.sub(_stamp, page.decode())
    turned = json.loads(stamped)
    turned["Records"].reverse()
    backwards = json.dumps(turned)
    copies = max(1, records * 10 // 11_000)
    for number in range(copies):
        shared = number - number % 2 if number % 10 < 2 else number
        copy = backwards if number % 4 == 0 else stamped
        copy = copy.replace(_OWN, f"{number:08x}").replace(_SHARED, f"{shared:08x}")
        day = number // 2 * 2 * _DAYS // copies
        body = copy.replace("1795000", str(1_795_000 + 432 * day // 5)).encode()
        yield body
        if number % 10 == 0:
            yield body


def _stamp(found: re.Match[str]) -> str:
    text = found.group()
    return (_OWN if "-" in text else _SHARED) + text[8:]


def _edges(archive: Archive, found: list[Table]) -> int:
    found.append(edges_of(archive))
    return sum(batch.num_rows for batch in archive.answer(found[0]))  # all of their columns


def _check(archive: Archive, edges: Table, records: int) -> None:
    """Compare edges, grades and candidates to those of the live engine.

    Raises:
        SystemExit: they differ.
    """
    engine = Engine()
    for body in pages(records):
        engine.apply_records(decode_page(body).records)
        engine.settle()
    engine.finish()
    live = {
        (
            edge.cause.invocation.request_id,
            edge.parent.request_id if edge.parent else None,
            edge.call.id if edge.call else None,
            edge.evidence,
            () if edge.call else tuple(sorted({call.id for call in edge.candidates})),
        )
        for edge in engine.edges()
    }
    asked = {
        (
            row["child_request_id"],
            row["parent_request_id"],
            row["call_id"],
            row["evidence"],
            tuple(row["call_candidates"]),
        )
        for row in archive.rows(edges)
    }
    grades = Counter(edge[3] for edge in live)
    if asked != live:
        sys.exit(f"{len(asked ^ live)} edges differ from those of the live engine")
    print(f"all {len(live)} edges are those of the live engine: {dict(grades)}")  # noqa: T201


def _archive(folder: Path, records: int) -> int:
    place = Place(str(folder), None, None)
    with ArchiveWorkers(place, Dataset(Folder(folder))) as workers:
        for body in pages(records):
            workers.take(RecordBatch("us-west-2", "bench", decode_page(body).records))
        workers.flush()
    return workers.records


def _measured(what: str, records: int, work: Callable[[], int]) -> None:
    cpu_s, clock_s = _cpu_s(), time.perf_counter()
    rows = work()
    cpu_s, clock_s = _cpu_s() - cpu_s, time.perf_counter() - clock_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(  # noqa: T201
        f"{what}: {rows} in {clock_s:.1f} s, {cpu_s:.1f} s CPU "
        f"({records / cpu_s:,.0f} records a second of CPU), at most {peak_mb:.0f} MB"
    )
    sys.stdout.flush()


def _cpu_s() -> float:
    """Give the CPU seconds of this process, and of those that it started and that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


if __name__ == "__main__":
    main()
