"""Anonymised recordings: the same graph under other names, and none of the names left."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote_plus

import msgspec
import pytest

from causality.engine import Engine
from causality.records import Change, StreamRecord, Unreadable
from providers.events import RecordBatch, TraceBatch
from providers.files import collect, read
from providers.recordings.anonymise import anonymise
from providers.recordings.entries import Began, Documents, Entry, Lost, Marked, Records, encode
from providers.recordings.scrub import Scrubber
from tests.unit.causality.test_world import ALL_WORLDS
from tests.unit.causality.world import World
from tests.unit.recordings.making import ORACLE

CASES = sorted(path.parent.relative_to(ORACLE) for path in ORACLE.glob("**/records.jsonl"))


def entries_of(case: Path) -> list[Entry]:
    entries: list[Entry] = [Began(at_s=1.0, title="secret-profile", origin="secret-profile")]
    for event in read(collect([ORACLE / case])):
        if isinstance(event, RecordBatch):
            entries.append(
                Records(at_s=1.0, region=event.region, source="s", records=event.records)
            )
        elif isinstance(event, TraceBatch):
            entries.append(Documents(at_s=1.0, source="x", documents=event.documents))
    return entries


def engine_of(entries: Iterable[Entry]) -> Engine:
    engine = Engine()
    for entry in entries:
        if isinstance(entry, Records):
            engine.apply_records(entry.records)
        elif isinstance(entry, Documents):
            engine.apply_documents(entry.documents)
    engine.settle()
    engine.finish()
    return engine


def shape(engine: Engine, name: Scrubber | None) -> dict[str, object]:
    """Give all that a graph says, with its names replaced by `name`."""

    def renamed(text: str | None) -> str | None:
        return text if text is None or name is None else name.text(text)

    return {
        renamed(i.request_id) or "": (
            renamed(i.function),
            i.region,
            i.started_at_s,
            [(a.state, a.duration_s, a.cold, a.init_s) for a in i.in_order()],
            sorted(
                (c.fact.operation, renamed(c.fact.resource) or "", c.duration_s or 0.0)
                for c in i.calls.values()
            ),
            sorted(
                (
                    cause.fact.service,
                    edge.evidence if (edge := cause.edge) else "",
                    renamed(edge.parent.request_id) or "" if edge and edge.parent else "",
                    len(edge.candidates) if edge else 0,
                )
                for cause in i.causes
            ),
        )
        for i in engine.invocations.values()
    }


def check_same(entries: list[Entry]) -> list[Entry]:
    scrubber = Scrubber(b"secret")
    replaced = list(anonymise(lambda: entries, scrubber))
    before, after = engine_of(entries), engine_of(replaced)
    assert shape(after, None) == shape(before, scrubber)
    assert after.unreadable == before.unreadable
    return replaced


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_graph_of_the_originals_runs_keeps_its_shape(case: Path) -> None:
    entries = entries_of(case)
    text = b"".join(map(encode, check_same(entries))).decode()
    # All names of these runs are made of these.
    assert not re.search("secret|123456789012|ImageProc|DBSync|mapper|website|images|d1.jpg", text)
    for request_id in engine_of(entries).invocations:
        assert request_id not in text


@pytest.mark.parametrize("name", ALL_WORLDS)
def test_the_graph_of_random_worlds_keeps_its_shape(name: str) -> None:
    world = World(1, ALL_WORLDS[name])
    check_same([Records(at_s=1.0, region="us-west-2", records=world.records())])


def test_what_people_wrote_goes_too() -> None:
    entries: list[Entry | Unreadable] = [
        Marked(at_s=1.0, kind="fired", text="payroll × 3"),
        Lost(at_s=1.0, region="us-west-2", source="payroll-table", detail="of payroll"),
        Records(at_s=1.0, unreadable=[Unreadable("bad payroll", '{"payroll": 1}')]),
        Unreadable("payroll.gammaray, byte 3", "payroll"),
    ]
    text = b"".join(map(encode, anonymise(lambda: entries)))
    assert b"payroll" not in text
    assert b"us-west-2" in text


def test_documents_lose_what_applications_put_into_them() -> None:
    document = {
        "trace_id": "1-5759e988-bd862e3fe1be46a994272793",
        "id": "53995c3f42cd8ad8",
        "name": "payroll-service",
        "start_time": 1.5,
        "annotations": {"customer": "alice"},
        "metadata": {"default": {"card": "4111"}},
        "http": {"request": {"url": "https://alice.example/x?card=4111", "method": "GET"}},
        "cause": {"exceptions": [{"message": "alice was here"}]},
        "aws": {"operation": "PutItem", "region": "us-west-2", "table_name": "alice"},
    }
    entries: list[Entry] = [Documents(at_s=1.0, documents=[msgspec.json.encode(document).decode()])]
    (entry,) = anonymise(lambda: entries)
    assert isinstance(entry, Documents)
    (text,) = entry.documents
    assert not re.search("alice|4111|payroll|53995c3f42cd8ad8", text)
    assert all(kept in text for kept in ("PutItem", "us-west-2", "GET", "1.5"))


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("Orders", "arn:aws:dynamodb:us-west-2:123456789012:table/Orders/stream/2019-06-01T00:00"),
        ("a b/c", "a+b%2Fc"),
        ("café.jpg", "caf%C3%A9.jpg"),
        ("my-fn_2", "arn:aws:lambda:eu-west-1:123456789012:function:my-fn_2:live"),
        ("0077", "order 0077"),
    ],
)
def test_a_name_is_replaced_alike_wherever_it_stands(part: str, whole: str) -> None:
    scrubber = Scrubber()
    assert scrubber.text(part) != part
    assert scrubber.text(part) in unquote_plus(scrubber.text(whole))


def test_numbers_stay_numbers_and_never_become_the_same() -> None:
    scrubber = Scrubber()
    replaced = [scrubber.text(f"{number:03d}") for number in range(1000)]
    assert len(set(replaced)) == 1000
    assert all(len(text) == 3 and text.isdecimal() for text in replaced)


def test_what_is_not_known_is_replaced_differently_each_time() -> None:
    assert Scrubber().text("name") != Scrubber().text("name")


def test_records_without_images_pass() -> None:
    entries: list[Entry] = [Records(at_s=1.0, records=[StreamRecord(Change("1"))])]
    assert len(list(anonymise(lambda: entries))) == 1
