"""From files to drawings: 20,000 imageproc invocations with X-Ray documents, to DOT.

    python -m benchmarks.exporting [INVOCATIONS]

Multiplies the recorded imageproc application, with ids, keys and times of its own for each copy,
and prints the CPU seconds of each step beside `json.loads` over the same bytes.
"""

from __future__ import annotations

import gc
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from causality.analysis import chains, summary
from causality.analysis.latencies import covered, latency_entries
from causality.engine import Engine
from causality.exports import render
from causality.records import StreamRecord, decode_record
from causality.views import VIEWS, view_of

RUN = Path(__file__).parents[1] / "tests" / "data" / "oracle" / "imageproc"
INVOCATIONS_A_COPY = 6
_COPY_EVERY_S = 20
_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24,32}|[0-9a-f]{16}"
)
_TIME = re.compile(r"1795357\d{3}")
_KEY = re.compile(r"\bd\d\.jpg")
_Result = TypeVar("_Result")


def copies(texts: list[str], count: int) -> Iterator[str]:
    """Give each text so often, each time as if it were recorded of another run."""
    for number in range(count):

        def another_id(match: re.Match[str], number: int = number) -> str:
            return f"{(int(match.group()[:8], 16) + number) % 2**32:08x}{match.group()[8:]}"

        def later(match: re.Match[str], number: int = number) -> str:
            return str(int(match.group()) + number * _COPY_EVERY_S)

        for text in texts:
            moved = _TIME.sub(later, _ID.sub(another_id, text))
            yield _KEY.sub(f"d{number}.jpg", moved)


def main(invocations: int = 20_000) -> None:
    """Measure and print."""
    gc.set_threshold(20_000, 20, 200)  # as the command line does
    count = invocations // INVOCATIONS_A_COPY
    records = list(copies((RUN / "records.jsonl").read_text().splitlines(), count))
    documents = list(copies([*_documents()], count))

    _timed("json.loads over the same", lambda: [json.loads(t) for t in (*records, *documents)])
    decoded = _timed("decode records", lambda: [decode_record(text.encode()) for text in records])
    engine = _timed("graph", lambda: _graph(decoded, documents))
    _say(f"  {len(engine.invocations)} invocations, {sum(1 for _ in engine.edges())} edges")
    for view in VIEWS:
        made = _timed(f"view {view}", partial(view_of, engine, view))
        _say(f"  {len(made.nodes)} nodes, {len(made.edges)} edges")
    for form in ("dot", "mermaid", "graphml", "json", "csv", "perfetto", "otlp"):
        _timed(f"instance view as {form}", partial(render, engine, "instance", form))
    _timed(
        "chains with critical paths", lambda: [*map(summary, chains(engine.invocations.values()))]
    )
    members = list(engine.invocations.values())
    _timed("latency table", lambda: latency_entries(members, covered(members)))


def _documents() -> Iterator[str]:
    for path in sorted(RUN.glob("*.xray")):
        for trace in json.loads(path.read_text())["Traces"]:
            yield from (segment["Document"] for segment in trace["Segments"])


def _graph(decoded: Sequence[object], documents: list[str]) -> Engine:
    engine = Engine()
    engine.apply_records(record for record in decoded if isinstance(record, StreamRecord))
    engine.apply_documents(documents)
    engine.finish()
    engine.settle()
    return engine


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _timed(name: str, work: Callable[[], _Result]) -> _Result:
    began_s = time.process_time()
    result = work()
    _say(f"{name:<32}{time.process_time() - began_s:8.3f} s CPU")
    return result


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
