"""Measure the screen over a collector's table at one rate of invocations, and at ten times as many.

    python -m benchmarks.collected_view            100, 1,000 and 10,000 invocations a second
    python -m benchmarks.collected_view --rate 10 --steps 1 --seconds 60

The real application on Textual's headless driver reads rollups of the same functions and edges from
a server in a process of its own, which fills them as time passes, in true time: CPU time is the
application's alone, bytes are those of the answers' bodies. As a baseline, what the ordinary watch
takes for the records of as many invocations, measured in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import random
import sys
import time
import urllib.request
from itertools import pairwise
from statistics import NormalDist

from aiohttp import web

from benchmarks.engine_load import INVOCATIONS_A_TREE, pages, trees
from benchmarks.screen import until
from causality.records import decode_page
from causality.sketch import bucket_of
from gammaray_collector.rollups import EdgeName, FunctionName, Name, RollupKind
from gammaray_tui.app import GammarayApp
from gammaray_tui.cli import GC_THRESHOLDS
from gammaray_tui.collected import CollectedWatch
from gammaray_tui.watch import Watch
from providers.collected import KEPT_MINUTES, CollectedSource
from providers.collected_chain import FetchedChain, fetch_chain
from providers.events import RecordBatch
from providers.session import AwsSession, AwsSettings
from providers.streams import parse_since
from tests.fakes.collected import WEST, FakeCollected
from tests.fakes.services import FakeServices

FUNCTIONS = 50
SIZE = (120, 40)
WARM_S = 6.0  # the start reads the last quarter of an hour: told apart
SPREAD = 0.5  # of a lognormal distribution: the slowest in a thousand take five times the median
TREES = 1500
FRESH_S = 1.0


class Load(FakeCollected):
    """Rollups as they stand at any moment, of so many invocations a second in all."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate
        self._chance = random.Random(1)
        self._minutes: dict[int, float] = {}  # how much of each is filled, and of the running one

    def fill(self, now_s: float) -> None:
        """Bring the newest minutes up to now."""
        current = int(now_s) // 60
        for minute in range(current - KEPT_MINUTES, current + 1):
            part = min(1.0, (now_s - minute * 60) / 60)
            if part - self._minutes.get(minute, 0.0) > (0.0 if part == 1.0 else FRESH_S / 60):
                self._fill(minute, part - self._minutes.get(minute, 0.0))
                self._minutes[minute] = part

    def _fill(self, minute: int, part: float) -> None:
        invocations = self._rate * 60 * part / FUNCTIONS
        for number in range(FUNCTIONS):
            name = FunctionName(WEST, f"function-{number:02d}")
            counts = {"started": round(invocations), "ended": round(invocations)}
            self._add("f", name, minute, counts, invocations, 0.02 * 1.1**number)
            edge = EdgeName(
                WEST, f"function-{number // 2:02d}", WEST, name.function, "dynamodb", f"t{number}"
            )
            counts = {"content": round(invocations), "timed": round(invocations)}
            self._add("e", edge, minute, counts, invocations, 0.05)

    def _add(
        self,
        kind: RollupKind,
        name: Name,
        minute: int,
        counts: dict[str, int],
        invocations: float,
        median_s: float,
    ) -> None:
        """Add to a rollup as many values as there are, spread as latencies are."""
        added = {**counts, **self._values(invocations, median_s)}
        examples = {"latest": f"{self._chance.getrandbits(128):032x}"}
        self.count(kind, name, minute, added, (), examples)

    def _values(self, count: float, median_s: float) -> dict[str, int]:
        middle, width = bucket_of(median_s), 0.02
        spread = NormalDist(0.0, SPREAD / width)
        found = {}
        reach = round(4 * SPREAD / width)
        for off in range(-reach, reach + 1):
            expected = count * (spread.cdf(off + 0.5) - spread.cdf(off - 0.5))
            # A Poisson number, by its normal approximation where it is large.
            if expected > 30:
                number = max(0, round(self._chance.gauss(expected, math.sqrt(expected))))
            else:
                number, product = -1, 1.0
                while product > math.exp(-expected):
                    number, product = number + 1, product * self._chance.random()
            if number:
                found[f"d{middle + off}"] = number
        return found


