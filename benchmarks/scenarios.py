"""Play random scenarios against the stream reader: nothing lost unseen, doubled, or mixed up.

    python -m benchmarks.scenarios --count 1000 --records 1000000 --seed 1

Each scenario has a seed of its own, which a failure names; `--count 1 --seed THAT` with the same
`--each` plays it again. Time is virtual: hours take milliseconds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import pytest

from tests.fakes.chance import random_scenario
from tests.fakes.stage import Stage
from tests.fakes.watch import Watch


def main() -> int:
    """Play them, print what was seen, and say with the exit code whether all went well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios")
    parser.add_argument("--count", type=int, default=1000, help="scenarios (default: 1000)")
    parser.add_argument("--records", type=int, help="records in all (default: 1000 a scenario)")
    parser.add_argument("--each", type=int, help="records of each scenario, instead of --records")
    parser.add_argument("--seed", type=int, default=1, help="of the first scenario (default: 1)")
    options = parser.parse_args()
    each = options.each or -(-(options.records or options.count * 1000) // options.count)
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        Stage(Path(folder), patch) as stage,
    ):
        return play_all(stage, range(options.seed, options.seed + options.count), each)


def play_all(stage: Stage, seeds: range, each: int) -> int:
    """Play the scenarios of these seeds."""
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    failed: list[int] = []
    seen: Counter[str] = Counter()
    for number, seed in enumerate(seeds, 1):
        scenario = random_scenario(seed, records=each)
        try:
            seen += _counts(stage.play(scenario))
        except Exception:
            failed.append(seed)
            sys.stdout.write(
                f"{traceback.format_exc()}\n{scenario}\n"
                f"again: python -m benchmarks.scenarios --count 1 --seed {seed} --each {each}\n"
            )
        if number % 50 == 0 or number == len(seeds):
            cpu_s = time.process_time() - began_cpu_s
            sys.stdout.write(
                f"{number} scenarios, {len(failed)} failed: {seen['written']:,} records written, "
                f"{seen['came']:,} came, {seen['lost']:,} lost to trimming, shown by "
                f"{seen['gaps']:,} gaps; {seen['shards']:,} shards, {seen['calls']:,} calls; "
                f"{time.monotonic() - began_s:.0f} s, {cpu_s:.0f} s of CPU\n"
            )
            sys.stdout.flush()
    return 1 if failed else 0


def _counts(watch: Watch) -> Counter[str]:
    regions = [watch.aws.region(name) for name in watch.session.regions]
    written = sum(len(region.all_written()) for region in regions)
    came = sum(len(watch.ids(region.name)) for region in regions)
    return Counter(
        written=written,
        came=came,
        lost=written - came,
        gaps=len(watch.gaps),
        shards=sum(len(stream.shards) for region in regions for stream in region.streams),
        calls=sum(sum(region.calls.values()) for region in regions),
    )


if __name__ == "__main__":
    sys.exit(main())
