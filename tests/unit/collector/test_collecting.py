"""The collector finds what the live view finds, once, whatever comes twice, late or to two."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable
from typing import Any

import pytest

from causality.records import Change, Image, Number, StreamRecord, Text
from gammaray_recorder import wire
from tests.unit.causality import oracle
from tests.unit.causality.test_world import ALL_WORLDS, MASKED_WORLDS
from tests.unit.causality.world import Options, World
from tests.unit.causality.world_services import IDENTIFIED, TABLES
from tests.unit.collector.runs import (
    collected,
    collected_by_two,
    conclusions,
    counted,
    counted_again,
    edges_in,
    edges_live,
)

_WORLDS = {**ALL_WORLDS, **MASKED_WORLDS}
_QUICK = (
    *("alike", "busy keys", "filtered", "retried", "unanswered", "original", "contents return"),
    "forwarding",
    *("outsiders, filtered", "records lost on busy keys", "original, outsiders"),
)
SMALL = {
    "ids": Options((*IDENTIFIED, "relay"), roots=2, calls=2, depth=2, failures=0.3, twice=0.3),
    "tables": Options(TABLES, roots=3, keys=3, contents=4, outsiders=0.2, lost=0.05),
    "local": Options((*IDENTIFIED, *TABLES), local=True, roots=2, calls=2, keys=4, contents=3),
    "original": Options(("put", "object", "publish", "invoke"), 1, roots=3, keys=3, drops=0.2),
}


def test_edges_of_recorded_runs_are_those_of_the_live_view() -> None:
    for case in oracle.CASES:
        records = oracle.readable(oracle.json_records(case))
        assert edges_in(collected(records, 7)) == edges_live(records), case


@pytest.mark.parametrize("name", _QUICK)
def test_edges_of_random_worlds_are_those_of_the_live_view(name: str) -> None:
    records = World(0, _WORLDS[name]).run().records()
    assert edges_in(collected(records, 5)) == edges_live(records)


@pytest.mark.slow
@pytest.mark.parametrize("name", _WORLDS)
def test_edges_of_more_random_worlds_are_those_of_the_live_view(name: str) -> None:
    for seed in range(6):
        records = World(seed, _WORLDS[name]).run().records()
        random.Random(seed).shuffle(records)
        assert edges_in(collected(records, 1 + 9 * seed)) == edges_live(records), seed


@pytest.mark.parametrize(
    "seeds", [(0, 19, 26), pytest.param(range(1, 30), marks=pytest.mark.slow)], ids=["", "more"]
)
@pytest.mark.parametrize("name", SMALL)
def test_everything_counts_once_however_often_and_to_whomever_it_comes(
    name: str, seeds: Iterable[int]
) -> None:
    for seed in seeds:
        records = World(seed, SMALL[name]).run().records()
        once = collected(records, len(records))
        table = collected_by_two(records, random.Random(seed))
        assert conclusions(table).keys() == conclusions(once).keys(), seed
        assert conclusions(table) == conclusions(once), seed
        assert counted(table) == counted(once) == counted_again(table), seed
        assert edges_in(table) == edges_live(records), seed


def test_an_event_that_is_handed_on_is_that_of_the_invoke_in_whatever_order_records_come() -> None:
    message = {"s": "sqs", "res": "arn:aws:sqs:us-west-2:1:jobs", "ids": {"sqs_message": "m"}}
    send = {"s": "sqs", "o": "SendMessage", "out": [{"ids": {"sqs_message": "m"}}]}
    invoke = {"s": "lambda", "o": "Invoke", "res": "B", "out": [{"ids": {"lambda_request": "b"}}]}
    records = [
        _said("s", "S", [], send),
        _said("a", "A", [message], invoke),
        _said("b", "B", [message]),
    ]
    live = edges_live(records)
    assert {(child, edge[0], edge[1]) for (child, _), edge in live.items()} == {
        ("a", "exact", "s"),
        ("b", "exact", "a"),
    }
    for order in itertools.permutations(records):
        assert edges_in(collected(order, 1)) == live
    assert edges_in(collected_by_two(records, random.Random(1))) == live


def _said(request_id: str, function: str, causes: list[Any], *calls: Any) -> StreamRecord:
    arn = f"arn:aws:lambda:us-west-2:123456789012:function:{function}"
    made = [
        {"k": "c", "i": f"{n:016x}", "t": 1795000000.1, "d": 0.1, "g": "us-west-2", **call}
        for n, call in enumerate(calls)
    ]
    start = {"k": "s", "t": 1795000000.0, "arn": arn, "g": "us-west-2", "src": causes}
    events = [start, *made, {"k": "e", "t": 1795000000.5, "st": "ok"}]
    payload = json.dumps({"r": request_id, "a": "0c", "g": "us-west-2", "e": events})
    key = f"{request_id}:0c:0"
    image = Image(Text(key), Text(payload), Number("1795000000600"), Number(str(wire.VERSION)))
    return StreamRecord(Change("", image), key, "INSERT", "us-west-2")
