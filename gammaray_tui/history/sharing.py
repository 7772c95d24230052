"""Which halves share contents or keys: what only content and order can bring together."""

from __future__ import annotations

from typing import NamedTuple

import ibis
from ibis.expr.types import Table

from causality.matching.match_keys import CONTENT, ORDER
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.halves import Halves, unnested


class Grouped(NamedTuple):
    """Halves by what they may share.

    Attributes:
        causes: those that have a `match_content` or a `match_order`, with their `consumer`.
        contents: outputs by the contents of these causes: `output_id`, `match_content`.
        orders: outputs by the keys of these causes, a row for each: `output_id`, `match_order`.
    """

    causes: Table
    contents: Table
    orders: Table


class Rivals(NamedTuple):
    """What some causes compete for and with.

    Attributes:
        grouped: these halves.
        outputs: their `output_id`.
        keys: of all of these halves: `half`, `level`, `key`.
    """

    grouped: Grouped
    outputs: Table
    keys: Table


def grouped_halves(archive: Archive, halves: Halves) -> Grouped:
    """Find the halves that may share contents or keys with others."""
    causes = halves.causes
    causes = causes.filter(causes.match_content.notnull() | causes.match_order.notnull())
    # A function may hand on the event that it was given: that is no delivery of it.
    causes = causes.anti_join(halves.invoked, "cause_id")
    causes = causes.select(
        *("cause_id", "match_content", "match_order", "service", "source", "began_s"),
        consumer=causes.function_region.fill_null("") + "\n" + causes.arn.fill_null(""),
    )
    causes = archive.held(causes)
    contents = archive.calls.filter(archive.calls.effect != "none")
    contents = contents.semi_join(causes, "match_content").select("output_id", "match_content")
    orders = _ordered(archive).semi_join(causes, "match_order")
    return Grouped(causes, archive.held(contents.distinct()), archive.held(orders.distinct()))


def rivals_of(archive: Archive, grouped: Grouped, causes: Table) -> Rivals:
    """Find what some causes compete for and with.

    Args:
        archive: opened in an engine.
        grouped: the halves among which they are.
        causes: their `match_content` and `match_order`.
    """
    orders = causes.filter(causes.match_order.notnull()).select("match_order")
    by_order = grouped.causes.semi_join(orders, "match_order")
    contents = ibis.union(by_order.select("match_content"), causes.select("match_content"))
    contents = archive.held(contents.filter(contents.match_content.notnull()).distinct())
    by_content = grouped.causes.semi_join(contents, "match_content")
    found = Grouped(
        archive.held(ibis.union(by_order, by_content.anti_join(by_order, "cause_id"))),
        archive.held(grouped.contents.semi_join(contents, "match_content")),
        archive.held(grouped.orders.semi_join(orders, "match_order")),
    )
    outputs = ibis.union(found.contents.select("output_id"), found.orders.select("output_id"))
    keys = ibis.union(
        _keys(found.contents, "output_id", CONTENT, "match_content"),
        _keys(found.orders, "output_id", ORDER, "match_order"),
        _keys(by_content, "cause_id", CONTENT, "match_content"),
        _keys(by_order, "cause_id", ORDER, "match_order"),
    )
    return Rivals(found, outputs, keys)


def _keys(rows: Table, half: str, level: int, key: str) -> Table:
    return rows.select(half=rows[half], level=ibis.literal(level).cast("int32"), key=rows[key])


def _ordered(archive: Archive) -> Table:
    """Give outputs by the keys that only order tells apart; some rows may be there twice."""
    outputs = archive.calls.filter(archive.calls.effect != "none")
    told = outputs.select("output_id", match_order=outputs.match_order)
    told = unnested(archive, told, "match_order").drop("rank")
    stems = outputs.filter(outputs.match_stem.notnull())
    named = stems.join(_key_names(archive), "table_place")
    first = named.attribute_hashes.get(named["first"])
    second = named.attribute_hashes.get(named["second"])
    hashes = ibis.cases((named["second"].isnull(), first), else_=first + "+" + second)
    return ibis.union(told, named.select("output_id", match_order=named.match_stem + hashes))


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
