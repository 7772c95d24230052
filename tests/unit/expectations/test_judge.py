"""Judging: what holds, what failed for good, and what was seen instead."""

from __future__ import annotations

import asyncio
from xml.etree import ElementTree

import pytest

from causality.engine import Engine
from gammaray_tui.commands.reading import Queue
from gammaray_tui.expectations.grammar import parse
from gammaray_tui.expectations.judge import Verdict, judge
from gammaray_tui.expectations.report import as_junit, as_text
from gammaray_tui.expectations.watching import watch_until_settled
from gammaray_tui.watch import Watch
from providers.events import Gap, ProviderEvent, RecordBatch
from providers.files import collect, read
from tests.unit.expectations.making import END, START, invoke, item, started_by
from tests.unit.recordings.making import ORACLE

NOW_S = 1_900_000_000.0


def engine_of(*events: ProviderEvent) -> Engine:
    engine = Engine()
    for event in events:
        if isinstance(event, RecordBatch):
            engine.apply_records(event.records)
        elif isinstance(event, Gap):
            engine.apply_gap(event.detail, event.at_s)
    engine.settle()
    return engine


def imageproc() -> Engine:
    engine = engine_of(*read(collect([ORACLE / "imageproc" / "records.jsonl"])))
    engine.finish()
    return engine


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("ImageProcPyB -> DBSyncPyB within 2m", True),
        ("ImageProcPyB -> DBSyncPyB", True),
        ("Image* -> DBSync* -> Update* within 2m", True),
        ("ImageProcPyB -> DBSyncPyB within 1ms", False),
        ("ImageProcPyB -> UpdateWebsiteB", False),
        ("DBSyncPyB -> ImageProcPyB", False),
        ("imageprocpyb -> DBSyncPyB", False),
        ("no errors", True),
        ("no errors in ImageProcPyB", True),
        ("no errors in Nobody", False),
        ("no orphans", True),
        ("no gaps", True),
        ("ImageProcPyB count = 2", True),
        ("ImageProcPyB count > 2", False),
        ("Nobody count = 0", True),
        ("ImageProcPyB -> DBSyncPyB count = 2", True),
        ("ImageProcPyB -> DBSyncPyB p95 < 2m", True),
        ("ImageProcPyB -> DBSyncPyB p50 > 2m", False),
    ],
)
def test_a_whole_run(text: str, met: bool) -> None:
    assert judge(parse(text), imageproc(), NOW_S).met is met


def test_a_name_that_was_not_seen_is_told_with_those_that_were() -> None:
    verdict = judge(parse("ImageProcPy -> DBSyncPyB"), imageproc(), NOW_S)
    assert "did you mean ImageProcPyB?" in verdict.summary
    assert verdict.details == ("seen were: DBSyncPyB, ImageProcPyB, UpdateWebsiteB",)
    assert not verdict.final


def test_nothing_seen_is_no_success() -> None:
    assert not judge(parse("no errors"), Engine(), NOW_S).met
    assert judge(parse("no gaps"), Engine(), NOW_S).met


def test_a_failure_is_final_and_told() -> None:
    failed = {**END, "st": "error", "err": "KeyError"}
    verdict = judge(parse("no errors"), engine_of(item("r1", START, failed)), NOW_S)
    assert (verdict.met, verdict.final) == (False, True)
    assert "KeyError" in verdict.details[0]
    assert not judge(parse("no timeouts"), engine_of(item("r1", START, failed)), NOW_S).details


def test_what_may_still_come_is_not_failed_for_good() -> None:
    caller = item("r1", START, invoke("r2", "B"))
    expectation = parse("A -> B within 2s")
    began_s = START["t"]
    assert isinstance(began_s, float)
    for now_s, final in ((None, False), (began_s + 5, False), (began_s + 60, True)):
        verdict = judge(expectation, engine_of(caller), now_s)
        assert (verdict.met, verdict.final) == (False, final)
    assert "caused nothing" in verdict.details[0]
    done = judge(expectation, engine_of(caller, item("r2", started_by("r2", "B", 1.0))), None)
    assert done.met
    late = judge(expectation, engine_of(caller, item("r2", started_by("r2", "B", 3.0))), None)
    assert (late.met, late.final, late.details) == (False, True, ("r1  3.00s",))


def test_quantiles_are_values_that_were_seen() -> None:
    runs = [item(f"r{n}", START, {**END, "t": END["t"] + n}) for n in range(20)]
    engine = engine_of(*runs)
    assert judge(parse("A p95 < 18.2s"), engine, None).met
    assert not judge(parse("A max < 19s"), engine, None).met
    assert judge(parse("A max < 19s"), engine, None).final
    assert not judge(parse("A p95 < 1s"), engine, None).final
    assert judge(parse("A mean < 10s"), engine, None).met
    assert judge(parse("A min > 50ms"), engine, None).met


def test_a_gap_is_told() -> None:
    verdict = judge(parse("no gaps"), engine_of(Gap("us-west-2", "s", "trimmed", 1.0)), None)
    assert (verdict.met, verdict.final, verdict.details) == (False, True, ("trimmed",))


async def settled(*texts: str, events: list[ProviderEvent], ends: bool) -> list[Verdict]:
    async def source(queue: Queue) -> None:
        for event in events:
            await queue.put(event)
        if not ends:
            await asyncio.Event().wait()

    expectations = [parse(text) for text in texts]
    return await watch_until_settled(
        expectations, source, Watch("t"), 30.0, lambda _: None, live=not ends
    )


async def test_what_failed_for_good_ends_the_watch() -> None:
    failed = {**END, "st": "error"}
    (verdict,) = await settled("no errors", events=[item("r1", START, failed)], ends=False)
    assert verdict.final


async def test_what_is_met_and_quiet_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gammaray_tui.expectations.watching.QUIET_S", 0.1)
    (verdict,) = await settled("no errors", events=[item("r1", START, END)], ends=False)
    assert verdict.met


async def test_the_end_of_files_ends_the_watch() -> None:
    verdicts = await settled("A -> B", "no errors", events=[item("r1", START, END)], ends=True)
    assert [verdict.met for verdict in verdicts] == [False, True]


def test_reports_hold_whatever_names_hold() -> None:
    nasty = 'a<&>"]]>\x1b[31m\x00\u202e\ud800\ufffe€'
    verdict = Verdict(parse(f"{'x'} -> y"), False, True, nasty, (nasty,))
    root = ElementTree.fromstring(as_junit([verdict], 1.0))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib["message"].startswith('a<&>"]]>\\x1b[31m\\x00\\u202e\\ud800\\ufffe€')
    assert root.attrib["failures"] == "1"
    assert not any("\x1b" in line for line in as_text([verdict], 1.0))
