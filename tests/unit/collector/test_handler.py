"""What the function answers Lambda, and what it makes of events that are not as they should be."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from gammaray_collector.handler import answer
from gammaray_collector.items import PK, Item
from gammaray_collector.rollups import ProblemName, Rollup, read_rollups
from gammaray_collector.table import Busy
from tests.unit.causality import oracle
from tests.unit.causality.world import START_S, Options, World
from tests.unit.collector.fake_table import FakeTable
from tests.unit.collector.runs import (
    NOW_S,
    collected,
    collector,
    conclusions,
    edges_in,
    handed_over,
    sweep,
)

_ALL_TAKEN: dict[str, Any] = {"batchItemFailures": []}


def _records(case: str = "imageproc") -> list[dict[str, Any]]:
    return handed_over(oracle.readable(oracle.json_records(case)))


def _problems(table: FakeTable) -> list[Rollup]:
    return [r for r in read_rollups(table.of("t#")) if isinstance(r.name, ProblemName)]


def _written(key: str, payload: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    image = {"reqID": {"S": key}, "payload": {"S": payload}, "ts": {"N": "1795000000000"}}
    return {"dynamodb": {"NewImage": {**image, **(more or {})}}}


def _plenty() -> float:
    return 60.0


def test_a_batch_and_then_a_schedule_bring_all_edges() -> None:
    table = FakeTable()
    given = _records()
    assert answer(collector(table), given, _plenty, lambda: NOW_S) == _ALL_TAKEN
    assert table.of("u#")
    assert answer(collector(table), [], _plenty, lambda: NOW_S + 1000.0) == _ALL_TAKEN
    expected = collected(oracle.readable(oracle.json_records("imageproc")), 5)
    assert edges_in(table) == edges_in(expected)
    assert conclusions(table) == conclusions(expected)
    assert not table.of("u#")


def test_the_first_record_that_could_not_be_written_is_named() -> None:
    def refuse(_what: str) -> None:
        raise Busy("throttled")

    given = _records()
    table = FakeTable(refuse)
    failed = answer(collector(table), given, _plenty)
    assert failed == {
        "batchItemFailures": [{"itemIdentifier": given[0]["dynamodb"]["SequenceNumber"]}]
    }
    table.before = lambda _what: None
    assert answer(collector(table), given, _plenty) == _ALL_TAKEN
    assert edges_in(table)


def test_a_batch_of_nothing_but_nonsense_is_handed_over_again_as_a_whole_only_when_busy() -> None:
    def refuse(_what: str) -> None:
        raise Busy("throttled")

    table = FakeTable(refuse)
    failed = answer(collector(table), [None], _plenty)
    assert failed == {"batchItemFailures": [{"itemIdentifier": ""}]}
    table.before = lambda _what: None
    assert answer(collector(table), [None], _plenty) == _ALL_TAKEN


def test_what_no_time_is_left_for_comes_again() -> None:
    world = World(0, Options(("send",), roots=200, depth=2)).run()
    given = handed_over(world.records())
    assert len(given) > 500
    failed = answer(collector(FakeTable()), given, lambda: 1.0)
    assert failed == {
        "batchItemFailures": [{"itemIdentifier": given[500]["dynamodb"]["SequenceNumber"]}]
    }


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"dynamodb": {}},
        {"dynamodb": {"NewImage": {"reqID": {"S": "x"}}}},
        {"dynamodb": {"NewImage": {"reqID": 5, "payload": [], "ts": {}}}, "awsRegion": None},
        _written("a:b:c", "{"),
        _written("r" * 2000, '{"r":"r","a":"a","e":[{"k":"e","t":1}]}', {"v": {"N": "2"}}),
        _written("\ud800", ""),
        None,
        7,
    ],
)
def test_a_record_that_cannot_be_read_is_a_problem_and_fails_nothing(broken: Any) -> None:
    table = FakeTable()
    given = [*_records()[:4], broken, *_records()[4:]]
    for _ in range(2):
        assert answer(collector(table), given, _plenty) == _ALL_TAKEN
        sweep(collector(table))
    whole = collected(oracle.readable(oracle.json_records("imageproc")), 5)
    assert edges_in(table) == edges_in(whole)
    if broken != {"dynamodb": {}}:  # as of an item that left the table
        (problem,) = _problems(table)
        assert (problem.name[0], problem.counts) == ("unreadable", {"count": 1})


def test_a_record_that_cannot_be_taken_holds_up_no_other() -> None:
    class _Picky(FakeTable):
        def put(self, items: Any) -> None:
            given: list[Item] = list(items)
            if any(refused in str(item[PK]) for item in given):
                raise ValueError("one item does not please the table")
            super().put(given)

    given = _records("mapreduce")
    refused = given[10]["dynamodb"]["NewImage"]["reqID"]["S"].partition(":")[0]
    table = _Picky()
    assert answer(collector(table), given, _plenty) == _ALL_TAKEN
    mine = sum(refused in record["dynamodb"]["NewImage"]["reqID"]["S"] for record in given)
    assert [(p.name[0], p.counts) for p in _problems(table)] == [("unreadable", {"count": mine})]
    assert len(conclusions(table)) > len(given) // 4


def test_a_batch_that_was_given_up_is_a_gap_that_makes_order_doubtful() -> None:
    records = World(0, Options(("update",), 1, keys=9)).run().records()
    table = collected(records, 20)
    certain = [grade for grade, *_ in edges_in(table).values() if grade != "ambiguous"]
    assert set(certain) == {"order"}
    began = datetime.fromtimestamp(START_S, UTC).isoformat().replace("+00:00", "Z")
    message = {
        "messageId": "m-1",
        "eventSource": "aws:sqs",
        "body": json.dumps(
            {
                "requestContext": {"condition": "RetryAttemptsExhausted"},
                "DDBStreamBatchInfo": {
                    "shardId": "shardId-1",
                    "startSequenceNumber": "1",
                    "endSequenceNumber": "9",
                    "approximateArrivalOfFirstRecord": began,
                    "approximateArrivalOfLastRecord": began,
                    "batchSize": 4,
                    "streamArn": "arn:aws:dynamodb:us-west-2:123456789012:table/gammaRays/stream/x",
                },
            }
        ),
    }
    for _ in range(2):
        nonsense = {"messageId": "m-2", "eventSource": "aws:sqs", "body": "hello"}
        assert answer(collector(table), [message, nonsense], _plenty) == _ALL_TAKEN
    assert {grade for grade, *_ in edges_in(table).values()} == {"ambiguous"}
    (problem,) = _problems(table)
    assert problem.name[:2] == ("gap", "us-west-2")
    assert problem.counts == {"count": 4}

    def refuse(_what: str) -> None:
        raise Busy("throttled")

    table.before = refuse
    failed = answer(collector(table), [message], _plenty)
    assert failed == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_the_function_needs_little() -> None:
    program = (
        "import sys\n"
        "import gammaray_tui\n"  # an installed wheel finds the other packages by it
        "before = set(sys.modules)\n"
        "import gammaray_collector.handler\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    libraries = set(done.stdout.split()) - set(sys.stdlib_module_names) - {"__mp_main__"}
    runtime = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}
    ours = {"causality", "gammaray_collector", "gammaray_recorder"}
    assert libraries <= runtime | ours | {"msgspec", "ddsketch", "typing_extensions", "certifi"}
