"""Judging expectations by what the graph holds so far."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from causality.engine import Engine
from causality.graph import Invocation
from causality.problems import describe_cause
from gammaray_tui.expectations.grammar import (
    COMPARISONS,
    Expectation,
    Limit,
    Nothing,
    Path,
    What,
)
from widgets import formats

# Records of what happened in time can come this much later than a limit says.
_LATE_S: Final = 10.0
_SHOWN: Final = 5
_FAILED: Final = {"errors": ("error", "timeout", "throttled"), "timeouts": ("timeout",)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an expectation stands.

    Attributes:
        met: whether it holds by what was seen.
        final: whether it will stay failed, whatever comes.
        summary: what was seen, in a few words.
        details: single cases, a line each.
    """

    expectation: Expectation
    met: bool
    final: bool
    summary: str
    details: tuple[str, ...] = ()


def judge(expectation: Expectation, engine: Engine, now_s: float | None) -> Verdict:
    """Say how an expectation stands.

    Args:
        expectation: what to judge.
        engine: the graph so far.
        now_s: epoch seconds, to tell what comes too late; None when that cannot be told yet.
    """
    match expectation:
        case Path():
            return _judge_path(expectation, engine, now_s)
        case Limit():
            return _judge_limit(expectation, engine)
        case Nothing():
            return _judge_nothing(expectation, engine)


def _judge_path(path: Path, engine: Engine, now_s: float | None) -> Verdict:
    starts = list(_of(engine, path.names[0]))
    if not starts:
        return _unseen(path, engine, path.names[0])
    details: list[str] = []
    good = 0
    final = False
    for first in starts:
        took_s = _shortest_s(first, path.names)
        if took_s is not None and (path.within_s is None or took_s <= path.within_s):
            good += 1
            continue
        if took_s is not None:
            final = True
            details.append(f"{first.request_id}  {formats.duration(took_s)}")
            continue
        began_s = first.started_at_s
        if path.within_s is not None and began_s is not None and now_s is not None:
            final |= now_s - began_s > path.within_s + _LATE_S
        details.append(f"{first.request_id}  {_seen_instead(first, path.names)}")
    count = f"{good} of {formats.plural(len(starts), 'run')} of {path.names[0]} did so"
    return Verdict(path, not details, final, count, _some(details))


def _judge_limit(limit: Limit, engine: Engine) -> Verdict:
    if len(limit.names) == 1:
        values = [
            duration_s
            for invocation in _of(engine, limit.names[0])
            for attempt in invocation.attempts.values()
            if (duration_s := attempt.duration_s) is not None
        ]
        count = sum(len(i.attempts) for i in _of(engine, limit.names[0]))
    else:
        found = [_shortest_s(i, limit.names) for i in _of(engine, limit.names[0])]
        values = [value for value in found if value is not None]
        count = len(values)
    compare = COMPARISONS[limit.sign]
    if limit.measure == "count":
        met = compare(count, limit.limit)
        final = not met and count > limit.limit
        return Verdict(limit, met, final, f"it is {count}", () if count else _names(engine))
    if not values:
        missing = next((n for n in limit.names if next(_of(engine, n), None) is None), None)
        if missing is not None:
            return _unseen(limit, engine, missing)
        return Verdict(
            limit, False, False, "none of them has ended, so there is nothing to measure"
        )
    value = _measured(values, limit.measure)
    met = compare(value, limit.limit)
    upper = limit.sign in ("<", "<=")
    # More records can lower a quantile, but not what was the longest, nor raise the shortest.
    final = not met and (
        (upper and limit.measure == "max") or (limit.sign in (">", ">=") and limit.measure == "min")
    )
    spread = (
        f"{limit.measure} is {formats.duration(value)} of {formats.count(len(values))}: "
        f"from {formats.duration(min(values))} over p50 "
        f"{formats.duration(_measured(values, 'p50'))} to {formats.duration(max(values))}"
    )
    return Verdict(limit, met, final, spread)


