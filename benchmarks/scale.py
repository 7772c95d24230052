"""What watching costs at a million to a billion invocations a day, and which limit comes first.

    python -m benchmarks.scale [--peak 5] [--writes 2.1] [--bytes 910]

A model, not a measurement: items and bytes are those of the recorder's records (counted here, of
benchmarks/engine_load.py), rates are figures of docs/performance.md, prices and limits are AWS's
list prices and default quotas in us-east-1, which docs/scale.md names.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass

from benchmarks import engine_load

DAY_S = 86_400
TREES = 300
# docs/performance.md: records a second of one core.
READER_RATE, WATCH_RATE = 281_000, 18_400
RECORDING_BYTES = 95  # a record
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
    columns = {10**power: lines(10**power, traffic) for power in range(6, 10)}
    write = sys.stdout.write
    write(f"{traffic}\n\n{'invocations a day':48}" + "".join(f"{day:>18,}" for day in columns))
    for name in columns[10**6]:
        write(f"\n{name:48}" + "".join(f"{found[name]:>18}" for found in columns.values()))
    write("\n")


if __name__ == "__main__":
    main()
