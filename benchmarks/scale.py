"""What watching costs at a million to a billion invocations a day, and which limit comes first.

    python -m benchmarks.scale [--peak 5] [--writes 2.1] [--bytes 910]

A model, not a measurement: items and bytes are those of the recorder's records, requests, units and
CPU those of the collector, sizes of an archive's tables those that are written of such records (all
of it counted here, of benchmarks/engine_load.py), rates are figures of docs/performance.md, prices
and limits are AWS's list prices and default quotas in us-east-1, which docs/scale.md names.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import collector, engine_load
from benchmarks.collector_model import Work
from causality.records import decode_page
from gammaray_collector.rollups import SHARDS
from providers.archive.dataset import Dataset
from providers.archive.store import Folder
from providers.archive.workers import ArchiveWorkers, Place
from providers.collector import MEMORY_MB
from providers.events import RecordBatch

DAY_S = 86_400
TREES = 300
ARCHIVED_TREES = 3000
# docs/performance.md: records a second of one core.
READER_RATE, WATCH_RATE = 281_000, 18_400
RECORDING_BYTES = 95  # a record
RECORDER_S, RECORDED_GB = 0.0015, 0.5  # what it adds to a warm invocation of a function of 512 MB
KEPT = 100_000  # invocations in a watch
# AWS: USD a unit, and quotas as a new account has them.
WRITE_UNIT_USD = 0.625e-6  # on demand, 1 KB
STREAM_READ_USD = 0.2e-6  # a GetRecords call
KINESIS_UNIT_USD = 0.1e-6  # a change of 1 KB that a table sends to Kinesis
STORAGE_USD = 0.25 / 30  # a GB and day
LOGS_USD = 0.50  # a GB taken in
TABLE_UNITS, SHARD_UNITS = 40_000, 1_000  # write units a second
POLLS = 4  # GetRecords calls a second and shard, while records come
TTL_DAYS = 7
MEMORY_GB = MEMORY_MB / 1024
READ_UNIT_USD = 0.125e-6  # on demand, 4 KB
LAMBDA_USD, GIGABYTE_SECOND_USD = 0.2e-6, 16.6667e-6
BATCHES = (10, 100, 500)  # records: sizes that are measured
# A watch with --collected: partitions asked for every few seconds, and what stands in them.
LOOKS, ROLLUPS, ROLLUP_KB, MINUTES = DAY_S / 5, 100, 1.0, 2
# An archive: docs/performance.md for DuckDB, CPU of a record and of an invocation.
ARCHIVE_RATE, EDGES_CPU_S = 57_000, 11.2e-6
SPARK_TIMES = 15  # CPU of Spark, in local mode, for one of DuckDB's
S3_USD = 0.023  # a GB and month
ATHENA_USD = 5e-3  # a GB that is read
SPARK_USD = (0.052624 + 4 * 0.0057785) / 3600  # EMR Serverless: a second of a core with 4 GB


@dataclass(frozen=True)
class Traffic:
    """What an invocation leaves, and how uneven the day is.

    Attributes:
        items: in the record table, an invocation.
        writes: write units an invocation.
        size: bytes an invocation.
        peak: invocations in the busiest second, of those in the mean one.
    """

    items: float
    writes: float
    size: float
    peak: float


def measured() -> tuple[float, float, float]:
    """Count items, write units and bytes an invocation, of the recorder's records."""
    invocations: set[str] = set()
    items = units = size = 0
    for record in engine_load.trees(TREES, generation=2):
        image = record["dynamodb"]["NewImage"]
        own = sum(len(name) + len(*value.values()) for name, value in image.items())
        invocations.add(json.loads(image["payload"]["S"])["r"])
        items, units, size = items + 1, units + math.ceil(own / 1024), size + own
    return items / len(invocations), units / len(invocations), size / len(invocations)


