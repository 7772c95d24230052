"""The words of filter expressions: what each one looks at, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from causality import names
from causality.facts import Call, Cause
from causality.graph import Invocation
from causality.keys import display_key

Test: TypeAlias = Callable[[Invocation], bool]
MeasureKind: TypeAlias = Literal["duration", "count", "time"]

_FAILED = ("error", "timeout", "throttled")


class Field(NamedTuple):
    """A text to compare with a pattern: `function:Image*`."""

    meaning: str
    values: Callable[[Invocation], list[str]]


class Flag(NamedTuple):
    """Something that is so or not: `cold`."""

    meaning: str
    test: Test


class Measure(NamedTuple):
    """A number to compare: `duration>200ms`; seconds, a count, or an instant."""

    meaning: str
    kind: MeasureKind
    values: Callable[[Invocation], list[float]]


class Quantile(NamedTuple):
    """A quantile of a latency table: `p95>200ms`; `row` names the member of its rows."""

    meaning: str
    row: str


def _facts(invocation: Invocation) -> list[Cause | Call]:
    causes: list[Cause | Call] = [cause.fact for cause in invocation.causes]
    return causes + [call.fact for call in invocation.calls.values()]


def _evidence(grade: str) -> Test:
    return lambda i: any(c.edge is not None and c.edge.evidence == grade for c in i.causes)


FIELDS: Mapping[str, Field] = {
    "function": Field("name of the function", lambda i: [i.function or ""]),
    "caller": Field(
        "function that is certain to have caused it",
        lambda i: [
            c.edge.parent.function or ""
            for c in i.causes
            if c.edge is not None and c.edge.parent is not None
        ],
    ),
    "region": Field("where it ran", lambda i: [i.region or ""]),
    "version": Field(
        "version or alias of the function",
        lambda i: [i.version or "", _qualifier(i)],
    ),
    "account": Field("number of the account", lambda i: [i.account or ""]),
    "request": Field("Lambda's request id", lambda i: [i.request_id]),
    "trace": Field("X-Ray's trace id", lambda i: [a.trace_id or "" for a in i.attempts.values()]),
    "error": Field("type of the error", lambda i: [a.error or "" for a in i.attempts.values()]),
    "service": Field(
        "service of its trigger or of a call", lambda i: [fact.service for fact in _facts(i)]
    ),
    "operation": Field(
        "operation of a call", lambda i: [c.fact.operation for c in i.calls.values()]
    ),
    "resource": Field(
        "table, bucket, topic, queue of its trigger or of a call",
        lambda i: [fact.resource or "" for fact in _facts(i)],
    ),
    "key": Field(
        "item's or object's key of its trigger or of a call",
        lambda i: [display_key(fact.key) if fact.key else "" for fact in _facts(i)],
    ),
}

FLAGS: Mapping[str, Flag] = {
    "error": Flag("failed, timed out or throttled", lambda i: i.state in _FAILED),
    "ok": Flag("went well", lambda i: i.state == "ok"),
    "running": Flag("has not ended", lambda i: i.state == "running"),
    "timeout": Flag("timed out", lambda i: i.state == "timeout"),
    "throttled": Flag("was throttled", lambda i: i.state == "throttled"),
    "cold": Flag("cold start", lambda i: any(a.cold for a in i.attempts.values())),
    "retry": Flag("tried more than once", lambda i: len(i.attempts) > 1),
    "root": Flag(
        "begins a chain: nothing is certain to have caused it",
        lambda i: not any(c.edge is not None and c.edge.parent is not None for c in i.causes),
    ),
    "exact": Flag("an edge of that evidence leads to it", _evidence("exact")),
    "content": Flag("an edge of that evidence leads to it", _evidence("content")),
    "order": Flag("an edge of that evidence leads to it", _evidence("order")),
    "ambiguous": Flag("several calls can have caused it", _evidence("ambiguous")),
}

MEASURES: Mapping[str, Measure] = {
    "duration": Measure(
        "how long the handler ran",
        "duration",
        lambda i: [d for a in i.attempts.values() if (d := a.duration_s) is not None],
    ),
    "init": Measure(
        "how long initialisation took",
        "duration",
        lambda i: [d for a in i.attempts.values() if (d := a.init_s) is not None],
    ),
    "delay": Measure(
        "from the call's end to the invocation's start",
        "duration",
        lambda i: [d for c in i.causes if c.edge and (d := c.edge.delay_s) is not None],
    ),
    "attempts": Measure("how often it was tried", "count", lambda i: [float(len(i.attempts))]),
    "calls": Measure("how many calls it made", "count", lambda i: [float(len(i.calls))]),
    "started": Measure(
        "when it began",
        "time",
        lambda i: [s] if (s := i.started_at_s) is not None else [],
    ),
}

QUANTILES: Mapping[str, Quantile] = {
    name: Quantile(
        f"{what} of its function's durations, or of the delays of an edge to it", f"{name}_s"
    )
    for name, what in (
        ("p50", "median"),
        ("p90", "90th percentile"),
        ("p95", "95th percentile"),
        ("p99", "99th percentile"),
        ("max", "greatest"),
    )
}

# What a word of its own is looked for in.
SEARCHED = ("function", "request", "error", "resource", "key")


def _qualifier(invocation: Invocation) -> str:
    arn = names.function_arn(invocation.arn)
    return (arn.qualifier if arn is not None else None) or ""
