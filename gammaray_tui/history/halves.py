"""The halves of edges in an archive: outputs of calls and causes of invocations, each once."""

from __future__ import annotations

from typing import Final, NamedTuple

import ibis
from ibis.expr.types import Table

from gammaray_recorder import wire
from gammaray_tui.history.engines import Archive

_REQUEST: Final = f"{wire.ID_LAMBDA_REQUEST} "


class Halves(NamedTuple):
    """Outputs and causes, and what they share.

    Attributes:
        outputs: a row for each output of a call that took effect, or may have.
        causes: a row for each record of an invocation's event, whatever tries showed it.
        shown: outputs by the ids that AWS issued for them: a row for each id.
        received: causes by the ids that they show, with `rank`: 0 is the strongest.
        ordered: outputs by the keys that only order tells apart: a row for each key.
    """

    outputs: Table
    causes: Table
    shown: Table
    received: Table
    ordered: Table


def halves_of(archive: Archive) -> Halves:
    """Find the halves, however often their records were archived.

    They are read from the files by whoever asks: of their many columns each question needs few.
    """
    calls = archive.calls
    there = calls.filter(calls.output_id.notnull() & (calls.effect != "none"))
    told = _accounts(archive)
    outputs = _with_accounts(each_once(archive, there, "output_id", _OUTPUT), told)
    causes = _with_accounts(each_once(archive, archive.causes, "cause_id", _CAUSE), told)
    consumer = causes.function_region.fill_null("") + "\n" + causes.arn.fill_null("")
    causes = causes.mutate(consumer=consumer)
    shown = outputs.select(
        "output_id",
        "call_id",
        parent="request_id",
        output_key="output_key",
        match_id=outputs.match_ids,
    )
    received = causes.select(
        "cause_id",
        "key",
        child="request_id",
        ids=causes.match_ids.length(),
        match_id=causes.match_ids,
    )
    shown, received = _unnested(shown, "match_id"), _unnested(received, "match_id")
    invoked = archive.held(_invoked(causes, shown).select(*received.columns))
    if archive.count(invoked):
        handed_on = causes.semi_join(invoked, "cause_id")
        nothing = {name: ibis.null("string") for name in ("match_content", "match_order", "source")}
        handed_on = handed_on.mutate(**nothing).select(*causes.columns)
        causes = ibis.union(causes.anti_join(invoked, "cause_id"), handed_on)
    return Halves(
        outputs,
        causes,
        shown,
        ibis.union(received.anti_join(invoked, "cause_id"), invoked),
        _ordered(outputs, _key_names(archive)),
    )


def _accounts(archive: Archive) -> Table | None:
    """Give the account of each invocation; None where all are of one."""
    told = archive.invocations.select("request_id", "account")
    told = told.filter(told.account.notnull())
    if archive.count(told.select("account").distinct()) < 2:
        return None
    return archive.held(told.group_by("request_id").agg(account=told.account.min()))


def _with_accounts(rows: Table, told: Table | None) -> Table:
    if told is None:
        return rows.mutate(account=ibis.null("string"))
    return rows.left_join(told, "request_id").drop("request_id_right")


def _invoked(causes: Table, shown: Table) -> Table:
    """Give the causes of which an Invoke's answer tells that it started their invocation.

    A function may hand on the event that it was given, with the ids in it: those prove nothing.
    """
    others = causes.filter((causes.service != "lambda") | (causes.match_ids.length() == 0))
    others = others.select(
        "cause_id",
        key=ibis.null("string"),
        child="request_id",
        ids=ibis.literal(1).cast("int64"),
        match_id=ibis.literal(_REQUEST) + others.request_id,
        rank=ibis.literal(0).cast("int64"),
    )
    return others.semi_join(shown.filter(shown.match_id.startswith(_REQUEST)), "match_id")


def each_once(archive: Archive, rows: Table, identity: str, columns: tuple[str, ...]) -> Table:
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


_OUTPUT = (
    *("request_id", "call_id", "started_s", "duration_s", "service", "operation", "call_region"),
    *("resource", "error", "retries", "local", "effect", "output", "output_resource"),
    *("output_key", "output_operation", "hash", "attribute_hashes", "ids", "subject", "doubtful"),
    *("match_ids", "match_content", "match_order", "match_stem", "table_place"),
)
_CAUSE = (
    *("request_id", "cause", "began_s", "arn", "function", "function_region", "service"),
    *("resource", "cause_region", "key", "hash", "name", "at_s", "ids", "caller", "subject"),
    *("match_ids", "match_content", "match_order", "source"),
)


def _unnested(rows: Table, name: str) -> Table:
    """Give a row for each member of a list, with its place in it as `rank`.

    Most lists have one member: engines take a good deal longer for what may have several.
    """
    one = rows.filter(rows[name].length() == 1)
    one = one.mutate(**{name: one[name][0]}, rank=ibis.literal(0).cast("int64"))
    several = rows.filter(rows[name].length() > 1).unnest(name, offset="rank")
    several = several.mutate(rank=several["rank"].cast("int64"))
    return ibis.union(one, several.select(*one.columns))


def _key_names(archive: Archive) -> Table:
    """Give the attributes that are the key of each table, as far as any row tells them."""
    told = [
        rows.filter(rows.key_names.notnull() & (rows.key_names.length() <= 2)).select(
            "table_place",
            first=rows.key_names[0],
            second=ibis.cases((rows.key_names.length() == 2, rows.key_names[1])),
        )
        for rows in (archive.calls, archive.causes)
    ]
    return ibis.union(*told, distinct=True)


def _ordered(outputs: Table, names: Table) -> Table:
    told = outputs.select("output_id", "request_id", match_order=outputs.match_order)
    stems = outputs.filter(outputs.match_stem.notnull())
    named = stems.join(names, "table_place")
    first = named.attribute_hashes.get(named["first"])
    second = named.attribute_hashes.get(named["second"])
    hashes = ibis.cases((named["second"].isnull(), first), else_=first + "+" + second)
    learned = named.select("output_id", "request_id", match_order=named.match_stem + hashes)
    told = _unnested(told, "match_order").drop("rank")
    return ibis.union(told, learned.filter(learned.match_order.notnull()), distinct=True)
