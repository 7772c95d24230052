"""Make the pictures of the documentation: the real application over a recorded demo.

python -m tests.screenshot docs/images
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from textual.widgets import Static

from gammaray_tui.app import GammarayApp
from gammaray_tui.past import ArchivePlaces
from gammaray_tui.watch import Watch
from providers.archive.dataset import Dataset
from providers.archive.store import Folder
from providers.archive.writer import ArchiveWriter
from providers.events import EndOfInput, RecordBatch, RegionStatus
from providers.files import collect, read

RECORDING = Path(__file__).parent / "data" / "demo" / "records.jsonl"
SIZE = (140, 38)
# What is pressed before the picture is taken: the middle chain, its last invocation.
KEYS = ("g", *"jjjjjjjjjj")


async def picture(
    *, theme: str | None = None, keys: Sequence[str] = KEYS, archived: bool = False
) -> str:
    """Give a picture of the main screen as SVG; archived: of the same records, asked there."""
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
    app = GammarayApp(watch, title="demo", theme=theme, archives=ArchivePlaces("history"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*keys)
        while archived and "row" not in str(app.screen.query_one("#state", Static).render()):
            await pilot.pause(0.1)
        await pilot.pause(0.5)  # what is typed is taken up once the typing rests
        app.refresh_views()
        await pilot.pause()
        return app.export_screenshot(title="gammaray-tui demo")


PICTURES: dict[str, tuple[str | None, Sequence[str]]] = {
    "demo": (None, KEYS),
    "demo-light": ("gammaray-light", KEYS),
    "map": (None, (*KEYS, "m", "l", "l")),
    "time-line": (None, (*KEYS, "t")),
    "compare": (None, (*KEYS, "c")),
    "why": (None, (*KEYS, "w")),
    "filter": (None, ("slash", *"duration>30ms", "enter")),
    "help": (None, ("question_mark",)),
    "groups": (None, ("u", "u", "u", "g", "enter", *"jjjj")),
    "heat": (None, ("2", "H")),
    "contrast": ("gammaray-contrast", KEYS),
}
"""Theme and keys of each picture."""
HISTORY = ("E", "enter")


def main(arguments: Sequence[str]) -> None:
    """Write every picture into the named folder."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (theme, keys) in PICTURES.items():
        (folder / f"{name}.svg").write_text(asyncio.run(picture(theme=theme, keys=keys)), "utf-8")
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        writer = ArchiveWriter(Dataset(Folder(Path("history"))))
        for event in read(collect([RECORDING])):
            writer.take(event)
        writer.flush()
        drawn = asyncio.run(picture(keys=HISTORY, archived=True))
    (folder / "history.svg").write_text(drawn, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
