"""The recorded run of imageproc, many times over: each copy has ids, keys and times of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

RUN = Path(__file__).parents[1] / "tests" / "data" / "oracle" / "imageproc"
INVOCATIONS_A_RUN = 6
_EVERY_S = 10
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?=-[0-9a-f]{4}-|[0-9a-f]{8}|[\"\\:])")
_KEY = re.compile(r"jpg[0-9a-f]{4}|(?<=')[0-9a-f]{4}(?=')")
_AT = re.compile(r"(?<![0-9a-f])(179\d{7})(?:(\d{3})(?=\")|(?=\.\d))")


def write(folder: Path, invocations: int) -> None:
    """Write `records.jsonl` and a file of traces a run, of about so many invocations."""
    records = (RUN / "records.jsonl").read_text()
    traces = [json.loads(path.read_text())["Traces"] for path in sorted(RUN.glob("*.xray"))]
    document = json.dumps({"Traces": [trace for found in traces for trace in found]})
    with (folder / "records.jsonl").open("w") as lines:
        for number in range(invocations // INVOCATIONS_A_RUN):
            lines.write(copy(records, number))
            (folder / f"{number:05}.xray").write_text(copy(document, number))


def copy(text: str, number: int) -> str:
    """Give a run's records or traces as another run would have left them."""

    def later(match: re.Match[str]) -> str:
        return f"{int(match[1]) + number * _EVERY_S}{match[2] or ''}"

    def other(match: re.Match[str]) -> str:
        # The half that stays tells the ids of one run apart.
        return f"{number:04x}{match[0][4:]}"

    text = _AT.sub(later, text)
    text = _KEY.sub(lambda match: f"{match[0]}-{number}", text)
    return _ID.sub(other, text)
