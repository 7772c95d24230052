"""Whether a watch is recorded, and where to; what `--record` and the key R act on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from gammaray_tui import __version__
from gammaray_tui.commands.output import say, say_error
from gammaray_tui.watch import Watch
from providers.errors import UserError
from providers.events import ProviderEvent
from providers.recordings.entries import Began
from providers.recordings.folder import new_path, prune_demos
from providers.recordings.writer import Recorder


class WatchRecording:
    """Starts and stops recording what a watch is given.

    Attributes:
        on_failure: told, from a thread of its own, when a disk fails; recording is over then.
        failure: why a recording ended by itself, if one that has been closed did.
    """

    def __init__(
        self,
        *,
        kind: str = "watch",
        title: str = "",
        origin: str = "",
        regions: tuple[str, ...] = (),
        since_s: float | None = None,
        path: Path | None = None,
    ) -> None:
        """Prepare; nothing is written before `start`.

        Args:
            kind: "watch" or "demo".
            title: what the header shows.
            origin: what is watched, as one text (see `Began`).
            regions: those watched.
            since_s: the epoch second that reading started with; None for all.
            path: where the first recording goes; later ones, and without it all, go to the
                default folder.
        """
        self.on_failure: Callable[[UserError], None] = lambda _error: None
        self.failure: UserError | None = None
        self._began = Began(
            at_s=0.0,
            program=f"gammaray-tui {__version__}",
            kind=kind,
            title=title,
            origin=origin,
            regions=regions,
            since_s=since_s,
        )
        self._path = path
        self._recorder: Recorder | None = None

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that are watched."""
        return self._began.regions

    @property
    def path(self) -> Path | None:
        """The file that is recorded to now."""
        recorder = self._recorder
        return recorder.path if recorder is not None and recorder.failure is None else None

    def name(self) -> str:
        """Give the name of the file that is recorded to; "" for none."""
        return self.path.name if self.path is not None else ""

    def start(self, *, go_on: bool = False) -> Path:
        """Begin a file, or (`go_on`) add to the one given.

        Raises:
            UserError: it cannot be written.
        """
        self.stop()
        path, self._path = self._path or new_path(self._began.kind), None
        began = msgspec.structs.replace(self._began, at_s=time.time())
        self._recorder = Recorder(
            path, began, go_on=go_on, on_failure=lambda error: self.on_failure(error)
        )
        return path

    def stop(self) -> Path | None:
        """Write what is left and close the file; give it, if it was written to the end."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return None
        recorder.close()
        self.failure = recorder.failure or self.failure
        return recorder.path if recorder.failure is None else None

    def take(self, event: ProviderEvent) -> None:
        """Keep an event while recording is on (a tap of `Watch`)."""
        if self._recorder is not None:
            self._recorder.record(event)

    @contextlib.contextmanager
    def of(self, watch: Watch) -> Iterator[None]:
        """Record what a watch is given while it runs; say at its end where to."""
        watch.taps.append(self.take)
        watch.recording_name = self.name
        try:
            yield
        finally:
            path = self.stop()
            if path is not None:
                say(f"recorded to {path}")
            if self.failure is not None:
                say_error(self.failure)


def demo_recording(path: Path | None, *, wanted: bool) -> WatchRecording:
    """Begin the recording of a demo run, if it is wanted; the oldest of before are deleted.

    Nobody has to have asked for it, so that a disk that takes none is told and no more.

    Raises:
        UserError: the file that the user named cannot be written.
    """
    recording = WatchRecording(kind="demo", title="demo", origin="demo", path=path)
    if path is not None:
        recording.start()
    elif wanted:
        try:
            prune_demos()
            recording.start()
        except UserError as error:
            say(f"not recorded: {error.what}")
    return recording
