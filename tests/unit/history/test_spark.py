"""Spark answers as DuckDB and the live engine do; its Java comes and goes with the question."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gammaray_tui.history.asking import Question, ask
from gammaray_tui.history.engines import Archive, opened
from providers.archive.store import Folder
from providers.errors import UserError
from tests.unit.archive.making import batch, write
from tests.unit.causality import oracle
from tests.unit.causality.test_world import ALL_WORLDS
from tests.unit.causality.world import World
from tests.unit.history.asking import edges_of_archive, edges_of_engine, live
from tests.unit.history.test_questions import RECORDS, partly_lost

pyspark = pytest.importorskip("pyspark")
pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
]

TIMES_S = [float(r.dynamodb.NewImage.ts.N) / 1000 for r in RECORDS if r.dynamodb.NewImage]
FIRST_S, MIDDLE_S, LAST_S = min(TIMES_S) - 60.0, sum(TIMES_S) / len(TIMES_S), max(TIMES_S) + 60.0
QUESTIONS = [
    Question("edges"),
    Question("latency", per="day"),
    Question("latency", by="edge", per="hour"),
    Question("shares", per="day"),
    Question("changes", before=(FIRST_S, MIDDLE_S), after=(MIDDLE_S, LAST_S)),
    Question("never-triggered"),
    Question("chains", limit=5),
    Question("sql", "SELECT function, count(*) AS n FROM attempts GROUP BY 1"),
    Question("sql", "SELECT evidence, count(*) AS n FROM edges GROUP BY 1"),
]


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Archive]]:
    folder = tmp_path_factory.mktemp("archive")
    records = partly_lost()
    write(folder, batch(records), batch(records[:40]))
    with opened(Folder(folder), "duckdb") as embedded, opened(Folder(folder), "spark") as spark:
        java = pyspark.SparkContext._gateway.proc
        assert java.poll() is None
        yield [embedded, spark]
    assert java.poll() is not None


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: f"{q.name}-{q.by}-{q.text[7:15]}")
def test_spark_answers_as_duckdb_does(archives: list[Archive], question: Question) -> None:
    expected, found = (answered(archive, question) for archive in archives)
    assert found == expected
    assert found


def test_spark_agrees_with_the_live_engine(tmp_path: Path) -> None:
    records = [r for case in oracle.CASES for r in oracle.readable(oracle.json_records(case))]
    records += World(1, ALL_WORLDS["all that can go wrong"]).run().records()
    pieces = [batch(records[start : start + 7]) for start in range(0, len(records), 7)]
    write(tmp_path, *pieces[::-1], *pieces[::2])
    assert edges_of_archive(tmp_path, "spark") == edges_of_engine(live(records))


def test_without_java_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with (
        pytest.raises(UserError, match="Spark needs Java"),
        opened(Folder(tmp_path), "spark"),
    ):
        pass


def answered(archive: Archive, question: Question) -> list[dict[str, Any]]:
    answer = ask(archive, question, lambda _text: None)
    return sorted(
        ({name: _plain(value) for name, value in row.items()} for batch in answer.batches
         for row in batch.to_pylist()),
        key=str,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return f"{value:%Y-%m-%dT%H}" if hasattr(value, "hour") else value
