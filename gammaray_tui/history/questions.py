"""The questions that `analyze` and the History screen ask, as expressions for any engine."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import ibis
from ibis.expr.types import BooleanValue, Table

from causality.accounts import UNKNOWN
from gammaray_tui.history.edges import Told, edges_of, matched
from gammaray_tui.history.engines import Archive
from gammaray_tui.history.halves import has_several_accounts, with_accounts

Period: TypeAlias = Literal["hour", "day", "all"]
Span: TypeAlias = tuple[float, float]  # epoch seconds, the second one not included

_LENGTH_S: Final = {"hour": 3600, "day": 86_400}
_PLACES: Final = ("region", "account", *_LENGTH_S)


def attempts(archive: Archive) -> Table:
    """Give each attempt, with what its start and its end tell."""
    rows = archive.invocations
    start, end = rows.event == "start", rows.event == "end"
    return rows.group_by("request_id", "attempt").agg(
        function=rows.function.max(),
        region=rows.function_region.max(),
        account=rows.account.max(),
        started_s=rows.at_s.min(where=start),
        ended_s=rows.at_s.max(where=end),
        status=rows.status.argmax(rows.at_s, where=end),
        error=rows.error.argmax(rows.at_s, where=end & rows.error.notnull()),
        cold=rows.cold.cast("int8").max() == 1,
        init_s=rows.init_s.max(),
        generation=rows.generation.max(),
    )


def latency_by_function(archive: Archive, period: Period, span: Span | None) -> Table:
    """Give durations by function, and by hour or day of the start."""
    known = _within(attempts(archive), span)
    known = known.filter(known.function.notnull() & known.ended_s.notnull())
    known = known.mutate(value_s=ibis.greatest(known.ended_s - known.started_s, 0.0))
    known = known.mutate(name=known.function, failed=_failed(known), cold=known.cold)
    return _latency(_apart(archive, known, "name"), period)


def latency_by_edge(archive: Archive, period: Period, span: Span | None, told: Told) -> Table:
    """Give trigger delays by edge, and by hour or day of the start."""
    edges = _within(edges_of(archive, told), span)
    edges = edges.filter(edges.delay_s.notnull())
    caller, callee = _or_unknown(edges.parent_function), _or_unknown(edges.child_function)
    resource = _last_part(edges.source_resource.fill_null(""))
    direct = (edges.service == "lambda") | (resource == "")
    name = ibis.ifelse(direct, caller + " → " + callee, caller + " → " + resource + " → " + callee)
    edges = with_accounts(archive, edges.mutate(name=name, request_id=edges.child_request_id))
    known = edges.mutate(
        region=edges.child_region,
        value_s=ibis.greatest(edges.delay_s, 0.0),
        failed=False,
        cold=False,
    )
    return _latency(_apart(archive, known, "name"), period).drop("errors", "cold_starts")


def shares(archive: Archive, period: Period, span: Span | None) -> Table:
    """Give the shares of errors and of cold starts by function, and by hour or day."""
    known = _within(attempts(archive), span)
    known = _apart(archive, known.filter(known.function.notnull()), "function")
    known = _by_period(known, period)
    told = known.status.notnull()
    found = known.group_by(*_named(known, "function")).agg(
        attempts=known.count(),
        errors=known.count(where=_true(known.status == "error")),
        timeouts=known.count(where=_true(known.status == "timeout")),
        unended=known.count(where=known.ended_s.isnull()),
        error_share=_failed(known).mean(where=told),
        cold_starts=known.count(where=_true(known.cold)),
        cold_share=known.cold.mean(where=known.cold.notnull()),
        init_p50_s=known.init_s.quantile(0.5, where=known.cold),
    )
    return found.order_by(ibis.desc("errors"), ibis.desc("attempts"), *_names(found))


def changes(archive: Archive, before: Span, after: Span, told: Told) -> Table:
    """Give the edges that only one of two stretches of time has."""
    edges = edges_of(archive, told)
    edges = edges.filter(edges.parent_request_id.notnull())
    # What ran in one account may be compared to the same in another.
    apart = any(_has_several_accounts(archive, span) for span in (before, after))
    if apart:
        edges = with_accounts(archive, edges.mutate(request_id=edges.child_request_id))
    place = {"region": edges.child_region.fill_null("")}
    if apart:
        place["account"] = edges.account.fill_null("")
    hops = edges.select(
        "started_s",
        caller=_or_unknown(edges.parent_function),
        operation=edges.operation.coalesce(
            ibis.ifelse(edges.service == "lambda", "Invoke", edges.service)
        ),
        resource=_last_part(edges.source_resource.fill_null("")),
        function=_or_unknown(edges.child_function),
        **place,
    )
    old, new = _in(hops, before), _in(hops, after)
    counted = hops.filter(old | new)
    counted = counted.group_by("caller", "operation", "resource", "function", *place).agg(
        before=counted.count(where=_true(_in(counted, before))),
        after=counted.count(where=_true(_in(counted, after))),
    )
    one_sided = counted.filter((counted.before == 0) | (counted.after == 0))
    return one_sided.select(
        change=ibis.ifelse(one_sided.before == 0, "new", "vanished"),
        **{name: one_sided[name] for name in one_sided.columns},
    ).order_by("change", "caller", "resource", "function", *place, "operation")


def never_triggered(archive: Archive, span: Span | None, told: Told) -> Table:
    """Give calls that started nothing, where others on the same place start functions."""
    found = matched(archive, told).found
    starting = archive.causes.filter(archive.causes.place.notnull()).select("place").distinct()
    calls = archive.calls
    calls = _within(calls.filter((calls.effect == "proven") & calls.place.notnull()), span)
    silent = calls.semi_join(starting, "place").anti_join(found, ["request_id", "call_id"])
    silent = silent.select("request_id", "call_id", "operation", "place", "started_s").distinct()
    starts = archive.invocations.filter(archive.invocations.event == "start")
    callers = starts.group_by("request_id").agg(
        function=starts.function.max(),
        region=starts.function_region.max(),
        account=starts.account.max(),
    )
    silent = silent.left_join(callers, "request_id").drop("request_id_right")
    parts = silent.place.split("\n")
    silent = silent.mutate(service=parts[0], place=parts[1], function=_or_unknown(silent.function))
    silent = _apart(archive, silent, "function").drop("region")
    callers_named = [name for name in ("function", "account") if name in silent.columns]
    return (
        silent.group_by(*callers_named, "operation", "service", "place")
        .agg(
            calls=silent.count(),
            newest_s=silent.started_s.max(),
            newest_request_id=silent.request_id.argmax(silent.started_s),
        )
        .order_by(ibis.desc("calls"), *callers_named, "operation", "service", "place")
    )


def edges(archive: Archive, span: Span | None, told: Told) -> Table:
    """Give every edge with its grade."""
    return _within(edges_of(archive, told), span).order_by(
        "started_s", "child_request_id", "cause_id"
    )


# --- parts ------------------------------------------------------------------------------------


def _has_several_accounts(archive: Archive, span: Span) -> bool:
    """Say whether functions of more than one account began in a stretch of time."""
    if not has_several_accounts(archive):
        return False
    rows = archive.invocations
    begun = rows.filter((rows.event == "start") & rows.account.notnull())
    begun = begun.filter((begun.at_s >= span[0]) & (begun.at_s < span[1]))
    return archive.count(begun.select("account").distinct()) > 1


def _true(condition: BooleanValue) -> BooleanValue:
    """Say no where a condition is unknown: of nothing else, Spark counts NULL instead of 0."""
    return condition.fill_null(False)


def _latency(known: Table, period: Period) -> Table:
    known = _by_period(known, period)
    found = known.group_by(*_named(known, "name")).agg(
        count=known.count(),
        errors=known.count(where=_true(known.failed)),
        cold_starts=known.count(where=_true(known.cold)),
        p50_s=known.value_s.quantile(0.5),
        p90_s=known.value_s.quantile(0.9),
        p95_s=known.value_s.quantile(0.95),
        p99_s=known.value_s.quantile(0.99),
        max_s=known.value_s.max(),
    )
    return found.order_by(*_names(found))


def _by_period(rows: Table, period: Period) -> Table:
    if period == "all":
        return rows
    length_s = _LENGTH_S[period]
    begin_s = (rows.started_s / length_s).floor().cast("int64") * length_s
    return rows.mutate(**{period: begin_s.as_timestamp("s")})


def _apart(archive: Archive, rows: Table, name: str) -> Table:
    """Keep the account where several have the name and region, as causality.accounts does."""
    if not has_several_accounts(archive):
        return rows.drop("account")
    shared = rows.group_by(name, "region").agg(accounts=rows.account.nunique())
    shared = archive.held(shared.filter(shared.accounts > 1))
    if not archive.count(shared):
        return rows.drop("account")
    rows = rows.left_join(shared, [name, "region"]).drop(f"{name}_right", "region_right")
    told = rows.account.fill_null(UNKNOWN)
    return rows.mutate(account=ibis.cases((rows.accounts.notnull(), told))).drop("accounts")


def _named(rows: Table, name: str) -> list[str]:
    return [name, *(place for place in _PLACES if place in rows.columns)]


def _names(rows: Table) -> list[str]:
    return [name for name in ("name", "function", *_PLACES) if name in rows.columns]


def _within(rows: Table, span: Span | None) -> Table:
    rows = rows.filter(rows.started_s.notnull())
    return rows if span is None else rows.filter(_in(rows, span))


def _in(rows: Table, span: Span) -> ibis.expr.types.BooleanValue:
    return (rows.started_s >= span[0]) & (rows.started_s < span[1])


def _failed(rows: Table) -> ibis.expr.types.BooleanValue:
    return rows.status.isin(["error", "timeout"]).fill_null(False)


def _or_unknown(name: ibis.expr.types.StringValue) -> ibis.expr.types.StringValue:
    return name.fill_null("?")


def _last_part(resource: ibis.expr.types.StringValue) -> ibis.expr.types.StringValue:
    """Give the name at the end of an ARN."""
    parts = resource.split(":")
    whole = resource.startswith("arn:") & (parts.length() >= 6)
    begin = ibis.literal(0, "int64")
    for number in range(5):
        begin = begin + parts[number].length() + 1
    return ibis.ifelse(whole, resource.substr(begin), resource)
