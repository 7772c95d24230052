"""The oracle's recorded runs: what each holds, and the truth about it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from causality.document import GraphDocument, graph_document
from causality.engine import Engine
from causality.records import StreamRecord, Unreadable, decode_dump_line, decode_record

ROOT = Path(__file__).parents[2] / "data" / "oracle"
APPLICATIONS = ("imageproc", "imageproc_overlap", "mapreduce", "webapp")
EDGE_CASES = tuple(sorted(f"edge/{folder.name}" for folder in (ROOT / "edge").iterdir()))
CASES = (*APPLICATIONS, *EDGE_CASES)


class TrueEdge(NamedTuple):
    """An edge that is there: which call of which invocation started which."""

    parent: str
    child: str
    call_id: str | None


def true_edges(case: str) -> set[TrueEdge]:
    return {
        TrueEdge(edge["parent_request_id"], edge["child_request_id"], edge["sdk_id"])
        for edge in json.loads((ROOT / case / "edges.json").read_text())
    }


def invocations(case: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((ROOT / case / "invocations.json").read_text())
    return found


@cache
def json_records(case: str) -> tuple[StreamRecord | Unreadable, ...]:
    lines = (ROOT / case / "records.jsonl").read_bytes().splitlines()
    return tuple(decode_record(line) for line in lines)


@cache
def dump_records(case: str) -> tuple[StreamRecord | Unreadable, ...]:
    return tuple(
        decode_dump_line(line)
        for path in sorted((ROOT / case).glob("*.new"))
        for line in path.read_text().splitlines()
    )


@cache
def documents(case: str) -> tuple[str, ...]:
    return tuple(
        segment["Document"]
        for path in sorted((ROOT / case).glob("*.xray"))
        for trace in json.loads(path.read_text())["Traces"]
        for segment in trace["Segments"]
    )


def readable(records: tuple[StreamRecord | Unreadable, ...]) -> list[StreamRecord]:
    return [record for record in records if isinstance(record, StreamRecord)]


def graph_of(
    records: tuple[StreamRecord | Unreadable, ...], traces: tuple[str, ...] = ()
) -> GraphDocument:
    engine = Engine()
    engine.apply_records(readable(records))
    engine.apply_unreadable(r for r in records if isinstance(r, Unreadable))
    engine.apply_documents(traces)
    engine.settle()
    engine.finish()
    return graph_document(engine)
