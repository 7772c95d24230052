"""Problems that records tell of by themselves: each is kept once, and counted by minute."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from causality import names
from causality.facts import Call, Facts
from causality.problems import THROTTLED
from gammaray_collector.items import digest, invocation_partition, kept_item, text_of
from gammaray_collector.ledger import Conclusion, Count
from gammaray_collector.reading import Lost, Unread
from gammaray_collector.rollups import LATEST, PROBLEM, ProblemName, minute_of, short

_REASON = 120  # characters: what begins alike is counted as one


class Trouble(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong.

    Attributes:
        raw: the beginning of a record that could not be read.
    """

    problem: str
    detail: str
    at_s: float
    raw: str = ""
    count: int = 1


def of_unread(unread: Unread) -> Conclusion:
    """Give the problem of a record that could not be read."""
    trouble = Trouble("unreadable", unread.reason, unread.at_s, unread.raw)
    name = ProblemName("unreadable", unread.region, "", short(unread.reason[:_REASON]))
    return _kept(f"unreadable#{unread.identity}", trouble, name, unread.request_id)


def of_facts(facts: Facts, region: str) -> Iterator[Conclusion]:
    """Give the problems that a record tells of: calls that were throttled."""
    for fact in facts.facts:
        if type(fact) is Call and fact.error in THROTTLED:
            resource = names.last_part(fact.resource) if fact.resource else ""
            what = f"{fact.operation} {resource}".strip()
            detail = short(f"{what}: {fact.error}")
            at_s = fact.at_s if fact.at_s is not None else facts.written_at_s
            place = f"throttled#{facts.request_id}#{fact.id}"
            name = ProblemName("throttled", fact.region or region, "", detail)
            yield _kept(place, Trouble("throttled", what, at_s), name, facts.request_id)


def of_lost(lost: Lost) -> Conclusion:
    """Give the problem of records that a mapping gave up."""
    detail = "records that the collector could not take"
    trouble = Trouble("gap", detail, lost.first_s, count=lost.records)
    name = ProblemName("gap", lost.region, "", detail)
    return _kept(f"gap#{lost.identity}", trouble, name, "")


def _kept(place: str, trouble: Trouble, name: ProblemName, request_id: str) -> Conclusion:
    partition = invocation_partition(request_id) if request_id else f"x#{place}"
    key = partition, f"x#{digest(place.encode())}"
    item = kept_item(key, text_of(trouble), trouble.at_s)
    count = Count(minute_of(trouble.at_s), PROBLEM, name, {"count": trouble.count})
    return Conclusion(item, (count,), {LATEST: request_id} if request_id else {}, None)
