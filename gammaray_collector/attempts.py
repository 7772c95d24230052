"""Attempts of invocations: put together from their records, and counted by function and minute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import msgspec

from causality.facts import End, Facts, Start
from causality.graph import Invocation
from causality.latency import FAILED as FAILED_STATES
from gammaray_collector import silence
from gammaray_collector.items import (
    BODY,
    Attempt,
    Item,
    attempts_in,
    attempts_key,
    kept_item,
    text_of,
)
from gammaray_collector.ledger import Conclusion, Count
from gammaray_collector.rollups import (
    FAILED,
    FUNCTION,
    LATEST,
    PROBLEM,
    FunctionName,
    ProblemName,
    bucket_name,
    minute_of,
    power_of,
)

# With as many that it had added before, they fit into one transaction.
_MOST_COUNTS: Final = 45


def attempts_of(facts: Facts) -> Iterator[Attempt]:
    """Give what a record says of its attempt."""
    for fact in facts.facts:
        if type(fact) is Start:
            invocation = Invocation(facts.request_id, region=facts.region)
            invocation.begin(fact)
            yield Attempt(
                facts.request_id,
                facts.attempt or "",
                function=invocation.function or "",
                region=invocation.region or "",
                started_s=fact.at_s,
                cold=bool(fact.cold) if facts.generation == 2 else None,
                init_s=fact.init_s,
            )
        elif type(fact) is End:
            yield Attempt(
                facts.request_id,
                facts.attempt or "",
                ended_s=fact.at_s,
                status=fact.status,
                error=fact.error,
                dropped=fact.dropped,
            )


def merged(one: Attempt, other: Attempt) -> Attempt:
    """Put together what two records say: of two starts either, of two ends the later one."""
    start = min((a for a in (one, other) if a.started_s is not None), key=_start, default=one)
    end = max((a for a in (one, other) if a.ended_s is not None), key=_end, default=one)
    return msgspec.structs.replace(
        start,
        ended_s=end.ended_s,
        status=end.status,
        error=end.error,
        dropped=end.dropped,
        made=dict(sorted({**one.made, **other.made}.items())),
    )


def _start(attempt: Attempt) -> tuple[float, str, str, bool]:
    at_s = attempt.started_s if attempt.started_s is not None else 0.0
    return at_s, attempt.function or "", attempt.region or "", bool(attempt.cold)


def _end(attempt: Attempt) -> tuple[float, str, str, int]:
    at_s = attempt.ended_s if attempt.ended_s is not None else 0.0
    return at_s, attempt.status or "", attempt.error or "", attempt.dropped


def together(known: Item | None, said: Mapping[str, Attempt]) -> dict[str, Attempt]:
    """Put what is known of an invocation's attempts together with what records say of them.

    Args:
        known: their item, as it was read; None if it was not there.
        said: what records say, by attempt.
    """
    before = attempts_in(known) if known is not None else {}
    both = {one: merged(before[one], said[one]) for one in before.keys() & said.keys()}
    return dict(sorted({**before, **said, **both}.items()))


def is_failed(attempts: Mapping[str, Attempt]) -> bool:
    """Say whether an invocation failed: its last attempt did."""
    last = max(attempts.values(), key=lambda attempt: (_order(attempt), attempt.attempt))
    return last.status in FAILED_STATES


def _order(attempt: Attempt) -> float:
    return attempt.started_s if attempt.started_s is not None else float("inf")


def conclusion(
    request_id: str, known: Item | None, attempts: Mapping[str, Attempt]
) -> Conclusion | None:
    """Say how the item of an invocation's attempts has to be written; None if it says all that.

    Args:
        request_id: the invocation's.
        known: as it was read; None if it was not there.
        attempts: what is known of them by now, by attempt.
    """
    body = text_of(attempts)
    if known is not None and known[BODY] == body:
        return None
    item = kept_item(attempts_key(request_id), body, max(map(_time, attempts.values())))
    counts = tuple(islice(_counts(attempts), _MOST_COUNTS))
    examples: dict[str, str] = {}
    for attempt in sorted(attempts.values(), key=_time):
        examples.update(_examples(attempt))
    return Conclusion(item, counts, examples, known)


def _time(attempt: Attempt) -> float:
    if attempt.started_s is not None:
        return attempt.started_s
    return attempt.ended_s if attempt.ended_s is not None else silence.first_s(attempt.made)


def _counts(attempts: Mapping[str, Attempt]) -> Iterator[Count]:
    for attempt in attempts.values():
        yield from _counts_of(attempt)
    begun = sorted((a.started_s, a.attempt) for a in attempts.values() if a.started_s is not None)
    for started_s, again in begun[1:]:
        attempt = attempts[again]
        place = attempt.region or "", attempt.function or ""
        problem = ProblemName("retry", *place, "tried again under the same request id")
        yield Count(minute_of(started_s), PROBLEM, problem, {"count": 1})
    # What was written may be to more places than can be counted at once: it comes last.
    for attempt in attempts.values():
        for outputs in attempt.made.values():
            yield from silence.counts_of(outputs)


def _counts_of(attempt: Attempt) -> Iterator[Count]:
    if attempt.function is None or attempt.started_s is None:
        return  # not before it is known whose it is
    region, function = attempt.region or "", attempt.function
    name = FunctionName(region, function)
    started = {"started": 1}
    if attempt.cold:
        started["cold"] = 1
    yield Count(minute_of(attempt.started_s), FUNCTION, name, started)
    duration_s = attempt.duration_s
    if attempt.ended_s is None or duration_s is None:
        return
    minute = minute_of(attempt.ended_s)
    ended = {"ended": 1, bucket_name(duration_s): 1}
    if attempt.status in FAILED_STATES:
        ended["errors"] = 1
    if attempt.status == "timeout":
        ended["timeouts"] = 1
        problem = ProblemName("timeout", region, function, "timed out")
        yield Count(minute, PROBLEM, problem, {"count": 1})
    yield Count(minute, FUNCTION, name, ended)
    if attempt.dropped:
        problem = ProblemName("dropped", region, function, "events that the recorder lost")
        yield Count(minute, PROBLEM, problem, {"count": attempt.dropped})


def _examples(attempt: Attempt) -> dict[str, str]:
    examples = {LATEST: attempt.request_id}
    if attempt.duration_s is not None:
        examples[power_of(attempt.duration_s)] = attempt.request_id
    if attempt.status in FAILED_STATES:
        examples[FAILED] = attempt.request_id
    return examples
