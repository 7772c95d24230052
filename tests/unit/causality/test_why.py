"""Why an edge is drawn: values, grade, candidates with their reasons, rivals with theirs."""

from __future__ import annotations

import pytest

from causality.latency import latencies_of
from causality.records import decode_page
from gammaray_recorder import wire
from tests.unit.causality import world_records
from tests.unit.causality.story import Story, T, changed, received, request, update

_URL = "POST api.example.com/prod/items"


def test_two_writers_are_candidates_with_their_reasons() -> None:
    story = Story()
    story.invocation("r1", T, update("c1", T + 0.1), function="first")
    story.invocation("r2", T, {**update("c2", T + 0.3), "try": 2}, function="second")
    story.invocation("r3", T + 0.9, causes=(changed(),), function="consumer")
    story.engine.finish()
    why = story.why("r3")
    assert why.evidence == "ambiguous"
    assert why.summary == "2 calls could be meant; nothing recorded tells them apart."
    assert why.candidates == (
        "UpdateItem by first r1: same key, made 0.800 s before the invocation began",
        "UpdateItem by second r2: same key, made 0.600 s before the invocation began, "
        "tried 3 times, any of which may have worked",
    )
    assert not why.rivals


def test_who_lost_and_why() -> None:
    story = Story()
    story.invocation("r1", T, update("c1", T + 0.1), function="writer")
    story.invocation("r2", T + 0.9, causes=(changed(),), function="consumer")
    story.invocation("r3", T + 90, update("c3", T + 90), function="late")
    story.engine.finish()
    why = story.why("r2")
    assert why.evidence == "order"
    assert not why.candidates
    assert ("key", "a", "a") in why.fields
    assert ("resource", "orders", "orders") in why.fields
    (made,) = [field for field in why.fields if field[0] == "made, began"]
    assert made[1] < made[2]


def test_an_invocation_that_began_before_its_call_had_no_delay_and_that_is_explained() -> None:
    ids = {"sqs_message": "m-1"}
    sent = {"k": "c", "i": "c1", "t": T + 0.1, "d": 0.01, "s": "sqs", "o": "SendMessage"}
    for began_s, reason in (
        (-0.4, " It began 0.500 s before the call: two clocks differ by that at least; no delay."),
        (0.105, " It began 0.005 s before the call was answered: no delay."),
        (0.5, ""),
    ):
        story = Story()
        story.invocation("r1", T, {**sent, "out": [{"res": "jobs", "ids": ids}]})
        story.invocation("r2", T + began_s, causes=({"s": "sqs", "res": "jobs", "ids": ids},))
        story.engine.finish()
        (row,) = latencies_of(story.engine.invocations.values()).edges.rows()
        assert row.max_s == pytest.approx(max(0.0, began_s - 0.11), abs=1e-4)
        assert story.why("r2").summary == (
            f"AWS issued this id once and showed it to both sides.{reason}"
        )


def test_a_call_may_be_on_its_way() -> None:
    story = Story()
    story.invocation("r1", T, update("c1", T + 0.1), function="writer")
    story.invocation("r2", T + 0.9, causes=(changed(),), function="consumer")
    assert story.edge("r2").parent is None
    assert story.why("r2").summary == (
        "One call could be meant, but calls of that time may still be on their way."
    )
    story.engine.expire(quiet_s=10.0)
    assert story.edge("r2").evidence == "order"


def test_a_machine_whose_clock_is_ahead_ends_no_waiting() -> None:
    story = Story()
    story.invocation("writer", T, update("c1", T), function="writer")
    story.invocation("child", T + 0.4, causes=(changed(),))
    assert story.edge("child").evidence == "ambiguous"  # a call may still be on its way
    start = {"k": "s", "t": T + 9e6, "arn": "arn:aws:lambda:us-west-2:1:function:ahead"}
    item = wire.encode_item("ahead", "n", 0, [start], T + 9e6, 3600, "us-west-2")
    change = {"NewImage": item, "ApproximateCreationDateTime": int(T)}
    story.engine.apply_records(decode_page(world_records.page([{"dynamodb": change}])).records)
    story.engine.settle()
    assert story.edge("child").evidence == "ambiguous"
    story.invocation("later", T + 9)
    assert story.edge("child").evidence == "order"