def _judge_nothing(nothing: Nothing, engine: Engine) -> Verdict:
    if nothing.what == "gaps":
        gaps = [lost.detail for lost in engine.lost if lost.kind == "gap"]
        summary = formats.plural(engine.gaps, "gap") if gaps else "every record was read"
        return Verdict(nothing, not gaps, bool(gaps), summary, _some(gaps))
    among = list(_of(engine, nothing.name or "*"))
    if not among:
        return _unseen(nothing, engine, nothing.name)
    details = list(_cases(nothing.what, among, engine))
    ran = formats.plural(len(among), "invocation")
    if nothing.what == "orphans":
        # The call that is missing may come yet; what is left at the end is an orphan.
        return Verdict(nothing, not details, False, f"{len(details)} of {ran}", _some(details))
    word = {"errors": "failed", "timeouts": "timed out"}[nothing.what]
    summary = f"{len(details)} of {ran} {word}" if details else f"none of {ran} {word}"
    return Verdict(nothing, not details, bool(details), summary, _some(details))


def _cases(what: What, among: Iterable[Invocation], engine: Engine) -> Iterator[str]:
    for invocation in among:
        where = f"{invocation.request_id}  {invocation.function or 'unknown function'}"
        if what == "orphans":
            for cause in invocation.causes:
                if cause in engine.waiting:
                    yield f"{where}: {describe_cause(cause.fact)}"
            continue
        for attempt in invocation.in_order():
            if attempt.state in _FAILED[what]:
                reason = f": {attempt.error}" if attempt.error else ""
                yield f"{where}: {attempt.state}{reason}"


def _shortest_s(first: Invocation, names: Sequence[str]) -> float | None:
    """Give the time from an invocation's start to that of the earliest end of a path.

    Only edges that are certain count. 0 when a start is not known.
    """
    reached = {id(first): first}
    for name in names[1:]:
        reached = {
            id(child): child
            for invocation in reached.values()
            for child in _children(invocation)
            if _is_called(child, name)
        }
    if not reached:
        return None
    began_s = first.started_at_s
    times = [t for child in reached.values() if (t := child.started_at_s) is not None]
    return max(0.0, min(times) - began_s) if times and began_s is not None else 0.0


def _seen_instead(first: Invocation, names: Sequence[str]) -> str:
    """Say how far a path was gone, and what came in the place of the rest."""
    reached = [first]
    for depth, name in enumerate(names[1:], 1):
        following = [child for one in reached for child in _children(one)]
        fitting = [child for child in following if _is_called(child, name)]
        if fitting:
            reached = fitting
            continue
        caller = reached[0].function or names[depth - 1]
        others = sorted({child.function or "?" for child in following})
        state = "still runs" if reached[0].state == "running" else reached[0].state
        caused = f"caused {', '.join(others)}" if others else "caused nothing"
        return f"{caller} ({state}) {caused}"
    return ""


def _children(invocation: Invocation) -> list[Invocation]:
    return list({id(c.invocation): c.invocation for c in invocation.triggered}.values())


def _is_called(invocation: Invocation, name: str) -> bool:
    function = invocation.function
    return function is not None and (function == name or fnmatchcase(function, name))


def _of(engine: Engine, name: str) -> Iterator[Invocation]:
    return (i for i in engine.invocations.values() if _is_called(i, name))


def _measured(values: Sequence[float], measure: str) -> float:
    """Measure values; a quantile is one of them (nearest rank)."""
    if measure == "mean":
        return math.fsum(values) / len(values)
    ranked = sorted(values)
    if measure in ("min", "max"):
        return ranked[0] if measure == "min" else ranked[-1]
    rank = math.ceil(int(measure[1:]) / 100 * len(ranked))
    return ranked[max(rank, 1) - 1]


def _unseen(expectation: Expectation, engine: Engine, name: str) -> Verdict:
    if not name or not engine.invocations:
        return Verdict(expectation, False, False, "no invocation was seen")
    known = sorted({i.function for i in engine.invocations.values() if i.function})
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return Verdict(
        expectation, False, False, f"no invocation of {name} was seen{hint}", _names(engine)
    )


def _names(engine: Engine) -> tuple[str, ...]:
    known = sorted({i.function for i in engine.invocations.values() if i.function})
    if not known:
        return ()
    more = f" and {len(known) - 20} more" if len(known) > 20 else ""
    return (f"seen were: {', '.join(known[:20])}{more}",)


def _some(details: Sequence[str]) -> tuple[str, ...]:
    more = len(details) - _SHOWN
    return (*details[:_SHOWN], *((f"and {more} more",) if more > 0 else ()))