async def serve(rate: float) -> None:
    """Serve until killed; the first line of output is the address."""
    load = Load(rate)
    load.fill(time.time())
    fake = FakeServices(load.answer)
    sent = 0

    async def take(request: web.Request) -> web.Response:
        nonlocal sent
        load.fill(time.time())
        response = await fake.take(request)
        sent += len(response.body) if isinstance(response.body, bytes) else 0
        return response

    async def told(_request: web.Request) -> web.Response:
        return web.Response(text=str(sent))

    application = web.Application()
    application.router.add_post("/{path:.*}", take)
    application.router.add_get("/sent", told)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def measure(rate: float, seconds: float) -> tuple[float, float, float, float]:
    """Watch for a while; give CPU and MB of the start, CPU and bytes a second afterwards."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.collected_view", "--serve", str(rate)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None
    url = (await server.stdout.readline()).decode().strip()
    try:
        session = AwsSession.open(AwsSettings(regions=(WEST,), endpoint_url=url))
        source = CollectedSource(session, since=parse_since("15m"))

        async def fetch(request_id: str) -> FetchedChain:
            return await fetch_chain(source.table, request_id)

        model = CollectedWatch("figures", fetch)
        feed = (lambda: source.run(model.queue, model.counted.put),)
        app = GammarayApp(model, title="figures", read_only=True, sources=feed)
        async with app.run_test(size=SIZE):
            began_s = time.process_time()
            await until(lambda: len(app.snapshot.functions) >= FUNCTIONS)
            await asyncio.sleep(WARM_S)
            start_s, first_bytes = time.process_time() - began_s, await _sent(url)
            # What is read at which second of a minute is always the same.
            await asyncio.sleep(-time.time() % 60)
            start_bytes = await _sent(url)
            began_s = time.process_time()
            await asyncio.sleep(seconds)
            cpu_s, received = time.process_time() - began_s, await _sent(url) - start_bytes
        return start_s, first_bytes / 1e6, cpu_s / seconds, received / seconds
    finally:
        server.kill()
        await server.wait()


async def _sent(url: str) -> int:
    def ask() -> int:
        with urllib.request.urlopen(f"{url}/sent") as answer:
            return int(answer.read())

    return await asyncio.to_thread(ask)


def record_cost() -> tuple[float, float]:
    """Give the CPU and the bytes of one invocation in the ordinary watch, screen aside."""
    found = list(pages(trees(TREES, generation=2), 200))
    watch = Watch("figures")
    gc.collect()
    began_s = time.process_time()
    for page in found:
        watch.apply(RecordBatch(WEST, "shard", decode_page(page).records))
    invocations = TREES * INVOCATIONS_A_TREE
    cpu_s = time.process_time() - began_s
    return cpu_s / invocations, sum(map(len, found)) / invocations


def main() -> None:
    """Measure each rate and print them with their baseline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0, help="invocations a second")
    parser.add_argument("--steps", type=int, default=2, help="so often ten times as many")
    parser.add_argument("--seconds", type=float, default=120.0, help="at each rate")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        asyncio.run(serve(arguments.serve))
        return
    gc.set_threshold(*GC_THRESHOLDS)
    baseline_s, baseline_bytes = record_cost()
    found = []
    for rate in (arguments.rate * 10**step for step in range(arguments.steps + 1)):
        start_s, start_mb, cpu, received = asyncio.run(measure(rate, arguments.seconds))
        found.append((cpu, received))
        _say(
            f"{rate:,.0f} invocations a second of {FUNCTIONS} functions: {cpu:.1%} of a core, "
            f"{received / 1000:,.0f} KB a second (start: {start_s:.1f} s of CPU, {start_mb:.1f} "
            f"MB); every record watched: {rate * baseline_s:.1%} of a core without its screen, "
            f"{rate * baseline_bytes / 1000:,.0f} KB a second"
        )
    for (cpu, received), (more_cpu, more_received) in pairwise(found):
        _say(
            f"ten times the invocations: CPU {more_cpu / cpu - 1:+.1%}, "
            f"network {more_received / received - 1:+.1%}"
        )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
