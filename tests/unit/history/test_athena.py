"""Athena is asked the same questions, and what it answers is what DuckDB does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from causality.records import StreamRecord
from gammaray_tui.history.asking import Question, ask
from gammaray_tui.history.athena_queries import AthenaPlace
from gammaray_tui.history.engines import Archive, opened
from gammaray_tui.history.opening import opened_chain
from providers.archive.dataset import Dataset
from providers.archive.hive import archive_table
from providers.archive.store import Bucket, Folder, open_store
from providers.archive.writer import ArchiveWriter
from providers.errors import UserError
from tests.unit.archive.making import batch, demo_records
from tests.unit.causality import oracle
from tests.unit.causality.test_world import ALL_WORLDS
from tests.unit.causality.world import World
from tests.unit.history.asking import edges_in, edges_of_engine, live
from tests.unit.history.athena_server import AthenaServer

OUTPUT = "s3://results/athena"
CASES = ("webapp", "edge/putitem_same_key_two_writers", "edge/invoke_arn_fanout3")
RECORDS = [
    *demo_records(),
    *(r for case in CASES for r in oracle.readable(oracle.json_records(case))),
]


def quiet(_text: str) -> None:
    pass


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AthenaServer]:
    with pytest.MonkeyPatch.context() as environment, ExitStack() as stack:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server = AthenaServer(tmp_path_factory.mktemp("athena"))
        stack.enter_context(server.running())
        for bucket in ("history", "results"):
            server.client("s3").create_bucket(Bucket=bucket)
        yield server


@pytest.fixture(scope="module")
def store(server: AthenaServer) -> Bucket:
    store = open_store("s3://history/some/prefix", endpoint_url=server.endpoint_url)
    assert isinstance(store, Bucket)
    return filled(store, RECORDS)


def filled(store: Bucket, records: list[StreamRecord]) -> Bucket:
    writer = ArchiveWriter(Dataset(store))
    writer.take(batch(records))
    writer.flush()
    return store


def agreed(_question: str) -> bool:
    return True


def place(server: AthenaServer) -> AthenaPlace:
    return AthenaPlace(endpoint_url=server.endpoint_url, output=OUTPUT, agree=agreed)


@pytest.fixture(scope="module")
def athena(server: AthenaServer, store: Bucket) -> Iterator[Archive]:
    with opened(store, "athena", athena=place(server)) as archive:
        yield archive


@pytest.fixture(scope="module")
def duckdb(store: Bucket) -> Iterator[Archive]:
    with opened(store, "duckdb") as archive:
        yield archive


def answered(archive: Archive, question: Question) -> list[dict[str, Any]]:
    return [row for batch in ask(archive, question, quiet).batches for row in batch.to_pylist()]


TIMES = (0.0, 3e9)
# Those that need edges are some forty statements, each of them long.
QUESTIONS = (
    Question("latency", per="day"),
    Question("shares", per="hour", span=TIMES),
)
OF_EDGES = (
    Question("edges"),
    Question("edges", limit=3),
    Question("latency", by="edge", per="hour"),
    Question("chains", limit=5),
    Question("changes", before=(0.0, 1.78e9), after=(1.78e9, 3e9)),
    Question("never-triggered"),
)


@pytest.mark.parametrize(
    "question",
    [*QUESTIONS, *(pytest.param(question, marks=pytest.mark.slow) for question in OF_EDGES)],
    ids=lambda question: f"{question.name}-{question.by}-{question.limit}",
)
def test_the_same_answer(athena: Archive, duckdb: Archive, question: Question) -> None:
    found, expected = answered(athena, question), answered(duckdb, question)
    assert found or question.name in ("changes", "never-triggered")
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        assert row.keys() == other.keys()
        for name, value in other.items():
            close = pytest.approx(value) if isinstance(value, float) else value
            assert row[name] == close, name


@pytest.mark.slow
def test_the_grades_of_the_live_engine(server: AthenaServer) -> None:
    records = World(1, ALL_WORLDS["all that can go wrong"]).run().records()
    store = open_store("s3://history/world", endpoint_url=server.endpoint_url)
    assert isinstance(store, Bucket)
    with opened(filled(store, records), "athena", athena=place(server)) as archive:
        rows = answered(archive, Question("edges"))
    assert edges_in(rows) == edges_of_engine(live(records))


def test_sql_in_athenas_words(athena: Archive) -> None:
    text = "SELECT function, count(*) AS n FROM attempts GROUP BY 1 ORDER BY 2 DESC, 1;"
    rows = answered(athena, Question("sql", text))
    assert [row["n"] for row in rows] == sorted((row["n"] for row in rows), reverse=True)
    assert answered(athena, Question("sql", text, limit=1)) == rows[:1]
    with pytest.raises(UserError, match="cannot be run"):
        ask(athena, Question("sql", "DROP TABLE calls"), quiet)


@pytest.mark.slow
def test_a_chain_is_opened(athena: Archive) -> None:
    (row,) = answered(athena, Question("chains", limit=1))
    opened = opened_chain(athena, row["request_id"], "an archive", quiet)
    assert opened.members == row["invocations"]
    graded = answered(
        athena, Question("sql", "SELECT evidence, count(*) AS n FROM edges GROUP BY 1")
    )
    assert sum(row["n"] for row in graded) == len(answered(athena, Question("edges")))


def test_what_is_made_is_gone_at_the_end(server: AthenaServer, store: Bucket) -> None:
    before = set(server.tables())
    asked: list[str] = []

    def agree(question: str) -> bool:
        asked.append(question)
        return bool(asked[1:])

    wanted = place(server)._replace(output="s3://results/own", database="another", agree=agree)
    with (
        pytest.raises(UserError, match="no database another"),
        opened(store, "athena", athena=wanted),
    ):
        pass
    with opened(store, "athena", athena=wanted) as archive:
        assert answered(archive, Question("shares"))
        assert "Athena read" in (archive.cost() or "")
        assert set(server.tables()) > before
        server.failure = "HIVE_BAD_DATA: a file is broken"
        with pytest.raises(UserError, match="athena cannot answer: failed"):
            answered(archive, Question("latency"))
    assert len(asked) == 2
    assert set(server.tables()) == before
    listed = server.client("s3").list_objects_v2(Bucket="results", Prefix="own")
    assert "Contents" not in listed
    with opened(store, "athena", athena=wanted._replace(agree=None)):
        pass  # it is there now


def test_what_athena_cannot_do_is_said(server: AthenaServer, store: Bucket, tmp_path: Path) -> None:
    def refused(where: Bucket | Folder, wanted: AthenaPlace) -> str:
        with pytest.raises(UserError) as caught, opened(where, "athena", athena=wanted):
            pass
        return str(caught.value)

    assert "in S3 only" in refused(Folder(tmp_path), place(server))
    assert "--athena-output" in refused(store, place(server)._replace(output=""))


def test_the_documented_statement_is_the_one_that_is_made() -> None:
    document = (Path(__file__).parents[3] / "docs" / "archive.md").read_text("utf-8")
    paths = [
        "invocations/date=2026-11-20/region=us-west-2/a.parquet",
        "invocations/date=2026-11-22/region=us-east-1/b.parquet",
    ]
    statement = archive_table(
        "gammaray_invocations", "invocations", "s3://my-bucket/gammaray", paths
    )
    assert re.sub(r"\s+", " ", statement) in re.sub(r"\s+", " ", document)
