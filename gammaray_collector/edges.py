"""Edges: what was solved, as an item, and counted by the functions at its ends and by minute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from causality import names
from causality.graph import CauseNode
from causality.matching.match_keys import must_have_a_call, source_of
from gammaray_collector import silence
from gammaray_collector.halves import is_first
from gammaray_collector.items import (
    BODY,
    Candidate,
    Edge,
    Grade,
    Item,
    Need,
    edge_key,
    kept_item,
    text_of,
)
from gammaray_collector.ledger import Conclusion, Count
from gammaray_collector.rollups import (
    AMBIGUOUS,
    EDGE,
    LATEST,
    PROBLEM,
    EdgeName,
    ProblemName,
    bucket_name,
    doubt_source,
    minute_of,
    power_of,
    short,
)
from gammaray_collector.solving import Solved
from gammaray_collector.waiting import CauseHalf

# Functions by request id: region and name.
Functions = Mapping[str, tuple[str, str]]


def edge_from(
    half: CauseHalf,
    cause: CauseNode,
    solved: Solved,
    functions: Functions,
    known: Edge | None,
    *,
    mature: bool,
    crowded: bool,
    failed: bool | None,
) -> Edge:
    """Say what edge a cause has.

    Args:
        half: the cause.
        cause: its node, solved.
        solved: what was found for it.
        functions: those of candidates, as far as they are known.
        known: what was known of it before.
        mature: whether calls that come late are here by now.
        crowded: whether not all was read that it depends on.
        failed: whether the cause's invocation failed; None for what was known of that before.
    """
    child, began_s = cause.invocation, half.began_s
    if known is not None:
        mature = mature or known.mature
        began_s = min(began_s, known.began_s)  # an earlier attempt's, which was not read again
    if crowded and solved.edge is None:
        # It was not looked for everywhere: that none was found means nothing.
        mature, said = False, _said_before(known)
    else:
        said = _said(solved, certain=mature or solved.needs != "order", crowded=crowded)
    makers = {said.parent} if said.parent is not None else {c.request_id for c in said.candidates}
    places = {functions.get(maker) for maker in makers}
    place = places.pop() if len(places) == 1 else None
    grade, delay_s = said.grade, None
    if said.ended_s is not None and not cause.repeated:
        delay_s = began_s - said.ended_s
    return Edge(
        half.request,
        half.cause_id,
        grade,
        began_s,
        half.cause.service,
        parent=said.parent,
        call=said.call,
        candidates=said.candidates,
        needs=solved.needs if grade not in ("none", "exact") else "",
        source=doubt_source(source_of(cause.keys[0])) if solved.needs else "",
        delay_s=delay_s,
        child_function=child.function,
        child_region=child.region,
        parent_function=place[1] if place is not None else None,
        parent_region=place[0] if place is not None else None,
        operation=said.operation,
        resource=half.cause.resource,
        key=half.cause.key,
        mature=mature and grade != "exact",
        crowded=crowded and grade == "ambiguous",
        failed=failed if failed is not None else known is not None and known.failed,
        again=cause.repeated and is_first(half),
        made=said.made,
    )


class _Said(NamedTuple):
    """What is said of the call of a cause.

    Attributes:
        ended_s: when it was over, if it is certain.
        made: the minutes in which the calls were made that can be meant.
    """

    grade: Grade = "none"
    candidates: tuple[Candidate, ...] = ()
    operation: str | None = None
    made: tuple[int, ...] = ()
    parent: str | None = None
    call: str | None = None
    ended_s: float | None = None


def _said(solved: Solved, *, certain: bool, crowded: bool) -> _Said:
    edge = solved.edge
    if edge is None:
        return _Said()
    candidates = sorted(
        (Candidate(call.invocation.request_id, call.id) for call in edge.candidates),
        key=lambda candidate: (candidate.request_id, candidate.call_id),
    )
    operations = {call.fact.operation for call in edge.candidates}
    said = _Said(
        edge.evidence,
        tuple(candidates),
        operations.pop() if len(operations) == 1 else None,
        tuple(sorted({minute_of(call.started_at_s or 0.0) for call in edge.candidates})),
    )
    if edge.evidence == "ambiguous" or (edge.evidence != "exact" and (crowded or not certain)):
        return said._replace(grade="ambiguous")
    return said._replace(
        parent=edge.parent.request_id if edge.parent is not None else None,
        call=edge.call.id if edge.call is not None else None,
        ended_s=edge.call.ended_at_s if edge.call is not None else None,
    )


def _said_before(known: Edge | None) -> _Said:
    if known is None or not known.candidates:
        return _Said()
    return _Said("ambiguous", known.candidates, known.operation)


def is_orphan(edge: Edge, half: CauseHalf) -> bool:
    """Say whether a call must have caused an invocation, and none was seen in time."""
    return edge.grade == "none" and edge.mature and must_have_a_call(half.cause)


def conclusion(known: Item | None, edge: Edge, half: CauseHalf) -> Conclusion | None:
    """Say how an edge's item has to be written; None if there is nothing to be written.

    Args:
        known: as it was read; None if it was not there.
        edge: as it is now.
        half: its cause.
    """
    if known is None and edge.grade == "none" and not edge.again and not is_orphan(edge, half):
        return None
    body = text_of(edge)
    if known is not None and known[BODY] == body:
        return None
    item = kept_item(edge_key(edge.child, edge.cause_id), body, edge.began_s)
    examples = {LATEST: edge.child}
    if edge.delay_s is not None:
        examples[power_of(edge.delay_s)] = edge.child
    if edge.grade == "ambiguous":
        examples[AMBIGUOUS] = edge.child
    return Conclusion(item, tuple(_counts(edge, half)), examples, known)


def _counts(edge: Edge, half: CauseHalf) -> Iterator[Count]:
    minute = minute_of(edge.began_s)
    child = (edge.child_region or "", edge.child_function or "")
    # A path of HTTP may be another one each time.
    resource = edge.resource or ""
    resource = short(resource.partition("/")[0] if edge.service == "http" else resource)
    what = f"{edge.service} {names.last_part(resource)}".strip()
    if edge.again:
        detail = f"given again, under another request id: {what}"
        yield Count(minute, PROBLEM, ProblemName("retry", *child, short(detail)), {"count": 1})
    if edge.grade == "none":
        if is_orphan(edge, half):
            detail = f"no recorded call wrote what started it: {what}"
            name = ProblemName("orphan", *child, short(detail))
            yield Count(minute, PROBLEM, name, {"count": 1})
        return
    parent = (edge.parent_region or "", edge.parent_function or "")
    source = edge.source if edge.needs and edge.grade != "ambiguous" else ""
    needs: Need = edge.needs if source else ""
    counted: dict[str, int] = {edge.grade: 1}
    if edge.crowded:
        counted["crowded"] = 1
    if edge.failed:
        counted["failed"] = 1
    if edge.delay_s is not None:
        counted[bucket_name(edge.delay_s)] = 1
        counted["timed"] = 1
        if edge.failed:
            counted["errors"] = 1
    name_of_edge = EdgeName(*parent, *child, edge.service, resource, needs, source)
    yield Count(minute, EDGE, name_of_edge, counted)
    yield from silence.started_by(half.cause, *child, edge.made)
