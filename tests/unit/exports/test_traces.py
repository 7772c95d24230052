"""Perfetto and OTLP: the rules of both formats, checked by hand on every recorded run."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import defaultdict
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from causality.engine import Engine
from causality.exports import render
from causality.exports.otlp import span_id, trace_id
from tests.unit.analysis.chains import EPOCH_S, World, invoke, received, send
from tests.unit.causality.oracle import CASES
from tests.unit.exports.engines import engine_of

Json = dict[str, Any]
_KINDS = {1, 2, 3, 4, 5}


def _perfetto(engine: Engine) -> list[Json]:
    events: list[Json] = json.loads(render(engine, "instance", "perfetto"))["traceEvents"]
    return events


def _spans(engine: Engine) -> list[Json]:
    data = json.loads(render(engine, "instance", "otlp"))
    return [
        span
        for resource in data["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


@pytest.mark.parametrize("case", CASES)
def test_slices_of_a_lane_nest_and_flows_begin_and_end_in_slices(case: str) -> None:
    events = _perfetto(engine_of(case))
    lanes: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            assert isinstance(event["ts"], int)
            assert event["dur"] >= 1
            lanes[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for slices in lanes.values():
        opened: list[tuple[int, int]] = []
        for begin, end in sorted(slices, key=lambda s: (s[0], -s[1])):
            while opened and opened[-1][1] <= begin:
                opened.pop()
            assert not opened or end <= opened[-1][1]
            opened.append((begin, end))
    flows: dict[int, list[str]] = defaultdict(list)
    for event in events:
        if event["ph"] in "sf":
            flows[event["id"]].append(event["ph"])
            around = lanes[event["pid"], event["tid"]]
            assert any(begin <= event["ts"] < end for begin, end in around)
    assert all(phases == ["s", "f"] for phases in flows.values())
    named = {event["pid"] for event in events if event["name"] == "process_name"}
    assert named == {event["pid"] for event in events}


def test_perfetto_shows_each_invocation_call_and_edge() -> None:
    engine = engine_of("imageproc_overlap")
    events = _perfetto(engine)

    counts: dict[tuple[str | None, str], int] = defaultdict(int)
    for event in events:
        counts[event.get("cat"), event["ph"]] += 1
    assert counts["invocation", "X"] == 9
    assert counts["call", "X"] == 18
    assert counts["causality", "s"] == counts["causality", "f"] == 6


@pytest.mark.parametrize("case", CASES)
def test_spans_follow_the_protocol(case: str) -> None:
    engine = engine_of(case)
    spans = _spans(engine)
    known = {(span["traceId"], span["spanId"]) for span in spans}
    assert len(known) == len(spans)
    for span in spans:
        assert re.fullmatch(r"[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch(r"[0-9a-f]{16}", span["spanId"])
        assert span["kind"] in _KINDS
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert isinstance(span["startTimeUnixNano"], str)
        assert span["status"].get("code", 0) in (0, 1, 2)
        for attribute in span["attributes"]:
            ((kind, value),) = attribute["value"].items()
            assert kind in ("stringValue", "intValue", "doubleValue", "boolValue")
            assert isinstance(value, str) == (kind in ("stringValue", "intValue"))
        if "parentSpanId" in span:
            assert (span["traceId"], span["parentSpanId"]) in known
        for link in span["links"]:
            assert (link["traceId"], link["spanId"]) in known


def _protobuf_json(value: Any, name: str = "") -> Any:
    """Make OTLP's JSON what protobuf calls JSON: the same, but for ids, which are base64 there."""
    if isinstance(value, dict):
        return {key: _protobuf_json(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_protobuf_json(inner) for inner in value]
    if name in ("traceId", "spanId", "parentSpanId"):
        return b64encode(bytes.fromhex(value)).decode()
    return value


@pytest.mark.parametrize("case", CASES)
def test_the_protocol_s_own_definition_reads_it(case: str) -> None:
    engine = engine_of(case)
    written = json.loads(render(engine, "instance", "otlp"))

    # Unknown fields, wrong types and numbers out of range are errors.
    data = json_format.ParseDict(_protobuf_json(written), TracesData())

    spans = [s for r in data.resource_spans for scope in r.scope_spans for s in scope.spans]
    assert len(spans) == len(_spans(engine))
    assert all(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in spans)
    assert all(len(link.span_id) == 8 for span in spans for link in span.links)


def test_asynchronous_hops_are_links() -> None:
    spans = _spans(engine_of("imageproc"))

    linked = [span for span in spans if span["links"]]
    assert sorted(span["name"] for span in linked) == [
        "DBSyncPyB",
        "DBSyncPyB",
        "UpdateWebsiteB",
        "UpdateWebsiteB",
    ]
    calls = {span["spanId"]: span["name"] for span in spans}
    assert {calls[link["spanId"]] for span in linked for link in span["links"]} == {
        "dynamodb PutItem"
    }
    evidence = linked[0]["links"][0]["attributes"][0]
    assert evidence == {"key": "gammaray.evidence", "value": {"stringValue": "order"}}


def test_x_ray_trace_ids_are_kept() -> None:
    assert (
        trace_id("1-6b02fb49-a714bdd317cd48fbb76dead8", "r") == "6b02fb49a714bdd317cd48fbb76dead8"
    )
    assert trace_id(None, "r") == trace_id("nonsense", "r") != trace_id(None, "s")
    assert trace_id("1-00000000-000000000000000000000000", "r").strip("0")
    assert len(span_id("a", "b")) == 16
    assert span_id("a", "b") != span_id("ab", "")


def test_an_arrow_does_not_arrive_before_it_leaves() -> None:
    world = World()
    world.run("a", "A", 0.0, 9.0, send("s", 5.0, 0.1, "m"))
    world.run("b", "B", 4.0, 6.0, causes=(received("m"),))  # its clock is slow

    leaves, arrives = (event for event in _perfetto(world.engine()) if event["ph"] in "sf")

    assert leaves["ph"] == "s"
    assert leaves["ts"] <= arrives["ts"]


def test_functions_of_two_accounts_are_two_processes() -> None:
    world = World()
    for account in ("111111111111", "222222222222"):
        world.run(f"a{account}", "A", 0.0, 1.0, account=account)

    named = [e["args"]["name"] for e in _perfetto(world.engine()) if e["name"] == "process_name"]

    assert named == ["A us-east-1 111111111111", "A us-east-1 222222222222"]


def test_kinds_of_spans_are_those_of_the_conventions() -> None:
    world = World()
    world.run("a", "A", 0.0, 9.0, send("s", 0.5, 0.1, "m"))
    world.run("b", "B", 1.0, 2.0, causes=(received("m"),))

    kinds = {span["name"]: span["kind"] for span in _spans(world.engine())}

    assert kinds == {"A": 2, "sqs SendMessage": 4, "B": 5}  # server, producer, consumer


def test_calls_and_functions_are_described_in_the_words_of_the_conventions() -> None:
    world = World()
    asked = {"k": "c", "i": "h", "t": EPOCH_S + 0.1, "d": 0.1, "s": "http", "o": "HTTP"}
    asked |= {"res": "POST api.example.com/pay", "err": "503"}
    invoked = invoke("i", 0.3, 0.1, "B", "b")
    world.run("a", "A:live", 0.0, 1.0, asked, invoked, send("s", 0.5, 0.1, "m"))
    engine = world.engine()

    resource = json.loads(render(engine, "instance", "otlp"))["resourceSpans"][0]["resource"]
    said = {span["name"]: _attributes(span) for span in _spans(engine)}

    function = "arn:aws:lambda:us-east-1:123456789012:function:A"
    assert _attributes(resource)["cloud.resource_id"] == function
    assert _attributes(resource)["faas.name"] == "A"
    assert said["A"]["aws.lambda.invoked_arn"] == f"{function}:live"
    http = said["http POST"]
    assert http["http.request.method"] == "POST"
    assert (http["server.address"], http["url.path"]) == ("api.example.com", "/pay")
    assert http["http.response.status_code"] == "503"
    assert said["lambda Invoke"]["faas.invoked_name"] == "B"
    assert said["sqs SendMessage"]["messaging.system"] == "aws_sqs"
    assert said["sqs SendMessage"]["messaging.destination.name"] == "jobs"


def _attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {entry["key"]: next(iter(entry["value"].values())) for entry in of["attributes"]}
