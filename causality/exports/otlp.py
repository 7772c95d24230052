"""OTLP JSON: the graph as OpenTelemetry traces, for collectors and their back ends.

An invocation that its caller waited for is a child of the caller's span; one that was started
through a queue, table, bucket or topic links to the span of the call that caused it. Ids follow
from the records' own ids, so that two exports of one graph are one. Sources: opentelemetry-proto
1.x, "JSON Protobuf Encoding" (ids in hex, enums as numbers, 64-bit integers as text), and the
semantic conventions for FaaS, cloud and RPC.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

from causality import names
from causality.exports.labels import printable
from causality.facts import Call
from causality.graph import CallNode, CauseNode, Edge, Invocation
from causality.keys import display_key
from causality.views.selection import candidates_drawn
from causality.views.timing import Stretch, is_synchronous, stretches

Json: TypeAlias = dict[str, Any]
Value: TypeAlias = str | int | float | bool | None

_SERVER, _CLIENT, _PRODUCER, _CONSUMER = 2, 3, 4, 5
_OK, _ERROR = 1, 2
_QUEUES = frozenset({"sns", "sqs", "events", "kinesis", "firehose", "kafka"})
_SYSTEMS = {"sqs": "aws_sqs", "sns": "aws.sns"}
_STATUS = re.compile("[1-5][0-9]{2}$", re.ASCII)
_XRAY_TRACE = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})$")
_TRIGGERS = {"http": "http", "schedule": "timer", "dynamodb": "datasource", "s3": "datasource"}
_NO_TRACE = "0" * 32


def otlp(invocations: list[Invocation]) -> bytes:
    """Write invocations and calls as the spans of one TracesData message."""
    return msgspec.json.encode(_Traces(invocations).data()) + b"\n"


def trace_id(name: str | None, otherwise: str) -> str:
    """Give 32 hex digits: those of an X-Ray trace id, else ones that follow from a text."""
    match = _XRAY_TRACE.match((name or "").lower())
    if match is not None and (digits := match[1] + match[2]) != _NO_TRACE:
        return digits
    return _digest(f"trace {otherwise}", 16)


def span_id(*parts: str) -> str:
    """Give 16 hex digits that follow from some texts."""
    return _digest("span " + "\0".join(parts), 8)


class _Traces:
    def __init__(self, invocations: list[Invocation]) -> None:
        self._stretches = {
            invocation: found for invocation in invocations if (found := stretches(invocation))
        }
        self._made = {
            call for found in self._stretches.values() for part in found for call in part.calls
        }
        self._waited_for = {
            invocation: call
            for invocation in self._stretches
            if (call := self._waiting_call(invocation)) is not None
        }
        self._trace_ids: dict[Invocation, str] = {}

    def data(self) -> Json:
        by_function: dict[tuple[str, str, str], list[Invocation]] = defaultdict(list)
        for invocation in self._stretches:
            name = invocation.function or "unknown"
            by_function[name, invocation.region or "", invocation.account or ""].append(invocation)
        return {
            "resourceSpans": [
                {
                    "resource": {"attributes": _resource(*function, _arn(members))},
                    "scopeSpans": [
                        {
                            "scope": {"name": "gammaray-tui"},
                            "spans": [span for i in members for span in self._spans(i)],
                        }
                    ],
                }
                for function, members in sorted(by_function.items())
            ]
        }

    def _waiting_call(self, invocation: Invocation) -> CallNode | None:
        for cause in invocation.causes:
            edge = cause.edge
            if edge is not None and edge.call in self._made and is_synchronous(edge):
                return edge.call
        return None

    def _trace_id(self, invocation: Invocation) -> str:
        path = [invocation]
        while path[-1] not in self._trace_ids:
            call = self._waited_for.get(path[-1])
            if call is None or call.invocation in path:
                top = path[-1]
                known = next((a.trace_id for a in top.in_order() if a.trace_id), None)
                self._trace_ids[top] = trace_id(known, top.request_id)
            else:
                path.append(call.invocation)
        found = self._trace_ids[path[-1]]
        for member in path:
            self._trace_ids[member] = found
        return found

    def _spans(self, invocation: Invocation) -> Iterator[Json]:
        for stretch in self._stretches[invocation]:
            yield self._invocation_span(stretch)
            for call in stretch.calls:
                yield self._call_span(stretch, call)

    def _invocation_span(self, stretch: Stretch) -> Json:
        invocation, attempt = stretch.invocation, stretch.attempt
        caller = self._waited_for.get(invocation)
        cause = invocation.causes[0].fact if invocation.causes else None
        trigger = "other" if cause is None else _TRIGGERS.get(cause.service, "other")
        if cause is not None and cause.service in _QUEUES:
            trigger = "pubsub"
        span: Json = {
            "traceId": self._trace_id(invocation),
            "spanId": span_id(invocation.request_id, str(stretch.number)),
            "name": printable(invocation.function or "unknown"),
            "kind": _CONSUMER if trigger == "pubsub" else _SERVER,
            "startTimeUnixNano": _nanoseconds(stretch.started_s),
            "endTimeUnixNano": _nanoseconds(stretch.ended_s),
            "attributes": _attributes(
                {
                    "faas.invocation_id": invocation.request_id,
                    "faas.coldstart": attempt.cold,
                    "faas.trigger": trigger,
                    "faas.version": invocation.version,
                    "aws.lambda.invoked_arn": invocation.arn or None,
                    "gammaray.attempt": stretch.number,
                    "gammaray.init_s": attempt.init_s,
                    "gammaray.state": attempt.state,
                    "error.type": attempt.error,
                }
            ),
            "links": list(self._links(invocation)),
            "status": _status(attempt.state, attempt.error),
        }
        if caller is not None:
            span["parentSpanId"] = _call_span_id(caller)
        return span

    def _call_span(self, stretch: Stretch, call: CallNode) -> Json:
        fact = call.fact
        made = call.started_at_s or 0.0
        state = "error" if call.error else "ok" if call.duration_s is not None else "unknown"
        return {
            "traceId": self._trace_id(call.invocation),
            "spanId": _call_span_id(call),
            "parentSpanId": span_id(call.invocation.request_id, str(stretch.number)),
            "name": printable(" ".join(p for p in (fact.service, fact.operation) if p) or "call"),
            "kind": _PRODUCER if fact.service in _QUEUES else _CLIENT,
            "startTimeUnixNano": _nanoseconds(made),
            "endTimeUnixNano": _nanoseconds(max(made, call.ended_at_s or made)),
            "attributes": _attributes(
                {
                    **_described(fact),
                    "cloud.region": fact.region,
                    "gammaray.resource": names.last_part(fact.resource or "") or None,
                    "gammaray.key": display_key(call.key) if call.key is not None else None,
                    "error.type": call.error,
                }
            ),
            "links": [],
            "status": _status(state, call.error),
        }

    def _links(self, invocation: Invocation) -> Iterator[Json]:
        for cause in invocation.causes:
            edge = cause.edge
            if edge is None or (edge.call is not None and edge.call is self._parent(invocation)):
                continue
            yield from self._links_of(cause, edge)

    def _parent(self, invocation: Invocation) -> CallNode | None:
        return self._waited_for.get(invocation)

    def _links_of(self, cause: CauseNode, edge: Edge) -> Iterator[Json]:
        attributes = _attributes(
            {
                "gammaray.evidence": edge.evidence,
                "gammaray.candidates": max(1, len(edge.candidates)),
                "gammaray.service": cause.fact.service,
                "gammaray.resource": names.last_part(cause.fact.resource or "") or None,
                "gammaray.delay_s": edge.delay_s,
            }
        )
        if edge.parent is not None and edge.call is None:
            # The caller is certain, its call is not: the link leads to the caller itself.
            targets = [
                (edge.parent, span_id(edge.parent.request_id, str(part.number)))
                for part in self._stretches.get(edge.parent, [])[:1]
            ]
        else:
            made = (call for call in candidates_drawn(edge) if call in self._made)
            targets = [(call.invocation, _call_span_id(call)) for call in made]
        for causing, span in targets:
            yield {"traceId": self._trace_id(causing), "spanId": span, "attributes": attributes}


def _arn(invocations: Iterable[Invocation]) -> str:
    return next((invocation.arn for invocation in invocations if invocation.arn), "")


def _call_span_id(call: CallNode) -> str:
    return span_id(call.invocation.request_id, "call", call.id)


def _described(fact: Call) -> dict[str, Value]:
    """Say what a call was in the words that the conventions have for its kind."""
    if fact.service == "http":
        host, _, path = (fact.resource or "").partition("/")
        answer = fact.error or ""
        return {
            "http.request.method": fact.operation or None,
            "server.address": host or None,
            "url.path": f"/{path}" if host else None,
            "http.response.status_code": int(answer) if _STATUS.match(answer) else None,
        }
    said: dict[str, Value] = {
        "rpc.system": "aws-api",
        "rpc.service": fact.service,
        "rpc.method": fact.operation,
    }
    resource = names.last_part(fact.resource or "") or None
    if fact.service == "lambda":
        said["faas.invoked_name"] = resource
        said["faas.invoked_provider"] = "aws"
        said["faas.invoked_region"] = fact.region
    elif fact.service in _QUEUES:
        said["messaging.system"] = _SYSTEMS.get(fact.service, fact.service)
        said["messaging.operation.type"] = "send"
        said["messaging.destination.name"] = resource
    return said


def _resource(name: str, region: str, account: str, arn: str) -> list[Json]:
    return _attributes(
        {
            "service.name": name,
            "faas.name": name,
            "cloud.provider": "aws",
            "cloud.platform": "aws_lambda",
            "cloud.region": region or None,
            "cloud.account.id": account or None,
            # The function's own, without alias or version.
            "cloud.resource_id": ":".join(arn.split(":")[:7]) or None,
        }
    )


def _attributes(values: dict[str, Value]) -> list[Json]:
    return [
        {"key": key, "value": _value(value)} for key, value in values.items() if value is not None
    ]


def _value(value: str | int | float | bool) -> Json:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": printable(value)}


def _status(state: str, error: str | None) -> Json:
    if state in ("error", "timeout", "throttled"):
        return {"code": _ERROR, "message": printable(error or state)}
    return {"code": _OK} if state == "ok" else {}


def _nanoseconds(at_s: float) -> str:
    # A float of epoch seconds resolves a quarter of a microsecond; more digits would be noise.
    return str(round(at_s * 1_000_000) * 1000)


def _digest(text: str, size: int) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
    return digest if digest.strip("0") else f"{1:0{size * 2}x}"
