"""What is found for causes where nothing competes: expressions, for most of any archive.

The rules are those of causality (causality.ids, causality.stretch); where several outputs or
causes could be meant, these leave it to gammaray_tui.history.contested, which runs that code.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Final, NamedTuple

import ibis
from ibis.expr.types import BooleanValue, Table

from causality.clock import (
    CLOCK_SKEW_S,
    CONTENT_WINDOW_S,
    LAST_TIME_S,
    ORDER_WINDOW_S,
    PROMPT_START_S,
    ROUNDING_S,
)
from causality.match_keys import AWS_ONLY_IDS, CALLER, CONTENT, EXACT, IDS, ORDER
from gammaray_recorder import wire
from gammaray_tui.history.halves import Halves

# A row for each output that can be meant, with what holds of the cause at that level.
COLUMNS: Final = (
    *("cause_id", "level", "output_id", "request_id", "call_id"),
    *("certain", "narrowed", "recurs", "short"),
)
_HEADER: Final = f"{wire.ID_TRACEPARENT} "
_CALLER: Final = f"{CALLER} "


class Split(NamedTuple):
    """Verdicts, and the causes that are left to be solved.

    Attributes:
        contested: their `cause_id` and `match_id`.
    """

    verdicts: Table
    contested: Table


def by_id(halves: Halves) -> Split:
    """Find the outputs that an id proves; the strongest id that leads to any decides."""
    shown, received = halves.shown, halves.received
    outputs = shown.group_by("match_id").agg(
        count=shown.output_id.count(),
        output_id=shown.output_id.min(),
        parent=shown.request_id.min(),
        call_id=shown.call_id.min(),
    )
    is_caller = received.match_id.startswith(_CALLER)
    callees = received.filter(is_caller).group_by("match_id").agg(callees=received.cause_id.count())
    met = received.join(outputs, "match_id").left_join(callees, "match_id")
    met = met.select(
        *("cause_id", "rank", "match_id", "count", "output_id", "parent", "call_id"),
        own=(met["count"] == 1) & (met.parent == met.request_id),
        hard=(met["count"] > 1) | met.match_id.startswith(_HEADER) | (met.callees.fill_null(0) > 1),
    )
    met = met.filter(~met.own)
    place = ibis.row_number().over(group_by=met.cause_id, order_by=met["rank"])
    best = met.mutate(place=place)
    best = best.filter(best.place == 0)
    return Split(
        _verdicts(
            best.filter(~best.hard).rename(request_id="parent"), ibis.literal(EXACT).cast("int32")
        ),
        best.filter(best.hard).select("cause_id", "match_id"),
    )


def by_content_or_order(halves: Halves, exact: Table, proven: Table) -> Split:
    """Find the outputs that content or order tells, where nothing competes.

    Args:
        halves: both halves.
        exact: the causes that an id proves (`cause_id`); nothing else counts for them.
        proven: edges that ids prove (`child`, `parent`): an effect is not its own cause.
    """
    met = _met(halves, exact)
    competing = (
        (met.content_outputs > 1)
        | (met.content_outputs.notnull() & (met.content_causes > 1))
        | (met.order_outputs > 1)
        | (met.order_outputs.notnull() & (met.order_causes > 1))
        | (met.content_output != met.order_output).fill_null(False)
    )
    met = met.mutate(competing=competing.fill_null(False))
    pairs = _pairs(halves, met.filter(~met.competing))
    children = proven.select(maker=proven.child).distinct().mutate(led_on=True)
    parents = proven.select(request_id=proven.parent).distinct().mutate(leads_on=True)
    pairs = pairs.left_join(children, "maker").left_join(parents, "request_id")
    # Whether one led to the other has to be looked up.
    involved = (
        (pairs.started_s > pairs.began_s - CLOCK_SKEW_S)
        & pairs.led_on.notnull()
        & pairs.leads_on.notnull()
    )
    found = pairs.filter(~involved).select(
        "cause_id",
        "level",
        "output_id",
        "call_id",
        request_id="maker",
        certain=pairs.covered & pairs.plausible,
        narrowed=False,
        recurs=False,
        short=~pairs.covered,
    )
    left = ibis.union(
        met.filter(met.competing).select("cause_id"), pairs.filter(involved).select("cause_id")
    )
    return Split(found.select(*COLUMNS), left)


def _met(halves: Halves, exact: Table) -> Table:
    """Give the causes that no id proves and that share a key with an output.

    With the number of outputs of each key, one of them, and the number of causes that its
    consumer showed it in.
    """
    outputs, causes, ordered = halves.outputs, halves.causes, halves.ordered
    contents = outputs.filter(outputs.match_content.notnull())
    contents = contents.group_by("match_content").agg(
        content_outputs=contents.output_id.count(), content_output=contents.output_id.min()
    )
    orders = ordered.group_by("match_order").agg(
        order_outputs=ordered.output_id.count(), order_output=ordered.output_id.min()
    )
    lanes = causes.filter(causes.match_content.notnull() | causes.match_order.notnull())
    lanes = lanes.select(
        "cause_id",
        "match_content",
        "match_order",
        content_causes=lanes.cause_id.count().over(group_by=[lanes.match_content, lanes.consumer]),
        order_causes=lanes.cause_id.count().over(group_by=[lanes.match_order, lanes.consumer]),
    )
    open_ones = lanes.anti_join(exact, "cause_id")
    met = open_ones.left_join(contents, "match_content").drop("match_content_right")
    met = met.left_join(orders, "match_order").drop("match_order_right")
    return met.filter(met.content_outputs.notnull() | met.order_outputs.notnull())


def _pairs(halves: Halves, met: Table) -> Table:
    """Give the only output for each cause, where it fits."""
    met = met.select(
        "cause_id",
        level=ibis.cases((met.content_output.notnull(), CONTENT), else_=ORDER).cast("int32"),
        output_id=met.content_output.coalesce(met.order_output),
    )
    causes = halves.causes.select(
        *("cause_id", "request_id", "began_s"),
        cause_service="service",
        cause_name="name",
        cause_hash="hash",
        cause_ids="ids",
        written_s="at_s",
    )
    outputs = halves.outputs.select(
        *("output_id", "call_id", "started_s", "retries", "hash", "ids", "local"),
        maker="request_id",
        ended_s=halves.outputs.started_s + halves.outputs.duration_s,
        proven=(halves.outputs.effect == "proven") & ~halves.outputs.doubtful,
    )
    pairs = met.join(causes, "cause_id").join(outputs, "output_id")
    pairs = pairs.mutate(
        covered=pairs.proven & ~_ids_differ(pairs),
        by_content=pairs["level"] == CONTENT,
        etag=pairs.ids.get(wire.ID_S3_ETAG),
        cause_etag=pairs.cause_ids.get(wire.ID_S3_ETAG),
    )
    pairs = pairs.mutate(
        plausible=pairs.by_content
        | (
            (pairs.started_s <= pairs.began_s + ROUNDING_S)
            & (pairs.written_s.notnull() | (pairs.began_s - pairs.started_s <= PROMPT_START_S))
        )
    )
    return pairs.filter(_fits(pairs) & (pairs.by_content | ~_told_by_content(pairs)))


def _fits(pairs: Table) -> BooleanValue:
    window_s = ibis.cases((pairs.by_content, CONTENT_WINDOW_S), else_=ORDER_WINDOW_S)
    written_s = pairs.written_s
    latest_s = ibis.least(
        pairs.began_s + CLOCK_SKEW_S,
        (written_s + 1.0 + CLOCK_SKEW_S).fill_null(LAST_TIME_S),
    )
    written_after = (pairs.ended_s + CLOCK_SKEW_S < written_s).fill_null(False)
    return (
        (pairs.maker != pairs.request_id)
        & (pairs.covered | (pairs.retries > 0) | ~pairs.proven)
        & (pairs.started_s <= latest_s)
        & (pairs.started_s >= latest_s - CLOCK_SKEW_S - window_s)
        & (pairs.started_s >= pairs.began_s - window_s)
        & ~_contents_differ(pairs)
        & ~written_after
    )


def _told_by_content(pairs: Table) -> BooleanValue:
    """Say whether content would have told that an output is meant, if it was."""
    specific = pairs.hash.notnull() | pairs.etag.notnull()
    blind = (
        ((pairs.cause_service == "dynamodb") & pairs.cause_hash.isnull())
        & (pairs.cause_name != "REMOVE").fill_null(True)
        | (pairs.cause_service == "lambda")
        | ((pairs.cause_service == "s3") & pairs.cause_etag.isnull())
    )
    return specific & ~blind


def _contents_differ(pairs: Table) -> BooleanValue:
    both = pairs.hash.notnull() & pairs.cause_hash.notnull()
    hashes = (pairs.hash != pairs.cause_hash).fill_null(False)
    tags = (pairs.etag.replace('"', "") != pairs.cause_etag.replace('"', "")).fill_null(False)
    return ibis.cases((both, hashes), else_=tags)


def _ids_differ(pairs: Table) -> BooleanValue:
    differ = []
    for kind in IDS:
        differs = (pairs.ids.get(kind) != pairs.cause_ids.get(kind)).fill_null(False)
        differ.append(differs & ~pairs.local if kind in AWS_ONLY_IDS else differs)
    return reduce(or_, differ)


def _verdicts(found: Table, level: ibis.Scalar) -> Table:
    return found.select(
        *("cause_id", "output_id", "request_id", "call_id"),
        level=level,
        certain=True,
        narrowed=False,
        recurs=False,
        short=False,
    ).select(*COLUMNS)
