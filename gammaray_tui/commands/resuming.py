"""Going on where a recorded watch stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gammaray_tui.commands.output import say
from providers.events import RegionStatus
from providers.recordings.folder import latest_of
from providers.recordings.reader import Checkpoint, open_recording, read_events, summarise

if TYPE_CHECKING:
    from gammaray_tui.watch import Watch
    from providers.streams import Resume

LATEST = ""  # of the same profile, endpoint and table


@dataclass(frozen=True)
class Resumed:
    """A recording that a watch goes on from.

    Attributes:
        since_s: the epoch second that the recorded watch began with; None for all.
        resume: where reading goes on.
    """

    path: Path
    since_s: float | None
    resume: Resume


def find(file: str, record: Path | None, origin: str) -> Path | None:
    """Find the recording that `--resume` means; None when `--record` names one yet to be made.

    Raises:
        UserError: there is none.
    """
    if file != LATEST:
        return Path(file)
    if record is not None:
        return record if record.exists() else None
    return latest_of(origin)


def take_up(path: Path, watch: Watch) -> Resumed:
    """Bring a watch to where a recording ends.

    Raises:
        UserError: it cannot be read.
    """
    from providers.streams import Resume

    summary = summarise(path)
    say(f"reading {path} ...")
    checkpoint = Checkpoint()
    with open_recording(path) as stream:
        for _, event in read_events(stream, str(path)):
            checkpoint.note(event)
            if not isinstance(event, RegionStatus):  # how reading went then says nothing now
                watch.apply(event)
    regions = dict.fromkeys((*summary.began.regions, *checkpoint.positions))
    positions = {region: list(checkpoint.positions.get(region, {}).values()) for region in regions}
    resume = Resume(positions, summary.began.since_s, summary.end_s)
    return Resumed(path, summary.began.since_s, resume)