def test_an_unrecorded_writer_makes_order_doubtful_for_an_hour() -> None:
    story = Story()
    story.invocation("r1", T, update("c1", T + 0.1), function="writer")
    story.invocation("r2", T + 0.9, causes=(changed(),), function="consumer")
    story.invocation("r3", T + 60, causes=(changed("other"),), function="consumer")
    story.invocation("r4", T + 9000, update("c4", T + 9000), function="writer")
    story.invocation("r5", T + 9001, causes=(changed(),), function="consumer")
    story.engine.finish()
    assert story.edge("r2").evidence == "ambiguous"
    assert "somebody unrecorded writes there, too" in story.why("r2").summary
    assert story.edge("r5").evidence == "order"
    story.invocation("late", T + 59, update("c9", T + 59.5, "other"), function="writer")
    assert story.edge("r2").evidence == "order"


def test_known_losses_make_order_doubtful() -> None:
    story = Story()
    story.invocation("r1", T, update("c1", T + 0.1), function="writer")
    story.invocation("r2", T + 0.9, causes=(changed(),), function="consumer")
    story.engine.finish()
    assert story.edge("r2").evidence == "order"
    story.engine.apply_gap("trimmed", T + 3)
    story.engine.settle()
    assert story.edge("r2").evidence == "ambiguous"
    assert "known to be lost" in story.why("r2").summary


def test_a_header_that_arrived_elsewhere_may_have_been_handed_on() -> None:
    story = Story()
    story.invocation("r1", T, request("c1", T, _URL), function="caller")
    story.invocation("r2", T + 0.1, causes=(received(_URL),), function="callee")
    assert story.edge("r2").evidence == "exact"
    assert story.why("r2").summary.startswith("The recorder added this header")
    forwarded = Story()
    forwarded.invocation("r1", T, request("c1", T, _URL), function="caller")
    elsewhere = received("POST other.example.com/work")
    forwarded.invocation("r2", T + 0.1, causes=(elsewhere,), function="callee")
    assert forwarded.edge("r2").evidence == "ambiguous"
    assert "handed it on" in forwarded.why("r2").summary
    assert f"sent to {_URL}" in forwarded.why("r2").candidates[0]


def test_a_trace_that_both_sides_show_supports_an_edge() -> None:
    trace = "1-65f1a2b3-0123456789abcdef01234567"
    queue = "arn:aws:sqs:us-west-2:123456789012:work"
    story = Story()
    traced = {"k": "s", "t": T, "trace": trace}
    sent = {"k": "c", "t": T, "d": 0.5, "g": "us-west-2", "s": "sqs", "o": "SendMessage"}
    first = {**sent, "i": "c1", "out": [{"res": queue, "ids": {"sqs_message": "m1"}}]}
    # Nobody knows the ids of what these two may have sent.
    lost = {**sent, "err": "ReadTimeoutError", "out": [{"res": queue}]}
    story.invocation("r1", T, traced, first, {**lost, "i": "c2"}, function="sender")
    story.invocation("r2", T, {**lost, "i": "c3"}, function="other")
    for name in ("m1", "m2"):
        ids = {"sqs_message": name, "trace_root": trace}
        cause = {"s": "sqs", "res": queue, "t": T + 0.1, "g": "us-west-2", "ids": ids}
        story.invocation(name, T + 0.6, causes=(cause,))
    assert ("X-Ray trace", trace, trace) in story.why("m1").fields
    one, other = story.why("m2").candidates
    assert "of the same X-Ray trace" in one
    assert "X-Ray" not in other
