"""How fast records are archived and questions answered: python -m benchmarks.history RECORDS.

Records are those of benchmarks.engine_load: a page of them is copied with other ids and days, so
that making them costs next to nothing. CPU seconds are given beside those of the clock, because
other work may go on on the machine.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from benchmarks.engine_load import pages as load_pages
from benchmarks.engine_load import trees
from causality.records import decode_page
from gammaray_tui.history.edges import edges_of
from gammaray_tui.history.engines import opened
from gammaray_tui.history.questions import latency_by_function
from providers.archive.dataset import Dataset
from providers.archive.store import Folder
from providers.archive.writer import ArchiveWriter
from providers.events import RecordBatch

_DAYS = 10
_STAMP = "f0f0f0f0"
# Neither times (1795...) nor the account's number.
_ID = re.compile(r"(?<![0-9a-f-])(?!1795|123456789012)[0-9a-f]{8}[0-9a-f-]{4,}(?![0-9a-f])")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=int, nargs="?", default=100_000)
    parser.add_argument("--memory", default="2GB", help="for DuckDB")
    parser.add_argument("--engine", default="duckdb")
    parser.add_argument("--keep", type=Path, help="a folder for the archive; asked if it is there")
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="gammaray-bench-"))
    try:
        if not folder.exists() or not any(folder.iterdir()):
            _measured("archived", given.records, lambda: _archive(folder, given.records))
        with opened(Folder(folder), given.engine, memory=given.memory) as archive:
            _measured(
                "latency by function and day",
                given.records,
                lambda: latency_by_function(archive, "day", None).to_pyarrow().num_rows,
            )
            _measured("all edges", given.records, lambda: int(edges_of(archive).count().execute()))
    finally:
        if given.keep is None:
            shutil.rmtree(folder)


def pages(records: int) -> Iterator[bytes]:
    """Give pages of records, each page with ids, keys and contents of its own."""
    (page,) = islice(load_pages(trees(1000, generation=2)), 1)
    # Each id, hash and key begins with a stamp; equal ones stay equal, so that halves meet.
    stamped = _ID.sub(lambda found: _STAMP + found.group()[8:], page.decode())
    copies = max(1, records // 1000)
    for number in range(copies):
        copy = stamped.replace(_STAMP, f"{number:08x}")
        day = number * _DAYS // copies
        yield copy.replace("1795000", str(1_795_000 + 432 * day // 5)).encode()


def _archive(folder: Path, records: int) -> int:
    writer = ArchiveWriter(Dataset(Folder(folder)))
    for body in pages(records):
        writer.take(RecordBatch("us-west-2", "bench", decode_page(body).records))
    writer.flush()
    return writer.records


def _measured(what: str, records: int, work: Callable[[], int]) -> None:
    cpu_s, clock_s = time.process_time(), time.perf_counter()
    rows = work()
    cpu_s, clock_s = time.process_time() - cpu_s, time.perf_counter() - clock_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(  # noqa: T201
        f"{what}: {rows} in {clock_s:.1f} s, {cpu_s:.1f} s CPU "
        f"({records / cpu_s:,.0f} records a second of CPU), at most {peak_mb:.0f} MB"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
