"""Problems: what the reader should know, without looking at the whole graph each time."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from causality.engine import DEADLINE_S
from causality.facts import Cause
from causality.problems import Problem, ProblemIndex, describe_cause, problems
from causality.records import Unreadable, decode_page
from tests.unit.causality import world_records
from tests.unit.causality.story import Story, T

TABLE = {"s": "dynamodb", "res": "orders", "name": "INSERT"}


class Watched(Story):
    """A story whose problems are followed."""

    def __init__(self) -> None:
        super().__init__()
        self.index = ProblemIndex(self.engine)

    def invocation(self, *told: Any, **details: Any) -> None:
        super().invocation(*told, **details)
        self.index.update(self.engine.touched)
        self.engine.touched.clear()

    def problems(self, kind: str, now_s: float = T + 1000) -> list[Problem]:
        shown = self.index.newest(now_s, 100)
        assert shown == problems(self.engine, now_s)
        return [problem for problem in shown if problem.kind == kind]


def _put(name: str, at_s: float, **fields: Any) -> dict[str, Any]:
    call = {"k": "c", "i": name, "t": at_s, "d": 0.01, "s": "dynamodb", "o": "PutItem"}
    return {**call, "g": "us-west-2", "res": "orders", **fields}


def _hashed(digest: str) -> dict[str, Any]:
    return {"out": [{"res": "orders", "hash": digest}]}


def test_a_call_that_started_nothing_is_told_where_others_did() -> None:
    story = Watched()
    story.invocation("r1", T, _put("c1", T, **_hashed("h1")), _put("c2", T + 1, **_hashed("h2")))
    assert not story.problems("never-triggered")  # nothing is triggered by that table, so far
    story.invocation("r2", T + 2, causes=({**TABLE, "hash": "h1"},), function="consumer")
    assert not story.problems("never-triggered", T + DEADLINE_S)
    (found,) = story.problems("never-triggered", T + DEADLINE_S + 2)
    assert found.detail == ("PutItem orders by fn started nothing within 60 s, although others did")
    assert (found.request_id, found.at_s) == ("r1", T + 1)
    story.engine.finish()
    (found,) = story.problems("never-triggered", T + 3)  # the records ended before the deadline
    assert found.detail == "PutItem orders by fn started nothing, although others did"
    story.invocation("r3", T + 3, causes=({**TABLE, "hash": "h2"},), function="consumer")
    assert not story.problems("never-triggered")


def test_calls_alike_that_started_nothing_are_one_problem() -> None:
    story = Watched()
    calls = [_put(f"c{n}", T + n, **_hashed(f"h{n}")) for n in range(5)]
    failed = _put("c9", T + 9, err="ValidationException")
    story.invocation("r1", T, *calls, failed)
    story.invocation("r2", T + 2, causes=({**TABLE, "hash": "h0"},), function="consumer")
    (found,) = story.problems("never-triggered")
    assert found.detail.startswith("4 of PutItem orders by fn started nothing")


def test_a_function_that_starts_itself_again_is_a_loop() -> None:
    story = Watched()
    for turn in range(4):
        causes = ({**TABLE, "hash": f"h{turn}"},) if turn else ()
        call = _put(f"c{turn}", T + turn, **_hashed(f"h{turn + 1}"))
        story.invocation(f"r{turn}", T + turn, call, causes=causes)
    (found,) = story.problems("loop")
    # The first turn is the second invocation that the table started.
    assert found.detail == "fn started itself again 2 times through orders: fn → fn"
    assert found.request_id == "r3"


def test_a_ring_of_functions_is_told_once() -> None:
    story = Watched()
    bills = {**TABLE, "res": "bills"}
    for turn in range(3):
        at_s = T + 2 * turn
        ordered, billed = f"o{turn}", f"b{turn}"
        causes = ({**TABLE, "hash": ordered},)
        out = [{"res": "bills", "hash": billed}]
        call = _put(f"c{turn}", at_s, res="bills", out=out)
        story.invocation(f"bill{turn}", at_s, call, causes=causes, function="bill")
        call = _put(f"d{turn}", at_s + 1, **_hashed(f"o{turn + 1}"))
        causes = ({**bills, "hash": billed},)
        story.invocation(f"order{turn}", at_s + 1, call, causes=causes, function="order")
    (found,) = story.problems("loop")
    assert found.detail == "bill started itself again 2 times through orders: bill → order → bill"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_ring_is_found_in_any_order(order: tuple[int, ...]) -> None:
    story = Watched()
    tables = ("orders", "bills")
    for turn in order:
        # One function writes bills for orders, the other orders for bills.
        given, written = tables[turn % 2], tables[(turn + 1) % 2]
        out = [{"res": written, "hash": f"h{turn + 1}"}]
        call = _put(f"c{turn}", T + turn, res=written, out=out)
        causes = ({**TABLE, "res": given, "hash": f"h{turn}"},)
        story.invocation(f"r{turn}", T + turn, call, causes=causes, function=f"of {given}")
    (found,) = story.problems("loop")
    assert found.request_id == "r2"
    assert found.detail == (
        "of orders started itself again once through orders: of orders → of bills → of orders"
    )


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "429", "TooManyRequestsException", "EC2ThrottledException"]
)
def test_throttled_calls_are_told(code: str) -> None:
    story = Watched()
    story.invocation("r1", T, _put("c1", T, err=code), _put("c2", T, err="AccessDenied"))
    (found,) = story.problems("throttled")
    assert found.detail == "PutItem orders by fn was throttled"


def test_a_record_that_came_again_is_a_retry() -> None:
    story = Watched()
    cause = {"s": "sqs", "res": "arn:aws:sqs:us-west-2:1:work", "ids": {"sqs_message": "m"}}
    for number in range(3):
        story.invocation(f"r{number}", T + number, causes=(cause,))
    (found,) = story.problems("retry")
    assert found.request_id == "r2"
    assert found.detail == "fn was given sqs work 3 times, under other request ids"


def test_a_batch_that_came_again_in_parts_is_a_retry() -> None:
    story = Watched()
    stream = "arn:aws:kinesis:us-west-2:1:stream/clicks"
    causes = [{"s": "kinesis", "res": stream, "ids": {"kinesis": f"s:{n}"}} for n in range(2)]
    for number, batch in enumerate((causes, causes[:1], causes[1:])):
        story.invocation(f"r{number}", T + number, causes=tuple(batch))
    (found,) = story.problems("retry")
    assert found.detail == (
        "fn was given kinesis stream/clicks 2 times, in parts, under other request ids"
    )


def test_unreadable_records_are_grouped_by_reason_with_their_place() -> None:
    story = Watched()
    story.engine.apply_unreadable(
        Unreadable(f"run.jsonl, line {n}: Expected `str`, got `int` - at `$.a[{n}]`", '{"a":')
        for n in range(1, 1201)
    )
    story.engine.apply_unreadable([Unreadable("not a line of a stream dump", "junk")])
    first, second = story.problems("unreadable")
    assert {first.detail, second.detail} == {
        "1,200 records, in run.jsonl, line 1 to run.jsonl, line 1200: "
        "Expected `str`, got `int` - at `$.a[1]`, such as '{\"a\":'",
        "1 record: not a line of a stream dump, such as 'junk'",
    }
    assert story.engine.unreadable == 1201


def test_unreadable_lines_of_files_are_grouped_too_and_payloads_shown() -> None:
    story = Watched()
    story.engine.apply_unreadable(
        Unreadable(f"runs/a.jsonl:{n}: Input data was truncated", "{") for n in (3, 7)
    )
    item = {"reqID": {"S": "r1:n:0"}, "v": {"N": "2"}, "ts": {"N": "1"}, "payload": {"S": '{"r":'}}
    page = world_records.page([{"dynamodb": {"NewImage": item}}])
    story.engine.apply_records(decode_page(page).records)
    assert [(problem.detail, problem.request_id) for problem in story.problems("unreadable")] == [
        (
            "3 records, in runs/a.jsonl:3 to runs/a.jsonl:7: Input data was truncated, such as '{'",
            "r1",
        )
    ]


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause("lambda", "fn"), "invoked directly"),
        (Cause("lambda", "fn", name="external"), "invoked by a person"),
        (Cause("unknown"), "unknown trigger"),
        (
            Cause("schedule", "arn:aws:events:us-west-2:1:rule/nightly", name="Scheduled Event"),
            "Scheduled Event rule/nightly",
        ),
        (
            Cause("s3", "photos", key="a.jpg", name="ObjectCreated:Put"),
            "ObjectCreated:Put photos/a.jpg",
        ),
        (Cause("dynamodb", "t", key='[["id","S","a"]]', name="REMOVE:ttl"), "REMOVE:ttl t/a"),
        (Cause("http", "GET x.org/a", name="rest-api"), "rest-api GET x.org/a"),
        (Cause("cognito", "pool", name="PreSignUp_SignUp"), "cognito PreSignUp_SignUp pool"),
        (Cause("ses", name="Receipt"), "ses Receipt"),
        (Cause("stepfunctions", "fn"), "stepfunctions"),
        (Cause(""), "unknown trigger"),
        (
            Cause(
                "stepfunctions",
                "fn",
                ids={"execution_arn": "arn:aws:states:us-west-2:1:execution:flow:42"},
            ),
            "stepfunctions flow",
        ),
        (
            Cause(
                "schedule",
                "fn",
                ids={"schedule_arn": "arn:aws:scheduler:us-west-2:1:schedule/default/nightly"},
            ),
            "schedule schedule/default/nightly",
        ),
        (
            Cause("kinesisanalytics", "arn:aws:kinesis:r:1:stream/s", name="arn:a:b:r:1:app/x"),
            "kinesisanalytics app/x stream/s",
        ),
    ],
)
def test_what_comes_from_outside_is_named(cause: Cause, words: str) -> None:
    assert describe_cause(cause) == words


def test_a_record_that_a_consumer_of_the_stream_was_not_given_is_told() -> None:
    story = Watched()
    stream = "arn:aws:kinesis:us-west-2:1:stream/clicks"
    call = {"k": "c", "i": "c1", "t": T, "s": "kinesis", "o": "PutRecords", "g": "us-west-2"}
    call |= {"res": stream, "out": [{"res": stream, "ids": {"kinesis": "shard:1"}}]}
    story.invocation("r1", T, call, {**call, "i": "c2", "out": [{"res": stream, "ids": {}}]})
    cause = {"s": "kinesis", "res": f"{stream}/consumer/fan:1", "ids": {"kinesis": "shard:1"}}
    story.invocation("r2", T + 1, causes=(cause,), function="consumer")
    story.engine.finish()
    (found,) = story.problems("never-triggered")
    assert found.detail == "PutRecords stream/clicks by fn started nothing, although others did"


def test_whom_the_original_shows_without_ids_tells_nothing_of_calls() -> None:
    story = Watched()
    queue = "arn:aws:sqs:us-west-2:1:work"
    call = {"k": "c", "i": "c1", "t": T, "s": "sqs", "o": "SendMessage", "g": "us-west-2"}
    story.invocation("r1", T, {**call, "out": [{"res": queue, "ids": {"sqs_message": "m"}}]})
    story.invocation("r2", T + 1, causes=({"s": "sqs", "res": queue},), function="consumer")
    story.engine.finish()
    assert not story.problems("never-triggered")
    assert story.problems("orphan")


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (
            {"s": "sqs", "res": "arn:aws:sqs:r:1:work", "ids": {"sqs_message": "m"}},
            "fn was started by sqs work: no recorded call sent it, "
            "unless a topic did whose messages are delivered raw, without their ids",
        ),
        (
            {"s": "events", "res": "shop", "name": "Sold", "ids": {"event_id": "e"}},
            "fn was started by Sold shop: no recorded call sent it",
        ),
        (
            {"s": "s3", "res": "b", "key": "k", "name": "ObjectCreated:Put"},
            "fn was started by ObjectCreated:Put b/k: no recorded call wrote it",
        ),
    ],
)
def test_why_a_call_is_missing_is_told(cause: dict[str, Any], reason: str) -> None:
    story = Watched()
    story.invocation("r1", T, causes=(cause,))
    (found,) = story.problems("orphan")
    assert found.detail == reason


def test_a_tag_of_an_object_cannot_be_followed() -> None:
    story = Watched()
    cause = {"s": "s3", "res": "photos", "key": "a", "name": "ObjectTagging:Put"}
    story.invocation("r1", T, causes=({**cause, "ids": {"s3_request": "R1"}},))
    (found,) = story.problems("orphan")
    assert found.detail == (
        "fn was started by ObjectTagging:Put photos/a: "
        "calls that do so are recorded without an id to match by"
    )


def test_one_doubt_of_many_records_is_told_once() -> None:
    story = Watched()
    for name in ("r1", "r2"):
        call = {**_put("c1", T), "o": "UpdateItem", "out": [{"res": "orders", "key": "a"}]}
        story.invocation(name, T, call, function="writer")
    causes = tuple({**TABLE, "key": "a", "ids": {"ddb_event": f"e{n}"}} for n in range(2))
    story.invocation("r3", T + 1, causes=causes, function="consumer")
    story.engine.finish()
    assert len(story.problems("ambiguous")) == 1
    messages = ({"s": "sqs", "res": "q", "ids": {"sqs_message": f"m{n}"}} for n in range(2))
    story.invocation("r4", T + 2, causes=tuple(messages), function="consumer")
    assert len(story.problems("orphan")) == 1


def test_doubts_about_an_invoke_are_told_in_plain_words() -> None:
    story = Watched()
    payload = {"res": "fn", "hash": "h"}
    for name in ("r1", "r2"):
        call = {"k": "c", "i": "c1", "t": T, "s": "lambda", "o": "Invoke", "local": 1}
        call |= {"g": "us-west-2", "out": [payload]}
        story.invocation(name, T, call, function="caller")
    story.invocation("r3", T + 1, causes=({"s": "lambda", **payload},))
    (found,) = story.problems("ambiguous")
    assert found.detail == (
        "fn was invoked directly; it may be Invoke by caller r1, Invoke by caller r2"
    )


def test_reasons_without_end_are_bounded() -> None:
    story = Watched()
    for number in range(3000):
        name = "".join(chr(97 + int(digit)) for digit in str(number))
        story.engine.apply_unreadable([Unreadable(f"reason {name}", "")])
    assert len(story.problems("unreadable")) <= 200
