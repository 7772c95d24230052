"""The halves of edges in an archive: outputs of calls and causes of invocations, each once."""

from __future__ import annotations

from typing import Final, NamedTuple

import ibis
from ibis.expr.types import Table, Value

from gammaray_recorder import wire
from gammaray_tui.history.engines import Archive

_REQUEST: Final = f"{wire.ID_LAMBDA_REQUEST} "


class Halves(NamedTuple):
    """Outputs and causes, in the few columns that all of them are asked for.

    Attributes:
        outputs: a row for each output of a call that took effect, or may have.
        causes: a row for each record of an invocation's event, whatever tries showed it.
        shown: outputs by the ids that AWS issued for them, described: a row for each id.
        received: causes by the ids that they show, described, with `rank`: 0 is the strongest.
        invoked: causes of which an Invoke's answer tells that it started their invocation.
    """

    outputs: Table
    causes: Table
    shown: Table
    received: Table
    invoked: Table


class Whole(NamedTuple):
    """Some outputs and causes, each once, with all that matching looks at."""

    outputs: Table
    causes: Table


def halves_of(archive: Archive) -> Halves:
    """Find the halves, however often their records were archived."""
    outputs = _each_once(archive, _outputs(archive), "output_id", _OUTPUT)
    causes = _each_once(archive, archive.causes, "cause_id", _CAUSE)
    shown = described_outputs(outputs, "output_key", match_id=outputs.match_ids)
    shown = unnested(archive, shown, "match_id").drop("rank")
    received = described_causes(causes, "caller", match_id=causes.match_ids)
    received = unnested(archive, received, "match_id")
    invoked = archive.held(_invoked(causes, shown).select(*received.columns))
    received = ibis.union(received.anti_join(invoked, "cause_id"), invoked)
    return Halves(outputs, causes, shown, received, invoked)


def whole_halves(archive: Archive, outputs: Table, causes: Table) -> Whole:
    """Take some halves out of the archive.

    Args:
        archive: opened in an engine.
        outputs: their `output_id`.
        causes: their `cause_id`.
    """
    made = _outputs(archive).semi_join(outputs, "output_id").select("output_id", *_WHOLE_OUTPUT)
    shown = archive.causes.semi_join(causes, "cause_id").select("cause_id", *_WHOLE_CAUSE)
    return Whole(
        with_accounts(archive, _each_once(archive, archive.held(made), "output_id", _WHOLE_OUTPUT)),
        with_accounts(archive, _each_once(archive, archive.held(shown), "cause_id", _WHOLE_CAUSE)),
    )


def described_outputs(outputs: Table, *more: str, **named: Value) -> Table:
    """Give of outputs what their edges say of them, and more if asked for."""
    return outputs.select(
        *("output_id", "call_id", "operation", "resource"),
        *more,
        parent_request_id="request_id",
        ended_s=outputs.started_s + outputs.duration_s,
        **named,
    )


def described_causes(causes: Table, *more: str, **named: Value) -> Table:
    """Give of causes what their edges say of them, and more if asked for."""
    return causes.select(
        *("cause_id", "service", "key"),
        *more,
        child_request_id="request_id",
        child_function="function",
        child_region="function_region",
        started_s="began_s",
        source_resource="resource",
        **named,
    )


def unnested(archive: Archive, rows: Table, name: str) -> Table:
    """Give a row for each member of a list, with its place in it as `rank`.

    Most lists have one member: engines take a good deal longer for what may have several.
    """
    one = rows.filter(rows[name].length() == 1)
    one = one.mutate(**{name: one[name][0]}, rank=ibis.literal(0).cast("int64"))
    several = archive.held(rows.filter(rows[name].length() > 1).unnest(name, offset="rank"))
    # Engines number places in their own types.
    several = several.mutate(rank=several["rank"].cast("int64"))
    return ibis.union(one, several.select(*one.columns))


def has_several_accounts(archive: Archive) -> bool:
    """Say whether functions of more than one account were archived."""
    told = archive.invocations.filter(archive.invocations.account.notnull())
    return archive.once("accounts", lambda: archive.count(told.select("account").distinct()) > 1)


def with_accounts(archive: Archive, rows: Table) -> Table:
    """Give the account of each row's invocation, by its request id; NULL where all are of one."""
    if not has_several_accounts(archive):
        return rows.mutate(account=ibis.null("string"))
    told = archive.invocations.select("request_id", "account")
    told = told.filter(told.account.notnull())
    told = told.semi_join(rows, "request_id")
    told = archive.held(told.group_by("request_id").agg(account=told.account.min()))
    return rows.left_join(told, "request_id").drop("request_id_right")


def _outputs(archive: Archive) -> Table:
    calls = archive.calls
    return calls.filter(calls.output_id.notnull() & (calls.effect != "none"))


def _invoked(causes: Table, shown: Table) -> Table:
    """Give the causes of which an Invoke's answer tells that it started their invocation.

    A function may hand on the event that it was given, with the ids in it: those prove nothing.
    """
    others = causes.filter((causes.service != "lambda") | (causes.match_ids.length() == 0))
    answered = shown.filter(shown.match_id.startswith(_REQUEST))
    answered = answered.select(request_id=answered.match_id.substr(len(_REQUEST)))
    others = others.semi_join(answered, "request_id")
    return described_causes(
        others,
        "caller",
        match_id=ibis.literal(_REQUEST) + others.request_id,
        rank=ibis.literal(0).cast("int64"),
    )


def _each_once(archive: Archive, rows: Table, identity: str, columns: tuple[str, ...]) -> Table:
    """Give one row for each identity; of several the least of each column counts.

    Most are there once. To find the others takes no more than their identities, and only they
    are put together.
    """
    counted = rows.group_by(identity).agg(count=rows.count())
    repeated = archive.held(counted.filter(counted["count"] > 1).select(identity))
    again = rows.semi_join(repeated, identity)
    taken = {
        name: again[name].arbitrary() if rows[name].type().is_nested() else again[name].min()
        for name in columns
    }
    together = archive.held(again.group_by(identity).agg(**taken).select(identity, *columns))
    return ibis.union(rows.anti_join(repeated, identity).select(identity, *columns), together)


_OUTPUT: Final = (
    *("request_id", "call_id", "started_s", "duration_s", "operation", "resource"),
    *("output_key", "match_ids"),
)
_CAUSE: Final = (
    *("request_id", "began_s", "arn", "function", "function_region", "service", "resource"),
    *("key", "caller", "match_ids", "match_content", "match_order", "source"),
)
_WHOLE_OUTPUT: Final = (
    *("request_id", "call_id", "started_s", "duration_s", "service", "operation", "call_region"),
    *("resource", "error", "retries", "local", "effect", "output", "output_resource"),
    *("output_key", "output_operation", "hash", "attribute_hashes", "ids", "subject", "doubtful"),
)
_WHOLE_CAUSE: Final = (
    *("request_id", "cause", "began_s", "arn", "function", "function_region", "service"),
    *("resource", "cause_region", "key", "hash", "name", "at_s", "ids", "caller", "subject"),
)
