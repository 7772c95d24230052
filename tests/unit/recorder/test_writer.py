"""Write-behind: handlers hardly wait, little is lost, and nothing that fails is noticed."""

from __future__ import annotations

import json
import threading
import time
from typing import Any
from unittest.mock import Mock

import pytest

from gammaray_recorder import wire, writer
from gammaray_recorder.invocation import Invocation
from gammaray_recorder.recording import Recorder
from gammaray_recorder.settings import Settings
from gammaray_recorder.table import Table
from gammaray_recorder.writer import Writer, items_of
from tests.unit.recorder.support import (
    REGION,
    Answer,
    Context,
    Json,
    Request,
    Server,
    events_in,
    items_in,
    kinds_in,
    payload_of,
)

MISSING = b'{"__type": "com.amazonaws#ResourceNotFoundException", "message": "no such table"}'
THROTTLED = b'{"__type": "com.amazonaws#ThrottlingException"}'


def started(server: Server, **environment: str) -> Recorder:
    """A recorder whose thread writes to the server."""
    settings = Settings(
        {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": server.url, "GAMMARAY_FLUSH_MS": "60000"}
        | environment
    )
    thread = Writer(settings, Table(settings))
    thread.start()
    return Recorder(settings, thread)


def call(name: str = "PutItem", **more: Any) -> Json:
    return {"k": "c", "i": "0123456789abcdef", "o": name, **more}


def run(recorder: Recorder, name: str = "r") -> float:
    """Run an empty handler; give what it took in seconds."""
    begun = time.perf_counter()
    recorder.end(recorder.begin({}, Context(name)))
    return time.perf_counter() - begun


def begin(recorder: Recorder, name: str = "r", **context: Any) -> Any:
    begun = recorder.begin({}, Context(name, **context))
    assert begun is not None
    return begun


def test_a_first_start_leaves_while_the_handler_runs_and_the_rest_at_its_end(
    server: Server,
) -> None:
    recorder = started(server)
    begun = begin(recorder)
    server.wait_for(lambda: kinds_in(server.requests) == ["s"])
    recorder.record(begun[0], call())
    recorder.end(begun)
    assert kinds_in(server.requests) == ["s", "c", "e"]
    first, second = items_in(server.requests)
    attempt = payload_of(first)["a"]
    assert first["reqID"]["S"] == f"r:{attempt}:0"
    assert second["reqID"]["S"] == f"r:{attempt}:1"
    assert payload_of(second) | {"e": 0} == {"r": "r", "a": attempt, "g": REGION, "e": 0}
    assert first["v"] == {"N": "2"}
    assert int(first["expires"]["N"]) - int(first["ts"]["N"]) // 1000 == 7 * 86400


def test_a_very_short_handler_costs_one_write(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_GRACE_S", 60.0)
    recorder = started(server)
    run(recorder)
    (item,) = items_in(server.requests)
    assert [event["k"] for event in payload_of(item)["e"]] == ["s", "e"]


def test_a_long_handler_flushes_as_it_goes(server: Server) -> None:
    recorder = started(server, GAMMARAY_INTERVAL_MS="20")
    begun = begin(recorder)
    for count in range(1, 4):
        recorder.record(begun[0], call())
        server.wait_for(lambda expected=count: kinds_in(server.requests).count("c") == expected)  # type: ignore[misc]
    recorder.end(begun)
    assert kinds_in(server.requests) == ["s", "c", "c", "c", "e"]


def test_a_hundred_calls_within_the_interval_are_one_write(server: Server) -> None:
    recorder = started(server, GAMMARAY_INTERVAL_MS="60000")
    begun = begin(recorder)
    server.wait_for(lambda: kinds_in(server.requests) == ["s"])
    for _ in range(100):
        recorder.record(begun[0], call())
    recorder.end(begun)
    assert len(server.requests) == 2
    assert kinds_in(server.requests) == ["s", *["c"] * 100, "e"]
    server.requests.clear()
    begun = begin(recorder, "warm")
    for _ in range(100):
        recorder.record(begun[0], call())
    recorder.end(begun)
    assert len(server.requests) == 1
    assert kinds_in(server.requests) == ["s", *["c"] * 100, "e"]


def test_a_later_start_leaves_within_the_interval(server: Server) -> None:
    recorder = started(server, GAMMARAY_INTERVAL_MS="20")
    run(recorder, "first")
    begun = begin(recorder, "warm")
    server.wait_for(lambda: requested(server) == {"first", "warm"})
    recorder.end(begun)


def test_an_interval_longer_than_the_time_allowed_loses_no_timeout(server: Server) -> None:
    recorder = started(server, GAMMARAY_INTERVAL_MS="60000")
    run(recorder, "first")
    begun = begin(recorder, "warm", remaining_ms=300)
    server.wait_for(lambda: requested(server) == {"first", "warm"})
    assert payload_of(items_in(server.requests)[-1])["e"][-1]["st"] == "timeout"
    recorder.end(begun)


def test_a_slow_table_delays_a_handler_by_the_budget_and_the_next_ones_not_at_all(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = threading.Event()
    server.respond = lambda request: Answer() if hold.wait(60) else None
    recorder = started(server, GAMMARAY_FLUSH_MS="400")
    waited_in_vain = Mock(wraps=recorder._writer.give_up)
    monkeypatch.setattr(recorder._writer, "give_up", waited_in_vain)
    assert run(recorder, "first") >= 0.4
    run(recorder, "second")
    run(recorder, "third")
    assert waited_in_vain.call_count == 1
    hold.set()
    server.wait_for(lambda: {"first", "second", "third"} <= requested(server))


def requested(server: Server) -> set[str]:
    return {payload_of(item)["r"] for item in items_in(server.requests)}


def test_a_table_that_recovers_is_waited_for_again(server: Server) -> None:
    recorder = started(server)
    server.respond = lambda request: Answer(THROTTLED, 400)
    recorder._writer._failing = True
    run(recorder, "first")
    server.respond = lambda request: Answer()
    server.wait_for(lambda: kinds_in(server.requests)[-2:] == ["s", "e"])
    hold = threading.Event()

    def hesitate(request: Request) -> Answer:
        hold.set()
        return Answer()

    server.respond = hesitate
    while recorder._writer._failing:
        run(recorder, "second")
    hold.clear()
    run(recorder, "third")
    assert hold.is_set()


def test_a_missing_table_is_told_once_and_its_losses_are_counted(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.respond = lambda request: Answer(MISSING, 400)
    recorder = started(server, GAMMARAY_TABLE="nowhere")
    for _ in range(3):
        run(recorder)
    assert capsys.readouterr().err == (
        "gammaray: records are lost: ResourceNotFoundException (table nowhere, us-west-2);"
        " the function is not affected\n"
    )
    ends = [event for item in items_in(server.requests, "nowhere")
            for event in payload_of(item)["e"] if event["k"] == "e"]  # fmt: skip
    assert "drop" not in ends[0]
    server.respond = lambda request: Answer()
    server.wait_for(lambda: "drop" in str([request.body for request in server.requests]))


def test_throttling_is_ridden_out_within_the_budget(server: Server) -> None:
    answers = iter([Answer(THROTTLED, 400), Answer(THROTTLED, 400), Answer()])
    server.respond = lambda request: next(answers, Answer())
    recorder = started(server)
    run(recorder)
    assert kinds_in(server.requests[-1:])[-1] == "e"
    assert recorder._writer.lost == 0


def test_unprocessed_items_are_written_again(server: Server) -> None:
    def respond(request: Request) -> Answer:
        requests = request.json().get("RequestItems", {}).get("gammaRays", [])
        return Answer(json.dumps({"UnprocessedItems": {"gammaRays": requests[1:]}}).encode())

    server.respond = respond
    recorder = started(server)
    begun = begin(recorder)
    for number in range(2000):
        recorder.record(begun[0], call(number=number, res="x" * 1000))
    recorder.end(begun)
    written = {json.dumps(event) for event in events_in(server.requests)}
    assert sum('"k": "c"' in event for event in written) == 2000
    assert any("RequestItems" in str(request.body) for request in server.requests)


def test_a_connection_closed_while_frozen_costs_nothing(server: Server) -> None:
    recorder = started(server)
    run(recorder, "first")
    answers = iter([None])
    server.respond = lambda request: next(answers, Answer())
    run(recorder, "second")
    server.wait_for(lambda: "second" in requested(server))
    assert recorder._writer.lost == 0


def test_a_timeout_is_recorded_while_there_is_time_and_corrected_by_an_end(
    server: Server,
) -> None:
    recorder = started(server)
    begun = begin(recorder, remaining_ms=100)
    server.wait_for(lambda: "e" in kinds_in(server.requests))
    (seen,) = [event for event in events_in(server.requests) if event["k"] == "e"]
    assert seen["st"] == "timeout"
    recorder.end(begun)
    ends = [event["st"] for event in events_in(server.requests) if event["k"] == "e"]
    assert ends == ["timeout", "ok"]


def test_the_margin_grows_with_the_time_allowed_up_to_a_fifth_of_a_second() -> None:
    for remaining_ms, margin_s in ((1000, 0.1), (3000, 0.2), (900_000, 0.2)):
        before_s = time.monotonic()
        watch_at_s = Invocation(Context(remaining_ms=remaining_ms), REGION).watch_at_s
        assert watch_at_s is not None
        began_s = watch_at_s - (remaining_ms / 1000 - margin_s)
        assert before_s - 1e-6 <= began_s <= time.monotonic() + 1e-6
    assert Invocation(object(), REGION).watch_at_s is None
    assert Invocation(Mock(), REGION).watch_at_s is None


def test_an_error_is_recorded_by_its_type_alone(server: Server) -> None:
    recorder = started(server)
    recorder.end(recorder.begin({}, Context()), ValueError("hidden"))
    (end,) = [event for event in events_in(server.requests) if event["k"] == "e"]
    assert (end["st"], end["err"]) == ("error", "ValueError")
    assert "hidden" not in str([request.body for request in server.requests])


def test_what_comes_after_the_end_is_written_too(server: Server) -> None:
    recorder = started(server, GAMMARAY_INTERVAL_MS="20")
    begun = begin(recorder)
    recorder.end(begun)
    recorder.record(begun[0], call("Late"))
    server.wait_for(lambda: "Late" in str([request.body for request in server.requests]))
    assert kinds_in(server.requests)[-2:] == ["e", "c"]


def test_a_writer_that_breaks_stays_silent_and_delays_nobody(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("hidden")

    monkeypatch.setattr(Table, "write", fail)
    recorder = started(server)
    assert run(recorder) < 5.0
    assert run(recorder) < 0.5
    assert recorder._writer._open == []
    assert capsys.readouterr().err.count("gammaray: records are lost: ZeroDivisionError") == 1


def test_events_that_cannot_be_encoded_are_counted(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = started(server)
    begun = begin(recorder)
    server.wait_for(lambda: kinds_in(server.requests) == ["s"])
    recorder.record(begun[0], call(secret=object()))
    recorder.end(begun)
    assert recorder._writer.take_lost() == 2
    assert recorder._writer.take_lost() == 0
    assert "TypeError" in capsys.readouterr().err


def test_the_backlog_is_bounded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(writer, "_BACKLOG_LIMIT", 1000)
    settings = Settings({})
    idle = Writer(settings, Table(settings))  # its thread is not started: nothing is written
    invocation = Invocation(Context(), REGION)
    for number in range(20):
        invocation.record(call(f"Operation{number}", res="x" * 100))
        idle._encode(invocation)
    left = [payload_of(item)["e"][0]["o"] for item, _ in idle._backlog]
    assert left[-1] == "Operation19"
    assert len(left) + idle.take_lost() == 20
    assert sum(len(item["payload"]["S"]) for item, _ in idle._backlog) <= 1000
    assert "nothing can be written" in capsys.readouterr().err


def test_an_invocation_keeps_a_bounded_number_of_events() -> None:
    invocation = Invocation(Context(), REGION)
    for _ in range(5100):
        invocation.record(call())
    assert len(invocation.take()) == 5000
    assert invocation.lost == 100


# --- splitting ----------------------------------------------------------------------------


def split(events: list[Json]) -> list[Any]:
    invocation = Invocation(Context("r"), REGION)
    parts = items_of(invocation, events, 1773000000.0, 60, Table.payload_limit)
    assert sum(count for _, count in parts) >= len(events)
    items = [item for item, _ in parts]
    for item in items:
        assert len(json.dumps(item, ensure_ascii=False).encode()) <= 400 * 1024
    assert len({item["reqID"]["S"] for item in items}) == len(items)
    return [event for item in items for event in payload_of(item)["e"]]


def test_many_events_are_split_over_items_in_their_order() -> None:
    events = [call(number=number, res="ü" * 500) for number in range(2000)]
    assert split(events) == events


@pytest.mark.parametrize("name", [wire.CAUSES, wire.OUTPUTS])
def test_one_long_event_is_continued_in_further_items(name: str) -> None:
    entries: Any = [{"key": f"{number}" + "k" * 1000} for number in range(1000)]
    parts = split([{**call(), name: entries}])
    assert len(parts) > 1
    assert {part["i"] for part in parts} == {"0123456789abcdef"}
    assert [entry for part in parts for entry in part[name]] == entries


def test_an_event_that_cannot_be_split_is_an_error() -> None:
    with pytest.raises(ValueError, match="cannot be made smaller"):
        split([call(res="x" * 500_000)])


def test_half_a_surrogate_pair_in_a_key_does_not_cost_the_item() -> None:
    (event,) = split([call(key="a\ud800b")])
    assert event["key"] == "a?b"
