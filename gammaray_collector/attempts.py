"""Attempts of invocations: put together from their records, and counted by function and minute."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from causality.attempt import Attempt as AttemptNode
from causality.facts import End, Facts, Start
from causality.graph import Invocation
from causality.latency import FAILED as FAILED_STATES
from gammaray_collector import silence
from gammaray_collector.items import (
    BODY,
    EXPIRES,
    INVOCATIONS_KEPT_S,
    PK,
    SK,
    Attempt,
    Item,
    attempt_key,
    attempt_of,
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

_NOTHING = AttemptNode("", 2)


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


def conclusion(known: Item | None, said: Attempt) -> Conclusion | None:
    """Say how an attempt's item has to be written; None if it says all that already.

    Args:
        known: as it was read; None if it was not there.
        said: what records say, those of the item not among them.
    """
    attempt = said if known is None else merged(attempt_of(known), said)
    body = text_of(attempt)
    if known is not None and known[BODY] == body:
        return None
    partition, place = attempt_key(attempt.request_id, attempt.attempt)
    at_s = attempt.started_s if attempt.started_s is not None else attempt.ended_s
    if at_s is None:
        at_s = silence.first_s(attempt.made)
    item: Item = {PK: partition, SK: place, BODY: body, EXPIRES: int(at_s + INVOCATIONS_KEPT_S)}
    return Conclusion(item, tuple(_counts(attempt)), _examples(attempt), known)


def _counts(attempt: Attempt) -> Iterator[Count]:
    for outputs in attempt.made.values():
        yield from silence.counts_of(outputs)
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
