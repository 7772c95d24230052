"""Make the pictures of the documentation: the real application over a recorded demo.

python -m tests.screenshot docs/images [NAME...]
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gammaray_tui.app import GammarayApp
from gammaray_tui.past import ArchivePlaces
from gammaray_tui.watch import Watch
from providers.archive.dataset import Dataset
from providers.archive.store import Folder
from providers.archive.writer import ArchiveWriter
from providers.events import EndOfInput, RecordBatch, RegionStatus
from providers.files import collect, read
from tests.functional.mock_operations import MockOperations
from tests.functional.running import text_of
from tests.functional.running import until as wait_until

RECORDING = Path(__file__).parent / "data" / "demo" / "records.jsonl"
ARCHIVE = "history"  # of the same records
SIZE = (140, 38)
# What is pressed before the picture is taken: the middle chain, its last invocation.
KEYS = ("g", *"jjjjjjjjjj")


async def picture(*, theme: str | None = None, keys: Sequence[str] = KEYS, until: str = "") -> str:
    """Give a picture of a screen as SVG.

    Args:
        theme: None for ours.
        keys: what is pressed before it is taken.
        until: a text that has to be seen then.
    """
    events = list(read(collect([RECORDING])))
    end_s = max(
        float(image.ts.N) / 1000
        for event in events
        if isinstance(event, RecordBatch)
        for record in event.records
        if (image := record.dynamodb.NewImage) is not None
    )
    watch = Watch("demo", clock=lambda: end_s + 0.5)
    for region in ("us-west-2", "us-east-1"):
        watch.apply(RegionStatus(region, "live", lag_s=0.2, shards=1))
    for event in events:
        if not isinstance(event, EndOfInput):
            watch.apply(event)
    app = GammarayApp(
        watch,
        title="demo",
        theme=theme,
        operations=MockOperations(),
        archives=ArchivePlaces(watched=ARCHIVE),
    )
    async with app.run_test(size=SIZE) as pilot:
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await pilot.pause(0.5)  # what is typed is taken up once the typing rests
        await wait_until(pilot, lambda: until in text_of(app))
        app.refresh_views()
        await pilot.pause()
        return app.export_screenshot(title="gammaray-tui demo")


class Picture(NamedTuple):
    """A picture of the documentation.

    Attributes:
        keys: what is pressed.
        until: a text that is waited for.
        theme: None for ours.
    """

    keys: Sequence[str] = KEYS
    until: str = ""
    theme: str | None = None


PICTURES: dict[str, Picture] = {
    "demo": Picture(),
    "demo-light": Picture(theme="gammaray-light"),
    "contrast": Picture(theme="gammaray-contrast"),
    "latency": Picture((*KEYS, "2", "o")),
    "invocation": Picture((*KEYS, "3", "o")),
    "map": Picture((*KEYS, "m", "l", "l")),
    "time-line": Picture((*KEYS, "t")),
    "compare": Picture((*KEYS, "c"), "latency of both"),
    "why": Picture((*KEYS, "w")),
    "filter": Picture(("slash", *"duration>30ms", "enter")),
    "help": Picture(("question_mark",)),
    "groups": Picture(("u", "u", "u", "g", "enter", *"jjjj")),
    "heat": Picture(("2", "H")),
    "jump": Picture(("g", "ctrl+o")),
    "problems": Picture(("P",)),
    "regions": Picture(("r",)),
    "history": Picture(("E", "enter"), "row"),
    "export": Picture((*KEYS, "e")),
    "preview": Picture((*KEYS, "e", "shift+tab", "enter"), "preview"),
    "fire": Picture(("f",), "invokes ImageProcPy"),
    "deploy": Picture(("i",), "This will take 5 steps"),
    "cleanup": Picture(("D",), "resources chosen"),
    "setup": Picture(("M",), "The tables will take 1 step"),
    "instrument": Picture(("I",), "Choose functions."),
    "logs": Picture((*KEYS, "O"), "lines of this invocation"),
    "doctor": Picture(("d",), "1 wrong"),
    "theme": Picture(("T",)),
}
"""What the documentation shows. Of acts on AWS, made-up answers are shown."""


def main(arguments: Sequence[str]) -> None:
    """Write the pictures into the folder named first: those named after it, else every one."""
    folder = Path(arguments[0]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        writer = ArchiveWriter(Dataset(Folder(Path(ARCHIVE))))
        for event in read(collect([RECORDING])):
            writer.take(event)
        writer.flush()
        for name in arguments[1:] or PICTURES:
            keys, until, theme = PICTURES[name]
            drawn = picture(theme=theme, keys=keys, until=until)
            (folder / f"{name}.svg").write_text(asyncio.run(drawn), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
