"""Samples put together: medians, quartiles, and what a configuration adds to the clean function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median, quantiles

import msgspec

from providers.overhead.samples import Sample, Setup

CLEAN = "C"


class Spread(msgspec.Struct, frozen=True):
    """Some figures of one kind: the least, the quartiles, and how many they are."""

    least: float
    lower: float
    median: float
    upper: float
    count: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark in one configuration; times in ms, memory in MB.

    What is added is the difference to the clean function in the same round, or (memory, cold
    starts) in the same block; None for the clean function itself and where it was not measured.

    Attributes:
        wall, cpu: of a warm invocation.
        added_wall, added_cpu: to a warm invocation.
        added_wall_per_operation, added_cpu_per_operation: the medians, for each call.
        least_added_wall, least_added_cpu: the difference between the least of all warm
            invocations and the clean function's least: what is left on a busy machine, whose
            other work can only add.
        writes: to the record table, of a warm invocation; the median.
        memory, added_memory: the most that was resident.
        cold, cold_cpu: importing the handler, and the first invocation, of one operation.
        added_cold, added_cold_cpu: to that.
    """

    benchmark: str
    configuration: str
    wall: Spread
    cpu: Spread
    memory: Spread
    cold: Spread
    cold_cpu: Spread
    writes: float
    added_wall: Spread | None = None
    added_cpu: Spread | None = None
    added_wall_per_operation: float | None = None
    added_cpu_per_operation: float | None = None
    least_added_wall: float | None = None
    least_added_cpu: float | None = None
    added_memory: Spread | None = None
    added_cold: Spread | None = None
    added_cold_cpu: Spread | None = None


class Summary(msgspec.Struct, frozen=True):
    """All lines, benchmark by benchmark, with what was measured."""

    setup: Setup
    lines: tuple[Line, ...]


def summary_of(setup: Setup, samples: Sequence[Sample]) -> Summary:
    """Put the samples of a run together, whether or not all were taken yet."""
    lines = []
    for benchmark in setup.benchmarks:
        of = {
            letter: [s for s in samples if (s.benchmark, s.configuration) == (benchmark, letter)]
            for letter in setup.configurations
        }
        lines += [
            _line(setup, benchmark, letter, found, of.get(CLEAN, []))
            for letter, found in of.items()
            if any(not sample.cold for sample in found)
        ]
    return Summary(setup, tuple(lines))


def _line(
    setup: Setup, benchmark: str, letter: str, found: list[Sample], clean: list[Sample]
) -> Line:
    warm, cold = ([s for s in found if s.cold is wanted] for wanted in (False, True))
    last = [s for s in found if s.round == setup.rounds]
    line = Line(
        benchmark=benchmark,
        configuration=letter,
        wall=_spread([_wall(s) for s in warm]),
        cpu=_spread([_cpu(s) for s in warm]),
        memory=_spread([_memory(s) for s in last]),
        cold=_spread([_cold(s) for s in cold]),
        cold_cpu=_spread([_cold_cpu(s) for s in cold]),
        writes=median(sample.writes for sample in warm),
    )
    if letter == CLEAN or not clean:
        return line
    added_wall, added_cpu = (_added(figure, warm, clean) for figure in (_wall, _cpu))
    warm_clean = [sample for sample in clean if not sample.cold]
    operations = setup.operations if benchmark != "empty" else None
    return msgspec.structs.replace(
        line,
        added_wall=added_wall,
        added_cpu=added_cpu,
        added_wall_per_operation=added_wall.median / operations if operations else None,
        added_cpu_per_operation=added_cpu.median / operations if operations else None,
        least_added_wall=line.wall.least - min(map(_wall, warm_clean)),
        least_added_cpu=line.cpu.least - min(map(_cpu, warm_clean)),
        added_memory=_added(_memory, last, clean),
        added_cold=_added(_cold, cold, clean),
        added_cold_cpu=_added(_cold_cpu, cold, clean),
    )


def _added(
    figure: Callable[[Sample], float], found: Sequence[Sample], clean: Sequence[Sample]
) -> Spread:
    before = {(sample.block, sample.round): figure(sample) for sample in clean}
    return _spread([figure(sample) - before[sample.block, sample.round] for sample in found])


def _spread(figures: Sequence[float]) -> Spread:
    if len(figures) == 1:
        return Spread(figures[0], figures[0], figures[0], figures[0], 1)
    lower, middle, upper = quantiles(figures, n=4, method="inclusive")
    return Spread(min(figures), lower, middle, upper, len(figures))


def _wall(sample: Sample) -> float:
    return sample.wall_s * 1000


def _cpu(sample: Sample) -> float:
    return sample.cpu_s * 1000


def _memory(sample: Sample) -> float:
    return sample.reported_mb or sample.peak_kb / 1024


def _cold(sample: Sample) -> float:
    if sample.reported_init_ms is not None:
        return sample.reported_init_ms + sample.wall_s * 1000
    return (sample.init_wall_s + sample.wall_s) * 1000


def _cold_cpu(sample: Sample) -> float:
    return (sample.init_cpu_s + sample.cpu_s) * 1000
