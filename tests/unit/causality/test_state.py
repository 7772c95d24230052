"""How invocations stand: ends that correct each other, attempts, silence, problems."""

from __future__ import annotations

from typing import Any

import pytest

from causality.document import graph_document
from causality.engine import DEADLINE_S, LONGEST_RUN_S, Engine
from causality.problems import ProblemIndex, problems
from causality.records import StreamRecord, decode_page
from gammaray_recorder import wire
from tests.unit.causality import world_records

T = 1_795_000_000.0
ARN = "arn:aws:lambda:us-west-2:123456789012:function:fn"


def _records(
    *events: dict[str, Any], nonce: str = "a", at_s: float = T, request_id: str = "r1"
) -> list[StreamRecord]:
    item = wire.encode_item(request_id, nonce, 0, list(events), at_s, 3600, "us-west-2")
    return decode_page(world_records.page([{"dynamodb": {"NewImage": item}}])).records


def _start(at_s: float = T, *causes: dict[str, Any]) -> dict[str, Any]:
    return {"k": "s", "t": at_s, "arn": ARN, "g": "us-west-2", "src": list(causes)}


def _engine(*batches: list[StreamRecord]) -> Engine:
    engine = Engine()
    for batch in batches:
        engine.apply_records(batch)
    engine.settle()
    return engine


TIMEOUT = {"k": "e", "t": T + 2.9, "st": "timeout"}
END = {"k": "e", "t": T + 2.95, "st": "ok"}


@pytest.mark.parametrize("ends", [[TIMEOUT, END], [END, TIMEOUT], [END, TIMEOUT, END]])
def test_the_true_end_corrects_a_timeout_seen_coming(ends: list[dict[str, Any]]) -> None:
    engine = _engine(_records(_start()), *(_records(end) for end in ends))
    assert _state(engine, "r1") == "ok"


def test_a_start_in_parts_has_all_its_causes_once() -> None:
    message = {"s": "sqs", "res": "q"}
    parts = [{**message, "ids": {"sqs_message": f"m{n}"}} for n in range(6)]
    first, second = _records(_start(T, *parts[:3])), _records(_start(T, *parts[3:]))
    for batches in ([first, second], [second, first, second, first]):
        engine = _engine(*batches)
        shown = [cause.fact.ids["sqs_message"] for cause in engine.invocations["r1"].causes]
        assert sorted(shown) == [f"m{n}" for n in range(6)]


def test_a_call_in_parts_has_all_its_outputs_once() -> None:
    call = {"k": "c", "i": "c1", "t": T, "d": 0.1, "s": "sqs", "o": "SendMessageBatch"}
    parts = [{**call, "out": [{"res": "q", "ids": {"sqs_message": f"m{n}"}}]} for n in range(4)]
    engine = _engine(*(_records(part) for part in [*parts, *parts]))
    assert len(engine.invocations["r1"].calls["c1"].outputs) == 4


def test_calls_belong_to_the_attempt_that_recorded_them() -> None:
    def call(name: str, at_s: float) -> dict[str, Any]:
        return {"k": "c", "i": name, "t": at_s, "d": 0.5, "s": "s3", "o": "GetObject"}

    # The second attempt's clock is behind: times would give it both calls.
    engine = _engine(
        _records(_start(T), call("c1", T + 0.1), {"k": "e", "t": T + 1, "st": "error"}),
        _records(_start(T + 0.05), call("c2", T + 0.2), nonce="b"),
    )
    first, second = graph_document(engine).invocations
    assert (first.sdk_s, second.sdk_s) == (0.5, 0.5)


def test_an_end_that_never_comes_is_not_waited_for() -> None:
    engine = _engine(_records(_start()))
    assert _state(engine, "r1") == "running"
    engine.apply_records(_records(_start(T + 60), request_id="r2", at_s=T + LONGEST_RUN_S - 1))
    engine.settle()
    assert _state(engine, "r1") == "running"
    engine.expire(quiet_s=2.0)
    assert _state(engine, "r1") == "unknown"
    assert _state(engine, "r2") == "running"
    assert engine.invocations["r1"] in engine.touched
    engine.apply_records(_records(END))
    engine.settle()
    assert _state(engine, "r1") == "ok"


def test_at_the_end_of_input_silence_is_judged_by_the_records_own_time() -> None:
    engine = _engine(_records(_start()), _records(_start(T), request_id="r2", at_s=T + 5000))
    engine.finish()
    assert [entry.status for entry in graph_document(engine).invocations] == [None, None]


def _state(engine: Engine, request_id: str) -> str:
    return engine.invocations[request_id].state


def _orphan() -> dict[str, Any]:
    return {"s": "sns", "res": "topic", "ids": {"sns_message": "m"}}


def test_an_orphan_is_one_after_the_deadline_and_until_its_call_comes() -> None:
    engine = _engine(_records(_start(T, _orphan())))
    index = ProblemIndex(engine)
    index.update(engine.touched)
    assert not index.newest(T + DEADLINE_S - 1, 9)
    (problem,) = index.newest(T + DEADLINE_S + 1, 9)
    assert (problem.kind, problem.request_id) == ("orphan", "r1")
    assert "no recorded call sent it" in problem.detail
    call = {"k": "c", "i": "c1", "t": T - 1, "s": "sns", "o": "Publish"}
    call["out"] = [{"res": "topic", "ids": {"sns_message": "m"}}]
    engine.apply_records(_records(call, request_id="late"))
    engine.settle()
    index.update(engine.touched)
    assert not index.newest(T + DEADLINE_S + 1, 9)
    (edge,) = engine.edges()
    assert edge.evidence == "exact"


@pytest.mark.parametrize(
    "cause",
    [
        {"s": "schedule", "res": "arn:aws:events:us-west-2:1:rule/r"},
        {"s": "http", "res": "GET host/path"},
        {"s": "lambda", "res": "fn", "hash": "h"},
        {"s": "cognito"},
        {"s": "unknown"},
        {"s": "dynamodb", "res": "t", "key": "k", "name": "REMOVE:ttl"},
    ],
)
def test_a_root_is_no_orphan(cause: dict[str, Any]) -> None:
    engine = _engine(_records(_start(T, cause)))
    engine.finish()
    assert not problems(engine, T + 10_000)


def test_the_index_shows_what_the_list_does() -> None:
    engine = _engine(
        _records(_start(T, _orphan()), {"k": "e", "t": T + 1, "st": "timeout", "drop": 3}),
        _records(_start(T + 9), nonce="b"),
    )
    engine.apply_gap("lost", T)
    index = ProblemIndex(engine)
    index.update(engine.touched)
    shown = index.newest(T + 1000, 100)
    assert shown == problems(engine, T + 1000)
    assert {problem.kind for problem in shown} == {"orphan", "timeout", "dropped", "retry", "gap"}


def test_problems_leave_with_their_invocation() -> None:
    engine = Engine(max_invocations=3)
    index = ProblemIndex(engine)
    for number in range(30):
        late = {"k": "e", "t": T + number, "st": "timeout"}
        engine.apply_records(_records(_start(T + number), late, request_id=f"r{number}"))
        engine.settle()
        index.update(engine.touched)
        engine.touched.clear()
    assert len(index.newest(T, 100)) == 3
