"""What is found for causes where nothing competes: expressions, for most of any archive.

The rules are those of the live view (causality.matching.ids, causality.matching.stretch); where
several outputs or causes could be meant, these leave it to gammaray_tui.history.contested, which
runs that code.
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
from causality.matching.agreement import BY_NAME, S3_CREATED, S3_CREATIONS
from causality.matching.match_keys import (
    AWS_ONLY_IDS,
    CALLER,
    CONTENT,
    EXACT,
    IDS,
    LASTING_IDS,
    ORDER,
)
from gammaray_recorder import wire
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.halves import Halves, Whole, has_several_accounts
from gammaray_tui.history.sharing import Grouped

# A row for each output that can be meant, with what holds of the cause at that level.
COLUMNS: Final = (
    *("cause_id", "child", "level", "output_id", "request_id", "call_id"),
    *("certain", "narrowed", "recurs", "short"),
)
# Ids that prove only together with something else.
_HARD: Final = (wire.ID_TRACEPARENT, *sorted(LASTING_IDS))
_CALLER: Final = f"{CALLER} "
_UNUSUAL: Final = "["  # a key with spaces in its parts (providers.archive.halves.key_text)


class Split(NamedTuple):
    """Verdicts, and the causes that are left to be solved.

    Attributes:
        contested: their `cause_id` and, where ids decide, `match_id`.
    """

    verdicts: Table
    contested: Table


class Proven(NamedTuple):
    """What ids prove.

    Attributes:
        alone: causes with the only output that an id leads to, both described
            (gammaray_tui.history.halves).
        others: causes that ids lead to several outputs.
    """

    alone: Table
    others: Split


def by_id(archive: Archive, halves: Halves) -> Proven:
    """Find the outputs that an id proves; the strongest id that leads to any decides."""
    received = halves.received
    called = received.filter(received.caller.notnull() & received.match_id.startswith(_CALLER))
    callees = called.group_by("match_id").agg(callees=called.cause_id.count())
    crowded = archive.held(callees.filter(callees.callees > 1).select("match_id"))
    met = received.join(halves.shown, "match_id")
    met = met.filter(met.parent_request_id != met.child_request_id)
    met = met.left_join(crowded.mutate(crowded=True), "match_id").drop("match_id_right")
    hard = met.match_id.startswith(_UNUSUAL) | met.crowded.notnull()
    # Local servers number records in each account from one.
    numbered = (wire.ID_KINESIS,) if has_several_accounts(archive) else ()
    for kind in (*_HARD, *numbered):
        hard |= met.match_id.startswith(f"{kind} ")
    met = met.mutate(
        hard_id=ibis.cases((hard, met.match_id)),
        same=(met.output_key == met.key).fill_null(False),
    )
    met = archive.held(met.drop("match_id", "caller", "output_key", "crowded"))

    counted = met.group_by("cause_id").agg(count=met.count())
    several = archive.held(counted.filter(counted["count"] > 1).select("cause_id"))
    alone, rivals = met.anti_join(several, "cause_id"), met.semi_join(several, "cause_id")
    rivals = rivals.mutate(best=rivals["rank"].min().over(group_by=rivals.cause_id))
    best = rivals.filter(rivals["rank"] == rivals.best)
    # DeleteObjects: one request id, many objects.
    best = best.mutate(told=best.same.any().over(group_by=best.cause_id))
    best = archive.held(best.filter(best.same | ~best.told).select(*met.columns))
    hard = ibis.union(alone, best)
    hard = hard.filter(hard.hard_id.notnull()).select("cause_id", match_id="hard_id")
    return Proven(
        alone.filter(alone.hard_id.isnull()),
        Split(proven_verdicts(best.filter(best.hard_id.isnull())), hard.distinct()),
    )


def proven_verdicts(met: Table) -> Table:
    """Give the verdicts on causes and outputs that an id brings together."""
    return met.select(
        *("cause_id", "output_id", "call_id"),
        child="child_request_id",
        request_id="parent_request_id",
        level=ibis.literal(EXACT).cast("int32"),
        certain=True,
        narrowed=False,
        recurs=False,
        short=False,
    ).select(*COLUMNS)


def by_content_or_order(
    archive: Archive, whole: Whole, met: Table, exact: Table, named: Table
) -> Split:
    """Find the outputs that content or order tells, where nothing competes.

    Args:
        archive: opened in an engine.
        whole: the halves that share any.
        met: the causes, and how many share what they have (`met_in`).
        exact: what ids prove.
        named: causes that name their `caller`.
    """
    competing = (
        (met.content_outputs > 1)
        | (met.content_outputs.notnull() & met.content_crowded.notnull())
        | (met.order_outputs > 1)
        | (met.order_outputs.notnull() & met.order_crowded.notnull())
        | (met.content_output != met.order_output).fill_null(False)
    )
    met = met.mutate(competing=competing.fill_null(False))
    pairs = archive.held(_pairs(whole, met.filter(~met.competing)))
    # An effect is not its own cause. Whether one led to the other has to be looked up.
    following = pairs.filter(pairs.started_s > pairs.began_s - CLOCK_SKEW_S)
    children = ibis.union(exact.select(maker="child"), named.select(maker="request_id"))
    parents = ibis.union(exact.select("request_id"), named.select(request_id="caller"))
    involved = following.semi_join(children, "maker").semi_join(parents, "request_id")
    involved = archive.held(involved.select("cause_id"))
    found = pairs.anti_join(involved, "cause_id")
    found = found.select(
        "cause_id",
        "level",
        "output_id",
        "call_id",
        child="request_id",
        request_id="maker",
        certain=found.covered & found.plausible,
        narrowed=False,
        recurs=False,
        short=~found.covered,
    )
    left = ibis.union(met.filter(met.competing).select("cause_id"), involved)
    return Split(found.select(*COLUMNS), left)


def met_in(archive: Archive, grouped: Grouped, exact: Table) -> Table:
    """Give the causes that no id proves and that share contents or a key with an output.

    With the number of outputs of each, one of them, and whether the consumer was shown the same in
    several causes.
    """
    causes = grouped.causes.select("cause_id", "match_content", "match_order", "consumer")
    met = archive.held(causes.anti_join(exact, "cause_id"))
    for kind, shown in (("content", grouped.contents), ("order", grouped.orders)):
        key = f"match_{kind}"
        asked = met.filter(met[key].notnull()).select(key)
        shown = shown.semi_join(asked, key)
        shown = shown.group_by(key).agg(
            **{f"{kind}_outputs": shown.output_id.count(), f"{kind}_output": shown.output_id.min()}
        )
        sharing = causes.semi_join(asked, key)
        sharing = sharing.group_by(key, "consumer").agg(count=sharing.count())
        crowded = sharing.filter(sharing["count"] > 1)
        crowded = crowded.select(key, "consumer", **{f"{kind}_crowded": ibis.literal(True)})
        met = met.left_join(shown, key).drop(f"{key}_right")
        met = met.left_join(crowded, [key, "consumer"]).drop(f"{key}_right", "consumer_right")
    return archive.held(met.filter(met.content_outputs.notnull() | met.order_outputs.notnull()))


def _pairs(whole: Whole, met: Table) -> Table:
    """Give the only output for each cause, where it fits."""
    met = met.select(
        "cause_id",
        level=ibis.cases((met.content_output.notnull(), CONTENT), else_=ORDER).cast("int32"),
        output_id=met.content_output.coalesce(met.order_output),
    )
    causes = whole.causes.select(
        *("cause_id", "request_id", "began_s"),
        cause_account="account",
        cause_service="service",
        cause_name="name",
        cause_hash="hash",
        cause_ids="ids",
        written_s="at_s",
    )
    outputs = whole.outputs.select(
        *("output_id", "call_id", "started_s", "retries", "hash", "ids", "local", "operation"),
        *("account", "service"),
        maker="request_id",
        ended_s=whole.outputs.started_s + whole.outputs.duration_s,
        proven=(whole.outputs.effect == "proven") & ~whole.outputs.doubtful,
    )
    pairs = met.join(causes, "cause_id").join(outputs, "output_id")
    pairs = pairs.mutate(
        covered=pairs.proven & ~_ids_differ(pairs) & ~_accounts_differ(pairs),
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
    pairs = pairs.filter(_fits(pairs) & (pairs.by_content | ~_told_by_content(pairs)))
    return pairs.select(
        *("cause_id", "level", "output_id", "request_id", "maker", "call_id"),
        *("began_s", "started_s", "covered", "plausible"),
    )


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
        & ((pairs.proven & ~_ids_differ(pairs)) | (pairs.retries > 0) | ~pairs.proven)
        & (pairs.started_s <= latest_s)
        & (pairs.started_s >= latest_s - CLOCK_SKEW_S - window_s)
        & (pairs.started_s >= pairs.began_s - window_s)
        & ~_contents_differ(pairs)
        & ~_deeds_differ(pairs)
        & ~written_after
    )


def _accounts_differ(pairs: Table) -> BooleanValue:
    ours, theirs = (
        ibis.cases((pairs.local, account), else_=ids.get(wire.ID_ACCOUNT).coalesce(account))
        for account, ids in (
            (pairs.account, pairs.ids),
            (pairs.cause_account, pairs.cause_ids),
        )
    )
    return pairs.service.isin(sorted(BY_NAME)) & (ours != theirs).fill_null(False)


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


def _deeds_differ(pairs: Table) -> BooleanValue:
    name = pairs.cause_name.replace("s3:", "")
    told = [(pairs.operation == o, f"{S3_CREATED}{how}") for o, how in S3_CREATIONS.items()]
    made = ibis.cases(*told, else_=ibis.null("string"))
    created = (pairs.cause_service == "s3") & name.startswith(S3_CREATED)
    return (created & (name != made)).fill_null(False)


def _ids_differ(pairs: Table) -> BooleanValue:
    differ = []
    for kind in IDS:
        differs = (pairs.ids.get(kind) != pairs.cause_ids.get(kind)).fill_null(False)
        differ.append(differs & ~pairs.local if kind in AWS_ONLY_IDS else differs)
    return reduce(or_, differ)
