"""Whether the collector keeps up: what a record costs it, and a simulation of AWS around that.

    python -m benchmarks.collector [--rate 10000] [--seconds 60] [--request-ms 5]

"Lanes" are what Lambda calls concurrent batches of a shard (ParallelizationFactor).

Measured here, in this run: CPU of the handler's own code a record against a table in memory, CPU of
a request through the real client (its answers are canned), and how many requests, rounds, units and
additions to the busiest rollup a record and a batch take. Assumed, and printed: what DynamoDB takes
for a request, what Lambda takes to invoke, and that a shard takes 1,000 write units a second.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import cycle
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from benchmarks import engine_load
from benchmarks.collector_load import Books, CountingTable, units_of
from benchmarks.collector_model import Setting, Work, simulate
from causality.engine import Engine
from causality.records import decode_page
from gammaray_collector.collecting import Collector
from gammaray_collector.dynamo import DynamoTable
from gammaray_collector.rollups import PATIENCE_S
from gammaray_collector.table import Asked
from gammaray_collector.waiting import DUE_SHARDS, due_partition
from providers.collector import BATCH_SIZE, MAPPING, MEMORY_MB

INVOCATIONS: Final = 10_000  # in the load: a second of it
_NOW_S: Final = engine_load.START_S + 5.0
_LATER_S: Final = _NOW_S + PATIENCE_S + 60.0
_FINE, _COARSE = 10, 2  # lanes of a shard in the two runs that the line is drawn through
_SHARD_UNITS: Final = 1_000
CONNECTIONS, SLICE = 16, 500  # of gammaray_collector.dynamo and .handler
LANES: Final[int] = MAPPING["ParallelizationFactor"]
WINDOW_S: Final[float] = MAPPING["MaximumBatchingWindowInSeconds"]


def load() -> list[dict[str, Any]]:
    """Give the stream records of a second with so many invocations."""
    trees = INVOCATIONS // engine_load.INVOCATIONS_A_TREE
    return list(engine_load.trees(trees, generation=2, every_s=1 / trees))


def in_lanes(records: list[dict[str, Any]], lanes: int) -> list[list[dict[str, Any]]]:
    """Deal records out as Lambda does, by their key: who belongs together rarely meets."""
    dealt: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        key = record["dynamodb"]["Keys"]["reqID"]["S"]
        dealt[zlib.crc32(key.encode()) % lanes].append(record)
    return list(dealt.values())


@dataclass(frozen=True)
class Taken:
    """What it took the collector to take the load.

    Attributes:
        cpu_s: of its own code, all together.
        stored: bytes in the table.
        hot: transactions at the busiest rollup.
        hot_units: write units of one of these.
        rollups, waiting: write units of the busiest partition of rollups, and of edges that wait
            to be looked at again.
    """

    batches: int
    records: int
    cpu_s: float
    books: Books
    stored: int
    hot: int
    hot_units: int
    rollups: int
    waiting: int


def taken(records: list[dict[str, Any]], lanes: int) -> Taken:
    """Have collectors take all of it, each the batch of one lane, and look again at what waits."""
    table = CountingTable()
    batches = in_lanes(records, lanes)
    # Each lane is a process of its own on AWS, which has been up for long.
    collectors = [Collector(table) for _ in batches]
    began_s = time.process_time()
    for collector, batch in zip(collectors, batches, strict=True):
        collector.take(batch, _NOW_S)
    # As many as come with a batch are looked at again after each batch.
    waiting = sum(map(len, (table.items.get(due_partition(n), {}) for n in range(DUE_SHARDS))))
    most = math.ceil(waiting / len(batches))
    again = cycle(collectors)
    for shard in range(DUE_SHARDS):
        while next(again).sweep(_LATER_S, [shard], most) == most:
            continue
    cpu_s = time.process_time() - began_s - table.books.cpu_s
    (key, hot), *_ = table.books.additions.most_common(1)
    return Taken(
        batches=len(batches),
        records=len(records),
        cpu_s=cpu_s,
        books=table.books,
        stored=table.stored(),
        hot=hot,
        hot_units=2 * units_of(table.items[key[0]][key[1]]),
        rollups=_busiest(table.books, "t#"),
        waiting=_busiest(table.books, "u#"),
    )


def _busiest(books: Books, prefix: str) -> int:
    return max(units for name, units in books.heat.items() if name.startswith(prefix))


def work_of(small: Taken, large: Taken, request_s: float) -> Work:
    """Draw the line through small and large batches: what a batch takes, and what a record."""

    def line(of: Callable[[Taken], float]) -> tuple[float, float]:
        per_batch = [of(one) / one.batches for one in (small, large)]
        sizes = [one.records / one.batches for one in (small, large)]
        slope = (per_batch[1] - per_batch[0]) / (sizes[1] - sizes[0])
        return max(0.0, per_batch[0] - slope * sizes[0]), slope

    cpu_s, cpu_record_s = line(lambda one: one.cpu_s)
    requests_batch, requests = line(lambda one: one.books.requests.total())
    units_slice, units = line(lambda one: one.books.write_units.total())
    return Work(
        slice=SLICE,
        cpu_s=cpu_s + requests_batch * request_s,
        cpu_record_s=cpu_record_s + requests * request_s,
        rounds=large.books.rounds / large.batches,
        requests=requests,
        at_once=CONNECTIONS,
        units=units,
        units_slice=units_slice,
        hot=large.hot / large.batches,
        hot_units=large.hot_units,
        rollups=large.rollups / large.batches,
        waiting=large.waiting / large.records,
    )


def engine_cpu_s(records: list[dict[str, Any]]) -> tuple[float, float]:
    """Give what json.loads and the live engine take for a record of the same load."""
    pages = list(engine_load.pages(iter(records)))
    began_s = time.process_time()
    for page in pages:
        json.loads(page)
    read_s = time.process_time()
    engine = Engine()
    for page in pages:
        engine.apply_records(decode_page(page).records)
    engine.settle()
    ended_s = time.process_time()
    return (read_s - began_s) / len(records), (ended_s - read_s) / len(records)


def request_cpu_s(count: int = 200, times: int = 4) -> float:
    """Give what a query takes in the real table, at best: signing, writing, reading; no socket."""
    with patch.dict(os.environ, {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}):
        table = DynamoTable("gammaRaysCollected", "us-west-2")
    item = {"pk": {"S": "k#0"}, "sk": {"S": "o#0"}, "j": {"S": "x" * 500}}
    body = json.dumps({"Items": [item], "Count": 1}).encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        raw = SimpleNamespace(stream=lambda: iter([body]))
        headers = HTTPHeaders()
        headers["x-amz-crc32"] = str(zlib.crc32(body))
        return AWSResponse(request.url, 200, headers, raw)

    table._client.meta.events.register("before-send.dynamodb.*", answer)
    asked = [Asked("k#0", "o#", "o#~")]
    table.query(asked)
    took_s = []
    for _ in range(times):
        began_s = time.process_time()
        for _ in range(count):
            table.query(asked)
        took_s.append(time.process_time() - began_s)
    return min(took_s) / count


_HEAD: Final = (
    f"{'':34}{'lanes':>6}{'records':>9}{'batches':>9}{'running':>9}{'most':>6}{'backlog':>11}"
    f"{'at the':>11}  {'age s: median,':>19}{'write units':>12}{'refused':>9}{'failed':>8}"
    f"  keeps\n{'':40}{'a batch':>9}{'a second':>9}{'':15}{'halfway':>11}{'end':>11}  "
    f"{'99 %, most':>19}{'a second':>12}{'a batch':>9}{'batches':>8}  up\n"
)


def shards_for(rate: float) -> int:
    """Give the shards of a stream that so many records a second come through."""
    return math.ceil(rate / _SHARD_UNITS)


@dataclass(frozen=True)
class Steady:
    """How the function runs while it keeps up.

    Attributes:
        batches: a second.
        busy: how many run at a time, in the mean.
    """

    batches: float
    busy: float


def steady(rate: float, shards: int, work: Work, request_s: float = 0.005) -> Steady:
    """Work out by hand what the simulation shows, for any rate of records that can be kept up with.

    A lane waits for a record, gathers others for the window, and runs: round and round.
    """
    lanes = shards * LANES
    each = rate / lanes
    a_record_s = work.cpu_record_s + work.requests * request_s / work.at_once
    a_batch_s = work.cpu_s + work.rounds * request_s
    took_s = a_batch_s
    for _ in range(50):
        took_s = a_batch_s + a_record_s * min(BATCH_SIZE, 1 + each * (WINDOW_S + took_s))
    turn_s = 1 / each + WINDOW_S + took_s
    if each * turn_s > BATCH_SIZE:  # full before the window is over
        turn_s = max(BATCH_SIZE / each, took_s)
    return Steady(lanes / turn_s, lanes * took_s / turn_s)


def row(name: str, setting: Setting, work: Work, seconds: int) -> str:
    """Simulate, and give a line of the table."""
    found = simulate(setting, work, seconds)
    half, last = found.backlog[seconds // 2], found.backlog[-1]
    # Batches end by turns: from second to second the backlog varies by some hundredths of this.
    keeps_up = last - half < 0.04 * setting.rate * (seconds - seconds // 2)
    ages = ", ".join(f"{found.age_s(share):.1f}" for share in (0.5, 0.99, 1.0))
    return (
        f"{name:34}{setting.shards * setting.lanes:6}{found.records / found.batches:9.0f}"
        f"{found.batches / seconds:9.0f}{found.busy_s / seconds:9.0f}{found.at_once:6}"
        f"{half:11,}{last:11,}  {ages:>19}{found.units / seconds:12,.0f}"
        f"{found.refused / found.batches:9.2f}{found.failed:8}  {'yes' if keeps_up else 'no'}"
    )


def _told(one: Taken) -> str:
    books, count = one.books, INVOCATIONS
    each = ", ".join(f"{name} {n / one.batches:.1f}" for name, n in books.requests.items())
    return (
        f"  a batch of {one.records / one.batches:.0f}: {books.rounds / one.batches:.0f} rounds of "
        f"requests: {each}; the busiest rollup {one.hot / one.batches:.1f} times, "
        f"{one.hot_units} units each\n"
        f"    an invocation: {books.write_units.total() / count:.1f} write units, "
        f"{books.read_units / count:.1f} read units, {one.stored / count:,.0f} bytes\n"
        f"    the busiest partitions at {count:,} invocations a second, write units a second: "
        f"rollups {one.rollups}, waiting edges {one.waiting}\n"
    )


def main() -> None:
    """Measure, simulate, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector")
    parser.add_argument("--rate", type=float, default=10_000, help="invocations a second")
    parser.add_argument("--seconds", type=int, default=60, help="simulated")
    parser.add_argument("--request-ms", type=float, default=5.0, help="DynamoDB's, in the mean")
    given = parser.parse_args()
    records = load()
    shards = shards_for(given.rate * len(records) / INVOCATIONS)
    small, large = (taken(records, shards * lanes) for lanes in (_FINE, _COARSE))
    json_s, engine_s = engine_cpu_s(records)
    request_s = request_cpu_s()
    work = work_of(small, large, request_s)
    write = sys.stdout.write
    write(
        f"measured, of {len(records):,} records of {INVOCATIONS:,} invocations:\n"
        f"  json.loads {json_s * 1e6:.0f} µs a record, the live engine {engine_s * 1e6:.0f} µs\n"
        f"  the collector's own code {large.cpu_s / large.records * 1e6:.0f} µs a record\n"
        f"  a request in boto3 {request_s * 1e6:.0f} µs\n"
    )
    for one in (large, small):
        write(_told(one))
    rate = given.rate * len(records) / INVOCATIONS
    write(
        f"\nassumed: {given.request_ms:g} ms a request, twice that a transaction, "
        f"{CONNECTIONS} at a time\n"
        f"simulated: {given.rate:,.0f} invocations a second, {rate:,.0f} records, {shards} shards, "
        f"{given.seconds} s\n\n{_HEAD}"
    )
    base = Setting(
        rate=rate, shards=shards, lanes=LANES, request_s=given.request_ms / 1000,
        batch_size=BATCH_SIZE, window_s=WINDOW_S, memory_mb=MEMORY_MB,
    )  # fmt: skip
    third = given.seconds / 3
    for name, setting in (
        ("as setup makes it", base),
        ("one lane a shard", replace(base, lanes=1)),
        ("four lanes a shard", replace(base, lanes=4)),
        ("ten lanes a shard, a window of 1 s", replace(base, lanes=10, window_s=1.0)),
        ("three times the shards", replace(base, shards=3 * shards)),
        ("1.5 times the invocations", replace(base, rate=1.5 * rate, shards=shards * 3 // 2)),
        ("twice the invocations", replace(base, rate=2 * rate, shards=2 * shards)),
        ("512 MB", replace(base, memory_mb=512)),
        ("requests of 20 ms", replace(base, request_s=0.020)),
        ("the table's default quota", replace(base, quota=40_000)),
        ("25 of the function at a time", replace(base, concurrency=25)),
        ("the table away for 5 s", replace(base, away_s=(third, third + 5))),
    ):
        write(row(name, setting, work, given.seconds) + "\n")


if __name__ == "__main__":
    main()
