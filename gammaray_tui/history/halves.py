"""The halves of edges in an archive: outputs of calls and causes of invocations, each once."""

from __future__ import annotations

from typing import NamedTuple

import ibis
from ibis.expr.types import Table

from gammaray_tui.history.engines import Archive


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
    """Find the halves, however often their records were archived."""
    calls, causes = archive.calls, archive.causes
    there = calls.output_id.notnull() & (calls.effect != "none")
    outputs = archive.held(_each_once(calls.filter(there), "output_id", _OUTPUT))
    found = _each_once(causes, "cause_id", _CAUSE)
    found = archive.held(
        found.mutate(consumer=found.function_region.fill_null("") + "\n" + found.arn.fill_null(""))
    )
    shown = outputs.select("output_id", "request_id", "call_id", match_id=outputs.match_ids)
    received = found.select("cause_id", "request_id", match_id=found.match_ids)
    return Halves(
        outputs,
        found,
        shown.unnest("match_id"),
        received.unnest("match_id", offset="rank"),
        _ordered(outputs, _key_names(archive)),
    )


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
_NESTED = frozenset({"ids", "attribute_hashes", "match_ids", "match_order"})


def _each_once(rows: Table, identity: str, columns: tuple[str, ...]) -> Table:
    """Give one row for each half; of several tries the earliest counts."""
    taken = {
        name: rows[name].arbitrary()
        if name in _NESTED and not rows[name].type().is_string()
        else rows[name].min()
        for name in columns
    }
    return rows.group_by(identity).agg(**taken)


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
    return ibis.union(
        told.unnest("match_order"), learned.filter(learned.match_order.notnull()), distinct=True
    )