@dataclass(frozen=True)
class Collecting:
    """What the collector takes, in batches of several sizes.

    Attributes:
        measured: each of them.
        work: what a batch takes, and what a record.
        records: of an invocation that invoke it: those that come, not those that expire.
    """

    measured: Sequence[collector.Taken]
    work: Work
    records: float

    def at(self, size: float) -> collector.Taken:
        """Give what was measured with batches of about that size."""
        return min(self.measured, key=lambda one: abs(math.log(one.records / one.batches / size)))


def collecting() -> Collecting:
    """Have the collector take a second of ten thousand invocations, as its own benchmark does."""
    records = collector.load()
    measured = [collector.taken(records, len(records) // size) for size in BATCHES]
    work = collector.work_of(measured[1], measured[2], collector.request_cpu_s())
    return Collecting(measured, work, len(records) / collector.INVOCATIONS)


def collector_lines(a_day: int, traffic: Traffic, each: Collecting) -> dict[str, str]:
    """Give what the collector costs at so many invocations a day, and what it needs."""
    mean, count = a_day / DAY_S, collector.INVOCATIONS
    shards = math.ceil(mean * traffic.peak * traffic.writes / SHARD_UNITS)
    usual, busiest = (
        collector.steady(rate * each.records, shards, each.work)
        for rate in (mean, mean * traffic.peak)
    )
    a_second = usual.batches * LAMBDA_USD + usual.busy * MEMORY_GB * GIGABYTE_SECOND_USD
    found = each.at(mean * each.records / usual.batches)
    kept = a_day * found.stored / count / 1e9 * TTL_DAYS * STORAGE_USD
    writes = found.books.write_units.total() / count
    units = mean * traffic.peak * writes
    looked = collector_reads()
    return {
        "collector: writes, USD a day": f"{a_day * writes * WRITE_UNIT_USD:,.2f}",
        "collector: reads, USD a day": (
            f"{a_day * found.books.read_units / count * READ_UNIT_USD:,.2f}"
        ),
        "collector: the function, USD a day": f"{a_second * DAY_S:,.2f}",
        f"collector: {TTL_DAYS} days kept, USD a day": f"{kept:,.2f}",
        "collector: write units at the peak, of the quota": (
            f"{units:,.0f}, {units / TABLE_UNITS:.0%}"
        ),
        "collector: records a batch, mean": f"{mean * each.records / usual.batches:,.0f}",
        "collector: functions at a time, mean and peak": f"{usual.busy:,.1f}, {busiest.busy:,.1f}",
        "watch with --collected: reads, USD a day": f"{looked * READ_UNIT_USD:,.2f}",
    }


def collector_reads() -> float:
    """Give the read units a day of a watch with --collected, at any rate of invocations."""
    kilobytes = ROLLUPS * ROLLUP_KB * MINUTES / SHARDS
    return LOOKS * SHARDS * math.ceil(kilobytes / 4) / 2  # need not be consistent


def archived() -> dict[str, float]:
    """Give the bytes an invocation in each table of an archive."""
    with TemporaryDirectory(prefix="gammaray-bench-") as name:
        with ArchiveWorkers(Place(name, None, None), Dataset(Folder(Path(name)))) as workers:
            for page in engine_load.pages(engine_load.trees(ARCHIVED_TREES, generation=2)):
                workers.take(RecordBatch("us-west-2", "bench", decode_page(page).records))
            workers.flush()
        return {
            table: sum(f.stat().st_size for f in Path(name).glob(f"{table}/**/*.parquet"))
            / (ARCHIVED_TREES * engine_load.INVOCATIONS_A_TREE)
            for table in ("invocations", "calls", "causes")
        }


def archive_lines(a_day: int, traffic: Traffic, sizes: Mapping[str, float]) -> dict[str, str]:
    """Give what an archive of so many invocations a day costs, and what questions to it do."""
    gigabytes = a_day * sum(sizes.values()) / 1e9
    latency = a_day * sizes["invocations"] / 1e9
    cpu_s = a_day * EDGES_CPU_S
    return {
        "archive: GB a day": f"{gigabytes:,.2f}",
        "archive: 30 days on S3, USD a month": f"{30 * gigabytes * S3_USD:,.2f}",
        "archiving: cores, mean": f"{a_day / DAY_S * traffic.items / ARCHIVE_RATE:.2f}",
        "a day's latencies by Athena, USD at most": f"{latency * ATHENA_USD:,.4f}",
        "a day's edges by Athena, USD if read once": f"{gigabytes * ATHENA_USD:,.4f}",
        "a day's edges by DuckDB, minutes of CPU": f"{cpu_s / 60:,.1f}",
        "a day's edges by Spark, USD": f"{SPARK_TIMES * cpu_s * SPARK_USD:,.2f}",
    }


def lines(a_day: int, traffic: Traffic) -> dict[str, str]:
    """Give what so many invocations a day cost, and what they need."""
    mean = a_day / DAY_S
    peak = mean * traffic.peak
    shards = math.ceil(peak * traffic.writes / SHARD_UNITS)
    gigabytes = a_day * traffic.size / 1e9
    # An item that expires leaves the table by a record of its own, which is read, too.
    read = 2 * traffic.items
    return {
        "invocations a second: mean, peak": f"{mean:,.0f}, {peak:,.0f}",
        "table: writes, USD a day": f"{a_day * traffic.writes * WRITE_UNIT_USD:,.2f}",
        "recorder: its time in functions, USD a day": (
            f"{a_day * RECORDER_S * RECORDED_GB * GIGABYTE_SECOND_USD:,.2f}"
        ),
        f"table: {TTL_DAYS} days kept, USD a day": f"{gigabytes * TTL_DAYS * STORAGE_USD:,.2f}",
        "stream: reads of one watch, USD a day": f"{shards * POLLS * DAY_S * STREAM_READ_USD:,.2f}",
        "instead, Kinesis: changes, USD a day": (
            f"{2 * a_day * traffic.writes * KINESIS_UNIT_USD:,.2f}"
        ),
        "instead, log lines: taken in, USD a day": f"{gigabytes * LOGS_USD:,.2f}",
        "write units a second at the peak, of the quota": (
            f"{peak * traffic.writes:,.0f}, {peak * traffic.writes / TABLE_UNITS:.0%}"
        ),
        "shards": f"{shards:,}",
        "reader: cores, mean and peak": _cores(mean * read, peak * read, READER_RATE),
        "watch with its screen: cores, mean and peak": _cores(mean * read, peak * read, WATCH_RATE),
        f"newest {KEPT:,} invocations: of the last": _while(KEPT / mean),
        "recording, GB a day": f"{a_day * traffic.items * RECORDING_BYTES / 1e9:,.1f}",
    }


def _cores(mean: float, peak: float, rate: float) -> str:
    return f"{mean / rate:.2f}, {peak / rate:.2f}"


def _while(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds / 60:,.1f} min"


def main() -> None:
    """Print the table."""
    items, writes, size = measured()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--peak", type=float, default=5.0, help="busiest second to mean one")
    parser.add_argument("--items", type=float, default=items, help="items an invocation")
    parser.add_argument("--writes", type=float, default=writes, help="write units an invocation")
    parser.add_argument("--bytes", type=float, default=size, help="bytes an invocation")
    given = parser.parse_args()
    traffic = Traffic(given.items, given.writes, given.bytes, given.peak)
    each, sizes = collecting(), archived()
    columns = {
        day: lines(day, traffic)
        | collector_lines(day, traffic, each)
        | archive_lines(day, traffic, sizes)
        for day in (10**power for power in range(6, 10))
    }
    write = sys.stdout.write
    write(
        f"{traffic}\n{each.work}\narchive, bytes an invocation: {sizes}\n\n{'invocations a day':48}"
    )
    write("".join(f"{day:>18,}" for day in columns))
    for name in columns[10**6]:
        write(f"\n{name:48}" + "".join(f"{found[name]:>18}" for found in columns.values()))
    write("\n")


if __name__ == "__main__":
    main()
