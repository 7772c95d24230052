"""What `analyze` answers is what the live view says of the same records."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from causality.analysis import chains, summary
from causality.analysis.comparison import compare
from causality.engine import Engine
from causality.latency import edge_samples, function_samples, latencies_of
from causality.problems import problems
from causality.records import Change, Image, Number, StreamRecord, Text
from gammaray_recorder import wire
from gammaray_tui.history import extras, questions
from gammaray_tui.history.asking import Question, ask
from gammaray_tui.history.chains import slowest_chains
from gammaray_tui.history.engines import Archive, opened
from providers.archive.store import Folder
from providers.errors import UserError
from tests.unit.analysis.chains import World, invoke, invoked
from tests.unit.archive.making import batch, demo_records, files, write
from tests.unit.causality import oracle
from tests.unit.cli.run import run_inside
from tests.unit.history.asking import live

NAME = "=cmd|' /C calc'!A0\x1b[31m"
DAY_S = 86_400.0


def quiet(_text: str) -> None:
    pass


def hostile() -> list[StreamRecord]:
    """An invocation whose function is named to be run, by a spreadsheet or a terminal."""
    arn = f"arn:aws:lambda:us-west-2:1:function:{NAME}"
    events = [
        {"k": "s", "t": 1_795_000_000.0, "arn": arn, "g": "us-west-2", "cold": True, "init": 0.5},
        {"k": "e", "t": 1_795_000_001.5, "st": "error", "err": "ValueError"},
    ]
    return [record_of("hostile", events)]


def record_of(request_id: str, events: list[dict[str, Any]]) -> StreamRecord:
    item = wire.encode_item(request_id, "a1", 0, events, 1_795_000_002.0, 600, "us-west-2")
    values = [item[name] for name in ("reqID", "payload", "ts", "v")]
    image = Image(
        Text(values[0]["S"]), Text(values[1]["S"]), Number(values[2]["N"]), Number(values[3]["N"])
    )
    return StreamRecord(Change("1", image), request_id, "INSERT", "us-west-2")


RECORDS = [
    *demo_records(),
    *(r for case in oracle.APPLICATIONS for r in oracle.readable(oracle.json_records(case))),
    *hostile(),
]


def partly_lost() -> list[StreamRecord]:
    """The records without those of one consumer of each place that has several."""
    consumers: dict[tuple[str, str | None], str] = {}
    for invocation in live(RECORDS).invocations.values():
        for cause in invocation.causes:
            if cause.edge is not None and cause.edge.call is not None:
                consumers[cause.fact.service, cause.fact.resource] = invocation.request_id
    lost = tuple(consumers.values())
    images = [(record, record.dynamodb.NewImage) for record in RECORDS]
    return [r for r, image in images if image and not image.reqID.S.startswith(lost)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    write(folder, batch(RECORDS), batch(RECORDS[:40]))
    return folder


@pytest.fixture(scope="module")
def archive(folder: Path) -> Iterator[Archive]:
    with opened(Folder(folder), "duckdb") as archive:
        yield archive


@pytest.fixture(scope="module")
def engine() -> Engine:
    return live(RECORDS)


def test_durations_by_function(archive: Archive, engine: Engine) -> None:
    rows = questions.latency_by_function(archive, "all", None).to_pyarrow().to_pylist()
    samples: dict[str, list[float]] = {}
    for invocation in engine.invocations.values():
        for _, sample in function_samples(invocation):
            if sample is not None:
                samples.setdefault(sample[0][0], []).append(sample[1])
    assert {row["name"]: (row["count"], row["max_s"]) for row in rows} == {
        name: (len(values), pytest.approx(max(values))) for name, values in samples.items()
    }
    by_name = {row["name"]: row for row in rows}
    assert by_name[NAME]["errors"] == by_name[NAME]["cold_starts"] == 1
    days = questions.latency_by_function(archive, "day", None).to_pyarrow().to_pylist()
    assert sum(row["count"] for row in days) == sum(row["count"] for row in rows)
    assert all(row["day"].hour == 0 for row in days)


def test_delays_by_edge(archive: Archive, engine: Engine) -> None:
    rows = questions.latency_by_edge(archive, "all", None, quiet).to_pyarrow().to_pylist()
    expected: Counter[tuple[str, str]] = Counter()
    for invocation in engine.invocations.values():
        expected.update(
            sample[0][:2] for _, sample in edge_samples(invocation) if sample is not None
        )
    assert {(row["name"], row["region"]): row["count"] for row in rows} == expected


def test_the_slowest_chains_with_their_critical_paths(archive: Archive, engine: Engine) -> None:
    found = list(slowest_chains(archive, 5, None, quiet))
    expected = [summary(chain) for chain in chains(engine.invocations.values())]
    slowest = sorted(expected, key=lambda chain: -(chain.latency_s or 0.0))[:5]
    assert [row.request_id for row in found] == [chain.request_id for chain in slowest]
    for row, chain in zip(found, slowest, strict=True):
        assert row.latency_s == pytest.approx(chain.latency_s)
        assert row.invocations == chain.invocations
        assert chain.path is not None
        parts = (row.delay_s, row.queue_s, row.retry_s, row.init_s, row.handler_s, row.sdk_s)
        assert sum(parts) == pytest.approx(chain.path.latency_s)


def test_no_question_minds_a_time_in_which_nothing_was(folder: Path) -> None:
    nothing = ("--between", "2020-01-01..2020-01-02", "--from", str(folder), "--json")
    for question in ("edges", "latency", "chains", "never-triggered", "shares"):
        done = run_inside("analyze", question, *nothing)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_a_chain_is_slow_by_its_initialisation_too(tmp_path: Path) -> None:
    records = []
    for name, init_s in (("warm", None), ("cold", 2.0)):
        start = {
            "k": "s",
            "t": 1_795_000_000.0,
            "arn": f"arn:aws:lambda:us-west-2:1:function:{name}",
        }
        if init_s is not None:
            start |= {"cold": True, "init": init_s}
        end = {"k": "e", "t": 1_795_000_001.0 - (init_s or 0.0) / 10, "st": "ok"}
        records.append(record_of(name, [start, end]))
    write(tmp_path, batch(records))
    with opened(Folder(tmp_path), "duckdb") as archive:
        (slowest,) = slowest_chains(archive, 1, None, quiet)
    assert slowest.function == "cold"
    assert slowest.latency_s == pytest.approx(2.8)


def test_edges_that_are_new_or_have_vanished(archive: Archive, engine: Engine) -> None:
    times = sorted(i.started_at_s for i in engine.invocations.values() if i.started_at_s)
    middle_s = times[len(times) // 2]
    before, after = (times[0], middle_s), (middle_s, times[-1] + 1.0)
    rows = questions.changes(archive, before, after, quiet).to_pyarrow().to_pylist()
    sides = [
        [i for i in engine.invocations.values() if b <= (i.started_at_s or 0.0) < e]
        for b, e in (before, after)
    ]
    expected = compare(*sides)
    found = {
        change: {
            (
                *(r[n] for n in ("caller", "operation", "resource", "function", "region")),
                r["account"],
            )
            for r in rows
            if r["change"] == change
        }
        for change in ("new", "vanished")
    }
    assert found["new"] == {tuple(hop) for hop, _ in expected.appeared}
    assert found["vanished"] == {tuple(hop) for hop, _ in expected.vanished}
    assert rows


def test_functions_of_one_name_in_several_accounts_are_told_apart(tmp_path: Path) -> None:
    world = World()
    for number, account in enumerate(("111111111111", "222222222222", "222222222222")):
        caller, called = f"a{number}", f"b{number}"
        call = invoke("x", 0.1, 0.05, "B", called)
        world.run(caller, "A", 0.0, 1.0, call, account=account)
        world.run(called, "B", 0.3, 0.5 + number, causes=(invoked("B", called),), account=account)
    world.run("c", "C", 0.0, 1.0, account="333333333333")
    write(tmp_path, batch(world.records, "us-east-1"))
    expected = latencies_of(live(world.records).invocations.values())
    with opened(Folder(tmp_path), "duckdb") as archive:
        for table, answer in (
            (expected.functions, questions.latency_by_function(archive, "all", None)),
            (expected.edges, questions.latency_by_edge(archive, "day", None, quiet)),
        ):
            rows = answer.to_pyarrow().to_pylist()
            told = {(row["name"], row["region"], row["account"] or ""): row for row in rows}
            assert {key: row["count"] for key, row in told.items()} == {
                row.key: row.count for row in table.rows()
            }
        shares = questions.shares(archive, "all", None).to_pyarrow().to_pylist()
        assert {(r["function"], r["account"], r["attempts"]) for r in shares} == {
            *((name, "111111111111", 1) for name in "AB"),
            *((name, "222222222222", 2) for name in "AB"),
            ("C", None, 1),
        }


def test_calls_that_started_nothing(tmp_path: Path) -> None:
    records = partly_lost()
    write(tmp_path, batch(records))
    with opened(Folder(tmp_path), "duckdb") as archive:
        rows = questions.never_triggered(archive, None, quiet).to_pyarrow().to_pylist()
    told = [p for p in problems(live(records), 0.0) if p.kind == "never-triggered"]
    assert {row["newest_request_id"] for row in rows} == {problem.request_id for problem in told}
    assert rows


def test_shares_of_errors_and_cold_starts(archive: Archive) -> None:
    rows = questions.shares(archive, "all", None).to_pyarrow().to_pylist()
    (row,) = (row for row in rows if row["function"] == NAME)
    assert (row["attempts"], row["errors"], row["cold_starts"]) == (1, 1, 1)
    assert (row["error_share"], row["cold_share"], row["init_p50_s"]) == (1.0, 1.0, 0.5)
    span = (1_795_000_000.0 - DAY_S, 1_795_000_000.0)
    assert not questions.shares(archive, "day", span).to_pyarrow().num_rows


def test_sql(archive: Archive) -> None:
    answer = ask(archive, Question("sql", "SELECT count(*) AS n FROM attempts"), quiet)
    assert answer.schema.names == ["n"]
    assert [row["n"] > 10 for batch in answer.batches for row in batch.to_pylist()] == [True]
    with pytest.raises(UserError, match="cannot be run"):
        ask(archive, Question("sql", "SELEC"), quiet)
    with pytest.raises(UserError, match="cannot be run"):
        ask(archive, Question("sql", "DROP TABLE calls"), quiet)
    with pytest.raises(UserError, match="one question"):
        ask(archive, Question("sql", "SELECT 1; DROP VIEW calls"), quiet)
    with pytest.raises(UserError) as refused:
        ask(archive, Question("sql", "SELECT count(*),\n  functio FROM attempts"), quiet)
    assert 'Candidate bindings: "function"' in refused.value.todo
    assert "\n  functio FROM attempts\n  ^" in refused.value.todo
    graded = ask(archive, Question("sql", "SELECT DISTINCT evidence FROM edges;"), quiet)
    assert {row["evidence"] for batch in graded.batches for row in batch.to_pylist()} >= {"exact"}


def test_nothing_in_an_answer_acts_on_its_reader(folder: Path, tmp_path: Path) -> None:
    def asked(*more: str) -> str:
        done = run_inside("analyze", "shares", "--from", str(folder), *more)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        return done.stdout

    assert "=cmd" in asked()
    (row,) = (
        r for r in csv.DictReader(io.StringIO(asked("--format", "csv"))) if "cmd" in r["function"]
    )
    assert row["function"].startswith("'=")
    assert asked("--format", "json") == asked("--json")
    lines = [json.loads(line) for line in asked("--json").splitlines()]
    assert NAME in {line["function"] for line in lines}
    asked("--format", "parquet", "-o", str(tmp_path / "shares.parquet"))
    table = pq.read_table(tmp_path / "shares.parquet")
    assert table.num_rows == len(lines)
    shapes = ("analyze", "sql", "SELECT map {'a': 'b'} AS ids, [1, 2] AS l", "--from", str(folder))
    assert json.loads(run_inside(*shapes, "--json").stdout) == {"ids": {"a": "b"}, "l": [1, 2]}
    assert run_inside(*shapes).stdout.splitlines()[1].split() == ["a=b", "1", "2"]


def test_what_is_missing_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("--from", str(folder))

    def refused(*arguments: str) -> str:
        done = run_inside("analyze", *arguments)
        assert done.returncode == 2
        return done.stderr

    assert "--from" in refused("edges")
    assert "no archive" in refused("edges", "--from", str(tmp_path))
    assert "--before" in refused("changes", "--from", str(folder))
    assert "no stretch of time" in refused("edges", "--from", str(folder), "--between", "x..y")
    assert "goes with latency and shares" in refused("edges", "--per", "day", *asked)
    assert "goes with changes" in refused("latency", "--before", "a..b", *asked)
    assert "--engine duckdb" in refused("edges", "--engine", "spark", "--memory", "2GB", *asked)
    assert "exclude each other" in refused("shares", "--json", "--format", "csv", *asked)
    assert "no engine" in refused("edges", "--from", str(folder), "--engine", "abacus")
    monkeypatch.setattr(extras, "find_spec", lambda _name: None)
    assert "pip install 'gammaray-tui[history]'" in refused("edges", "--from", str(folder))
    assert "gammaray-tui[spark]" in refused("edges", "--from", str(folder), "--engine", "spark")


def test_a_broken_file_is_said_to_be_one(tmp_path: Path) -> None:
    write(tmp_path, batch(demo_records()))
    (broken, *_) = files(tmp_path, "invocations")
    broken.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    done = run_inside("analyze", "shares", "--from", str(tmp_path))
    assert done.returncode == 2
    assert "cannot answer" in done.stderr
    assert "delete it, and archive the same records again" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupted_question_ends_as_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise RuntimeError("Query interrupted")  # as DuckDB does when Ctrl-C was pressed

    monkeypatch.setattr("gammaray_tui.history.engines._DuckDB.sql", interrupted)
    with pytest.raises(KeyboardInterrupt), opened(Folder(folder), "duckdb") as archive:
        ask(archive, Question("sql", "SELECT 1"), quiet)
    with pytest.raises(RuntimeError), opened(Folder(folder), "duckdb"):
        raise RuntimeError("a defect of ours")
