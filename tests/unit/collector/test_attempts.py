"""Attempts of one request id: one item, counted once each, and those after the first as retries."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from typing import Any

import pytest

from causality.engine import Engine
from gammaray_collector.items import attempts_in, attempts_key
from gammaray_collector.rollups import FunctionName, PlaceName, ProblemName, read_rollups
from gammaray_collector.table import MOST_WRITES
from tests.unit.causality.test_world import ALL_WORLDS
from tests.unit.causality.world import World
from tests.unit.collector.fake_table import FakeTable
from tests.unit.collector.runs import (
    NOW_S,
    collected,
    collector,
    conclusions,
    counted,
    counted_again,
)

_ARN = "arn:aws:lambda:us-west-2:123456789012:function:Resize"


def _record(attempt: str, part: int, *events: dict[str, Any]) -> dict[str, Any]:
    payload = {"r": "8d1f", "a": attempt, "g": "us-west-2", "e": events}
    image = {
        "reqID": {"S": f"8d1f:{attempt}:{part}"},
        "payload": {"S": json.dumps(payload)},
        "ts": {"N": "1795000000000"},
        "v": {"N": "2"},
    }
    return {"awsRegion": "us-west-2", "dynamodb": {"NewImage": image}}


def _attempt(name: str, at_s: float, status: str) -> list[dict[str, Any]]:
    start = {"k": "s", "t": at_s, "arn": _ARN, "g": "us-west-2", "src": []}
    return [_record(name, 0, start), _record(name, 1, {"k": "e", "t": at_s + 0.5, "st": status})]


def test_each_attempt_counts_once_and_all_but_the_first_are_retries() -> None:
    first, second = (
        _attempt("0c2a", 1795000000.0, "error"),
        _attempt("77aa", 1795000060.0, "ok"),
    )
    seen = []
    for order in itertools.permutations([*first, *second]):
        table = FakeTable()
        for record in (*order, *order):
            collector(table).take([record], NOW_S)
        assert counted(table) == counted_again(table)
        seen.append((conclusions(table), counted(table)))
    assert all(one == seen[0] for one in seen)
    assert list(attempts_in(table.get([attempts_key("8d1f")])[attempts_key("8d1f")])) == [
        "0c2a",
        "77aa",
    ]
    rollups = read_rollups(table.of("t#"))
    ran = [r for r in rollups if isinstance(r.name, FunctionName)]
    assert sorted((r.minute % 100, r.counts["started"], r.counts.get("errors")) for r in ran) == [
        (66, 1, 1),
        (67, 1, None),
    ]
    (retry,) = (r for r in rollups if isinstance(r.name, ProblemName))
    assert (retry.name[:3], retry.minute % 100) == (("retry", "us-west-2", "Resize"), 67)
    assert retry.counts == {"count": 1}


def test_an_invocation_that_writes_to_more_places_than_fit_is_kept_all_the_same() -> None:
    calls = [
        {
            "k": "c",
            "i": f"{number:016x}",
            "t": 1795000000.1,
            "d": 0.02,
            "s": "sqs",
            "o": "SendMessage",
            "g": "us-west-2",
            "res": f"https://sqs.us-west-2.amazonaws.com/1/queue-{number}",
            "out": [{"ids": {"sqs_message": f"message-{number}"}}],
        }
        for number in range(2 * MOST_WRITES)
    ]
    table = FakeTable()
    one = collector(table)
    start, end = _attempt("0c2a", 1795000000.0, "ok")
    for record in (_record("0c2a", 2, *calls), start, end, _record("0c2a", 3, *calls)):
        one.take([record], NOW_S)
    assert counted(table) == counted_again(table)
    rollups = read_rollups(table.of("t#", "w#"))
    assert {type(rollup.name) for rollup in rollups} == {FunctionName, PlaceName}


@pytest.mark.parametrize("name", ["alike", "retried"])
def test_what_is_tried_again_is_counted_as_the_live_view_does(name: str) -> None:
    records = World(0, ALL_WORLDS[name]).run().records()
    engine = Engine()
    engine.apply_records(records)
    engine.finish()
    again = Counter[str]()
    for invocation in engine.invocations.values():
        started = [attempt for attempt in invocation.in_order() if attempt.start is not None]
        given = any(cause.repeated and cause.number == 0 for cause in invocation.causes)
        again[invocation.function or ""] += max(0, len(started) - 1) + given
    random.Random(0).shuffle(records)
    found = Counter[str]()
    for rollup in read_rollups(collected(records, 5).of("t#")):
        if isinstance(rollup.name, ProblemName) and rollup.name.problem == "retry":
            found[rollup.name.function] += rollup.counts["count"]
    assert found == +again
    assert found
