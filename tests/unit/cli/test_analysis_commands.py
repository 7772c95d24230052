"""`chains`, `chain`, `latency`, `relation`, `compare`: what they print, and what they refuse."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.unit.cli.run import ORACLE, run_inside

IMAGEPROC, WEBAPP = str(ORACLE / "imageproc"), str(ORACLE / "webapp")
FIRST = "9b157909-1aac-4b12-95af-3772df1bf961"
LAST = "9135ab53-cad4-4c6f-8006-f70324afc078"


def _json_lines(*arguments: str) -> list[dict[str, Any]]:
    done = run_inside(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_chains_as_table_and_as_json() -> None:
    table = run_inside("chains", IMAGEPROC)
    entries = _json_lines("chains", IMAGEPROC)

    heads, *rows = table.stdout.splitlines()
    assert heads.split()[:4] == ["CHAIN", "STARTED", "INV", "ERR"]
    assert [row.split()[0] for row in rows] == [entry["request_id"] for entry in entries]
    assert "init 47%" in rows[0]
    first = entries[0]
    assert (first["request_id"], first["invocations"], first["cold_starts"]) == (FIRST, 3, 3)
    assert first["path"]["request_ids"][-1] == LAST
    assert sum(first["path"]["split_s"].values()) == pytest.approx(first["path"]["latency_s"])
    assert first["latency_s"] == pytest.approx(6.45, abs=0.01)


def test_chains_take_the_filters_of_the_screen() -> None:
    kept = _json_lines("chains", IMAGEPROC, "--filter", "cold p95>1s function:Image*")

    assert [entry["request_id"] for entry in kept] == [FIRST]
    refused = run_inside("chains", IMAGEPROC, "--filter", "cold dur>1s")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1] == "     ^"


def test_chains_that_only_may_belong_to_what_fits_are_others() -> None:
    case = str(ORACLE / "edge" / "putitem_same_key_two_writers")
    everything = _json_lines("chains", case)
    called = next(e["request_id"] for e in everything if e["function"] == "childB")

    kept = _json_lines("chains", case, "--filter", f"request:{called}")

    assert len(everything) > 1
    assert [entry["request_id"] for entry in kept] == [called]


def test_a_chain_by_any_of_its_members() -> None:
    text = run_inside("chain", LAST[:8], IMAGEPROC)
    (entry,) = _json_lines("chain", LAST, IMAGEPROC)

    assert text.returncode == 0
    assert "critical path 6.45s, 2 hops, evidence order" in text.stdout
    assert "PutItem eastSyncTable-B" in text.stdout
    assert entry["request_id"] == FIRST
    parts = entry["path"]["parts"]
    assert {part["kind"] for part in parts} == {"delay", "queue", "init", "handler", "sdk"}
    assert sum(part["duration_s"] for part in parts) == pytest.approx(entry["latency_s"])


def test_an_id_that_is_not_there_or_not_enough() -> None:
    missing = run_inside("chain", "nothing", IMAGEPROC)
    several = run_inside("chain", "9", IMAGEPROC)

    assert (missing.returncode, several.returncode) == (2, 2)
    assert "No invocation has the request id 'nothing'" in missing.stderr
    assert "2 request ids begin with '9'" in several.stderr
    assert LAST in several.stderr


def test_relation() -> None:
    (before,) = _json_lines("relation", FIRST, LAST, IMAGEPROC)
    (after,) = _json_lines("relation", LAST, FIRST, IMAGEPROC)
    text = run_inside("relation", FIRST, "3e8eb6c4", IMAGEPROC)

    assert (before["relation"], after["relation"]) == ("before", "after")
    assert [step["how"] for step in before["steps"]] == [
        "PutItem image-proc-B",
        "PutItem eastSyncTable-B",
    ]
    assert " is concurrent with 3e8eb6c4-" in text.stdout


def test_latency_by_function_and_edge() -> None:
    table = run_inside("latency", WEBAPP)
    entries = _json_lines("latency", WEBAPP, "--by", "edge", "--window", "5s")
    as_csv = run_inside("latency", WEBAPP, "--csv")

    assert table.stdout.split()[:4] == ["FUNCTION", "REGION", "N", "ERR"]
    assert {entry["kind"] for entry in entries} == {"edge"}
    assert {entry["window_s"] for entry in entries} == {5.0}
    busiest = entries[0]
    assert busiest["rate"] == pytest.approx(busiest["count"] / 5)
    rows = list(csv.DictReader(io.StringIO(as_csv.stdout)))
    assert sum(int(row["count"]) for row in rows) == 10
    assert list(rows[0]) == list(entries[0])


def test_latency_keeps_rows_by_their_own_quantile() -> None:
    slow = _json_lines("latency", WEBAPP, "--filter", "p95>700ms")
    rest = _json_lines("latency", WEBAPP, "--filter", "-p95>700ms")

    assert all(entry["p95_s"] > 0.7 for entry in slow)
    assert all(entry["p95_s"] <= 0.7 for entry in rest)
    assert len(slow) + len(rest) == 4
    assert slow


def test_compare_two_runs_and_one_that_is_split() -> None:
    (runs,) = _json_lines("compare", IMAGEPROC, str(ORACLE / "imageproc_overlap"))
    split = ["--split", "2026-11-22T14:25:18Z"]
    (parts,) = _json_lines("compare", IMAGEPROC, *split)
    choice = ["--before", "cold", "--after", "-cold"]
    (chosen,) = _json_lines("compare", IMAGEPROC, *choice)
    text = run_inside("compare", IMAGEPROC, WEBAPP)

    assert (runs["before"]["chains"], runs["after"]["chains"]) == (2, 3)
    assert runs["edges_appeared"] == runs["edges_vanished"] == []
    assert {shift["verdict"] for shift in runs["shifts"]} == {"unresolved"}
    assert {shift["after"]["count"] for shift in runs["shifts"]} == {3}
    for found in (parts, chosen):
        assert (found["before"]["chains"], found["after"]["chains"]) == (1, 1)
    assert "edges that vanished: 2" in text.stdout
    assert "  ImageProcPyB → PutItem image-proc-B → DBSyncPyB  us-west-2  ×2" in text.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["compare", IMAGEPROC], "Two sets are needed"),
        (["compare", IMAGEPROC, WEBAPP, "--split", "2026-11-22"], "Two sets are needed"),
        (["compare", IMAGEPROC, "--before", "cold"], "Two sets are needed"),
        (["compare", IMAGEPROC, "--split", "noon"], "is no time"),
        (["compare", IMAGEPROC, "--before", "cold", "--after", "p95>x"], "--after"),
        (["latency", WEBAPP, "--window", "soon"], "is no duration"),
        (["latency", WEBAPP, "--json", "--csv"], "exclude each other"),
        (["--profile", "p", "chains", WEBAPP], "--profile means nothing"),
        (["export", WEBAPP, "--chain", "a", "--filter", "b"], "Leave one out"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], says: str) -> None:
    done = run_inside(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_export_of_one_chain() -> None:
    done = run_inside("export", IMAGEPROC, "--chain", LAST[:8])

    assert {entry["request_id"] for entry in json.loads(done.stdout)["invocations"]} >= {
        FIRST,
        LAST,
    }
    assert len(json.loads(done.stdout)["invocations"]) == 3
