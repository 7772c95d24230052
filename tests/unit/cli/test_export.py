from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from causality.document import encode
from gammaray_tui.commands.graph_input import collect_files, graph_of
from providers.files import read
from tests.graph_schema import assert_valid
from tests.unit.cli.run import ORACLE, run, run_inside

APPLICATIONS = ["imageproc", "imageproc_overlap", "mapreduce", "webapp"]
CASES = APPLICATIONS + sorted(f"edge/{folder.name}" for folder in (ORACLE / "edge").iterdir())
MEMBERS = {
    "invocations": "request_id attempt function region account started_at duration_s init_s "
    "cold_start status sdk_s trace_id redelivery_of cause error "
    "queue_s",
    "calls": "id request_id service operation region resource key started_at duration_s error",
    "edges": "parent_request_id child_request_id call_id operation resource evidence candidates "
    "call_candidates key",
    "problems": "kind request_id detail",
}


def exported(*paths: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(encode(graph_of(read(collect_files(list(paths))))))
    return document


@pytest.mark.parametrize("case", CASES)
def test_every_recorded_case_gives_a_valid_document(case: str) -> None:
    document = exported(ORACLE / case)
    assert_valid(document)
    assert document["invocations"]
    assert list(document) == ["schema", *MEMBERS]
    for name, members in MEMBERS.items():
        for entry in document[name]:
            assert " ".join(entry) == members
    known = {entry["request_id"] for entry in document["invocations"]}
    for edge in document["edges"]:
        assert edge["child_request_id"] in known
        assert edge["parent_request_id"] in known | {None}
        assert set(edge["candidates"]) <= known


@pytest.mark.parametrize("case", APPLICATIONS)
def test_the_true_edges_of_whole_applications_and_no_other(case: str) -> None:
    truth = json.loads((ORACLE / case / "edges.json").read_bytes())
    assert {
        (edge["parent_request_id"], edge["child_request_id"])
        for edge in exported(ORACLE / case)["edges"]
    } == {(edge["parent_request_id"], edge["child_request_id"]) for edge in truth}


def test_the_command_writes_the_document_to_stdout_and_names_ignored_files(tmp_path: Path) -> None:
    done = run(tmp_path, "export", str(ORACLE / "imageproc"), "--format", "json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert_valid(document)
    assert document == exported(ORACLE / "imageproc")
    ignored = {Path(line.removeprefix("ignored: ")).name for line in done.stderr.splitlines()}
    assert {"edges.json", "invocations.json", "instance.gv"} <= ignored
    assert not ignored & {"records.jsonl", "imageprocD.new"}


def test_a_record_in_two_files_counts_once(tmp_path: Path) -> None:
    records = ORACLE / "imageproc" / "records.jsonl"
    copy = tmp_path / "copy.jsonl"
    shutil.copy(records, copy)
    once = exported(records)
    assert exported(records, copy) == once
    # The text dump does not tell regions of calls' records, and needs not to.
    assert exported(records, ORACLE / "imageproc" / "imageprocD.new") == once


def test_a_dash_reads_a_pipe(tmp_path: Path) -> None:
    records = ORACLE / "webapp" / "records.jsonl"
    done = run(tmp_path, "export", "-", stdin=records.read_text())
    assert done.returncode == 0
    assert json.loads(done.stdout)["edges"] == exported(records)["edges"]


def test_output_goes_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    done = run(tmp_path, "export", str(ORACLE / "webapp"), "-o", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert_valid(json.loads(path.read_bytes()))


def test_an_empty_result_is_an_error_and_leaves_the_file_alone(tmp_path: Path) -> None:
    empty, output = tmp_path / "records.jsonl", tmp_path / "graph.json"
    empty.write_text("\n")
    output.write_text("old")
    done = run(tmp_path, "export", str(empty), "-o", str(output))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "hold no record" in done.stderr
    assert str(empty) in done.stderr
    assert output.read_text() == "old"


def test_an_empty_result_says_what_could_not_be_read(tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_text("no record\n" * 3)
    done = run(tmp_path, "export", str(torn))
    assert done.returncode == 2
    assert "3 records could not be read; the first:" in done.stderr


def test_what_could_not_be_read_is_told_beside_the_rest(tmp_path: Path) -> None:
    torn = tmp_path / "torn.jsonl"
    torn.write_text("no record\n" + (ORACLE / "imageproc" / "records.jsonl").read_text())
    done = run_inside("export", str(torn), "--format", "dot", "-o", str(tmp_path / "graph.dot"))
    assert done.returncode == 0
    assert "1 record could not be read; the first:" in done.stderr


def test_a_folder_without_records_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    done = run(tmp_path, "export", str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"ignored: {tmp_path / 'notes.txt'}\n")
    assert "no file to read" in done.stderr


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = run(tmp_path, "export", str(tmp_path / "none"))
    assert done.returncode == 2
    assert str(tmp_path / "none") in done.stderr


def test_names_of_files_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "\x1b[2J.txt").write_text("nothing")
    done = run(tmp_path, "export", str(tmp_path))
    assert "\x1b" not in done.stderr
    assert "\\x1b[2J.txt" in done.stderr


def test_options_about_aws_are_refused(tmp_path: Path) -> None:
    done = run(tmp_path, "--profile", "p", "export", str(ORACLE / "webapp"))
    assert done.returncode == 2
    assert "--profile" in done.stderr
