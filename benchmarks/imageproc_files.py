"""The recorded run of imageproc, many times over, as the files that people have of it."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.exporting import INVOCATIONS_A_COPY, RUN, copies


def write(folder: Path, invocations: int) -> None:
    """Write `records.jsonl` and a file of traces a run, of about so many invocations."""
    traces = [json.loads(path.read_text())["Traces"] for path in sorted(RUN.glob("*.xray"))]
    document = json.dumps({"Traces": [trace for found in traces for trace in found]})
    count = invocations // INVOCATIONS_A_COPY
    records = copies([(RUN / "records.jsonl").read_text()], count)
    (folder / "records.jsonl").write_text("".join(records))
    for number, text in enumerate(copies([document], count)):
        (folder / f"{number:05}.xray").write_text(text)
