"""What the screen tells of edges that were counted: which are ambiguous, and which lead back."""

from __future__ import annotations

from causality.snapshot import ProblemRow
from gammaray_collector import lags
from gammaray_collector.reading import Read, read
from gammaray_collector.rollups import EdgeName
from gammaray_tui.collected_tables import CollectedTables
from providers.collected import CountedMinutes
from tests.fakes.collected import EAST, WEST, FakeCollected
from tests.unit.causality import oracle
from tests.unit.collector.fake_table import FakeTable
from tests.unit.collector.runs import handed_over

_MINUTE = 29_922_746
_NOW_S = _MINUTE * 60.0 + 30.0
_JOBS = "arn:aws:sqs:us-west-2:1:jobs"


def _edge(caller: str, callee: str, service: str = "sqs", resource: str = _JOBS) -> EdgeName:
    return EdgeName(WEST, caller, EAST, callee, service, resource)


def _problems(table: FakeCollected, first: int = _MINUTE - 10) -> list[ProblemRow]:
    tables = CollectedTables()
    tables.take(CountedMinutes(first, _MINUTE, table.rollups(first, _MINUTE)))
    tables.renew(_NOW_S, None)
    return tables.problems


def _count(table: FakeCollected, name: EdgeName, minute: int, **counts: int) -> None:
    examples = {"latest": "last", "ambiguous": "doubted"}
    table.count("e", name, minute, dict(counts), (), examples)


def test_edges_that_stay_ambiguous_are_a_problem() -> None:
    table = FakeCollected()
    _count(table, _edge("shop", "mail"), _MINUTE - 5, content=9, ambiguous=3, crowded=2)
    _count(table, _edge("shop", "mail"), _MINUTE - 6, ambiguous=1)
    # Until late calls had their time, order proves nothing.
    _count(table, _edge("shop", "mail"), _MINUTE - 1, ambiguous=70)
    _count(table, _edge("", "bill"), _MINUTE - 5, ambiguous=1)
    one, several = sorted(_problems(table), key=lambda row: row.node or "", reverse=True)
    assert {one.kind, several.kind} == {"ambiguous"}
    texts = {one.text, several.text}
    assert (
        f"4 times shop → jobs → mail in {EAST}: another call may have caused it; "
        "2 of them share a key with more than 512 others"
    ) in texts
    assert f"one of several functions → jobs → bill in {EAST}: another call may have caused it" in (
        texts
    )
    assert (one.node, one.at_s) == ("doubted", (_MINUTE - 5) * 60)


def test_functions_that_start_each_other_in_a_circle_are_a_problem() -> None:
    table = FakeCollected()
    west = {name: EdgeName(WEST, name, WEST, name, "s3", "photos") for name in ("resize",)}
    _count(table, west["resize"], _MINUTE, exact=7)
    for caller, callee, service in (("a", "b", "sqs"), ("b", "c", "lambda"), ("c", "a", "sqs")):
        name = EdgeName(WEST, caller, WEST, callee, service, _JOBS)
        _count(table, name, _MINUTE - 1, exact=5 if caller == "b" else 9)
    _count(table, EdgeName(WEST, "a", WEST, "aside", "sqs", _JOBS), _MINUTE, exact=3)
    # What may have come from elsewhere closes no circle.
    _count(table, EdgeName(WEST, "aside", WEST, "a", "sqs", _JOBS), _MINUTE - 1, ambiguous=3)
    circle, itself = _problems(table)
    assert (circle.kind, circle.node) == ("loop", "last")
    assert circle.text == (
        f"a → jobs → b → c → jobs → a in {WEST}: they start each other in a circle, up to 5 "
        "times; whether one chain does shows when it is opened"
    )
    assert itself.text == f"7 times resize → photos → resize in {WEST}: it started itself again"


def test_no_shorter_lag_takes_the_place_of_a_longer_one() -> None:
    (record,) = handed_over(oracle.readable(oracle.json_records("imageproc")))[:1]
    (said,) = [one for one in read(record, 2e9) if isinstance(one, Read)]
    written_s = said.facts.written_at_s
    table = FakeTable()
    for lag_s in (600.0, 45.0, 590.0, 10.0):
        table.put(lags.told([said], written_s + lag_s))
    now_s = written_s + 600.0
    assert 600.0 <= lags.longest_s(table, now_s) <= 720.0
    assert lags.longest_s(table, now_s + 400.0) == 0.0
