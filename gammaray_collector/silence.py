"""Calls that started nothing, where calls like them start functions: told from counts.

What calls wrote to a place (causality.silence) is counted in the minute of the call, and so is what
each function was started with by it. If a place starts functions at all, what is missing in the
count of the function that it starts most started nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from causality.facts import Cause
from causality.graph import Invocation
from causality.silence import SERVICES, place_of_cause, place_of_output
from gammaray_collector.halves import Nodes, part_of
from gammaray_collector.items import BODY, Attempt, Item, digest, kept_item, text_of
from gammaray_collector.ledger import Conclusion, Count
from gammaray_collector.problems import Trouble
from gammaray_collector.rollups import (
    MADE,
    PATIENCE_S,
    PROBLEM,
    STARTED,
    PlaceName,
    ProblemName,
    StartedName,
    minute_of,
    read_rollups,
    rollup_ranges,
    short,
)
from gammaray_collector.table import Asked, Table
from gammaray_collector.waiting import Half, OutputHalf

# Buckets have a place for each folder: too many to count each by itself.
_COUNTED: Final = SERVICES - {"s3"}
_LOOKED_BACK: Final = 30  # minutes: later starts are still taken into account


def makers_of(nodes: Nodes, halves: Iterable[Half]) -> Iterator[Attempt]:
    """Say of attempts what they wrote, each record apart: the same record says the same again."""
    found: dict[tuple[str, str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    once = {half.output_id: half for half in halves if isinstance(half, OutputHalf)}
    for half in once.values():
        if half.attempt is None:
            continue
        node = nodes.outputs[half.output_id]
        if half.call.service in _COUNTED and node.proven:
            service, place = place_of_output(node.call, node)
            what = f"{minute_of(half.call.at_s or 0.0)} {service} {short(place)}"
            found[half.request, half.attempt, str(part_of(half))][what] += 1
    for (request_id, attempt, part), made in found.items():
        yield Attempt(request_id, attempt, made={part: dict(sorted(made.items()))})


def first_s(made: dict[str, dict[str, int]]) -> float:
    """Give when an attempt of which nothing else is known began to write."""
    minutes = [int(what.partition(" ")[0]) for outputs in made.values() for what in outputs]
    return 60.0 * min(minutes, default=0)


def counts_of(outputs: dict[str, int]) -> Iterator[Count]:
    """Give what the outputs that a record shows add to rollups."""
    for what, count in outputs.items():
        minute, service, place = what.split(" ", 2)
        yield Count(int(minute), MADE, PlaceName(service, place), {"made": count})


def started_by(cause: Cause, region: str, function: str, minutes: Iterable[int]) -> Iterator[Count]:
    """Give what an edge adds to rollups: in each minute in which its call may have been made."""
    invocation = Invocation("", function=function, region=region)
    place = place_of_cause(cause, invocation)
    if place is not None and cause.service in _COUNTED:
        name = StartedName(place[0], short(place[1]), region, function)
        for minute in minutes:
            yield Count(minute, STARTED, name, {"started": 1})


def silent_minutes(table: Table, now_s: float) -> Iterator[Conclusion]:
    """Say for the last minutes how many outputs started nothing, as far as that is another number.

    Args:
        table: the collector's.
        now_s: the time.
    """
    last = minute_of(now_s - 2 * PATIENCE_S) - 1
    asked = [Asked(*span) for span in rollup_ranges(last - _LOOKED_BACK, last, own=True)]
    made: dict[tuple[int, PlaceName], int] = {}
    started: dict[tuple[int, PlaceName], list[int]] = defaultdict(list)
    for rollup in read_rollups(item for items in table.query(asked) for item in items):
        if isinstance(rollup.name, StartedName):
            place = PlaceName(rollup.name.service, rollup.name.place)
            started[rollup.minute, place].append(rollup.counts["started"])
        elif isinstance(rollup.name, PlaceName):
            made[rollup.minute, rollup.name] = rollup.counts["made"]
    starting = {place for _, place in started}
    silent = {
        (minute, place): count - max(started.get((minute, place), ()), default=0)
        for (minute, place), count in made.items()
        if place in starting
    }
    known = table.get(_key(minute, place) for minute, place in silent)
    for (minute, place), count in silent.items():
        before = known.get(_key(minute, place))
        found = _conclusion(minute, place, max(0, count), before)
        if found.item[BODY] != (before[BODY] if before is not None else None) and (
            before is not None or count > 0
        ):
            yield found


def _key(minute: int, place: PlaceName) -> tuple[str, str]:
    return f"x#silent#{digest(text_of(place).encode())}", str(minute)


def _conclusion(minute: int, place: PlaceName, count: int, known: Item | None) -> Conclusion:
    detail = f"written to {place.service} {place.place}, started nothing, although others did"
    trouble = Trouble("never-triggered", detail, minute * 60.0, count=count)
    item = kept_item(_key(minute, place), text_of(trouble), trouble.at_s)
    name = ProblemName("never-triggered", "", "", short(detail))
    counts = (Count(minute, PROBLEM, name, {"count": count}),) if count else ()
    return Conclusion(item, counts, {}, known)
