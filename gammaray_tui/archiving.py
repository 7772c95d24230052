"""Adding what a watch or a replay is given to an archive, while it is shown."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from gammaray_tui.commands.output import say, say_error
from providers.errors import UserError
from providers.events import EndOfInput, Gap, ProviderEvent, RecordBatch
from widgets import formats

if TYPE_CHECKING:
    from gammaray_tui.recording import WatchRecording
    from gammaray_tui.watch import Watch
    from providers.archive.dataset import Dataset

# What is killed loses what came since; more often would mean more, smaller files.
_FLUSH_EVERY_S: Final = 60.0
# As with recordings: a place that hangs must not take the watch's memory.
_MOST_WAITING: Final = 1000


def archive_of(
    url: str | None,
    *,
    profile: str | None = None,
    endpoint_url: str | None = None,
    recording: WatchRecording | None = None,
) -> Archiving:
    """Prepare archiving to a folder or "s3://bucket/prefix"; None archives nothing.

    Args:
        url: the archive.
        profile: of ~/.aws, for S3.
        endpoint_url: instead of AWS's own.
        recording: whose way of telling the user of a failure at once is used.

    Raises:
        UserError: the extra is missing, what is there is no archive, or none can be made.
    """
    if url is None:
        return Archiving(None)
    from gammaray_tui.history.extras import need_extra

    need_extra("history")
    from providers.archive.dataset import Dataset
    from providers.archive.store import open_store

    dataset = Dataset(open_store(url, profile=profile, endpoint_url=endpoint_url))
    dataset.make()  # what goes wrong is better known now than after a minute
    if recording is None:
        return Archiving(dataset)
    return Archiving(dataset, on_failure=lambda error: recording.on_failure(error))


class Archiving:
    """A thread that writes events to an archive.

    Attributes:
        failure: why it has stopped by itself, if it has.
    """

    def __init__(
        self,
        dataset: Dataset | None,
        *,
        on_failure: Callable[[UserError], None] = lambda _error: None,
        flush_every_s: float = _FLUSH_EVERY_S,
    ) -> None:
        """Prepare; None for an archive archives nothing.

        `on_failure` is told at once, from the thread that writes.
        """
        self.failure: UserError | None = None
        self._dataset = dataset
        self._on_failure = on_failure
        self._flush_every_s = flush_every_s
        self._waiting: list[ProviderEvent] = []
        self._ending = False
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def of(self, watch: Watch) -> Iterator[None]:
        """Archive what a watch is given while it runs; say at its end how that went."""
        if self._dataset is None:
            yield
            return
        thread = threading.Thread(target=self._run, args=(self._dataset,), name="archive")
        watch.taps.append(self.take)
        thread.start()
        try:
            yield
        finally:
            watch.taps.remove(self.take)
            with self._changed:
                self._ending = True
                self._changed.notify()
            thread.join()
            # Also what was told before: a message on a screen that has gone is easily missed.
            if self.failure is not None:
                say_error(self.failure)

    def take(self, event: ProviderEvent) -> None:
        """Keep an event; returns at once."""
        if self.failure is not None or not isinstance(event, RecordBatch | Gap | EndOfInput):
            return
        with self._changed:
            self._waiting.append(event)
            if len(self._waiting) > _MOST_WAITING:
                self._fail(
                    UserError(
                        "The archive is too slow for what comes; archiving has stopped.",
                        todo="The watch goes on. Record to a file, and archive that.",
                        kind="archive-failed",
                    )
                )
            self._changed.notify()

    def _run(self, dataset: Dataset) -> None:
        from providers.archive.writer import ArchiveWriter

        writer = ArchiveWriter(dataset)
        flushed_s = time.monotonic()
        try:
            while self.failure is None:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._ending, 1.0)
                    events, self._waiting = self._waiting, []
                    ending = self._ending
                for event in events:
                    writer.take(event)
                if ending:
                    break
                ended = any(isinstance(event, EndOfInput) for event in events)
                if ended or time.monotonic() - flushed_s > self._flush_every_s:
                    writer.flush()
                    flushed_s = time.monotonic()
            writer.flush()  # also what was taken before it fell behind
        except UserError as error:
            self._fail(error)
            return
        if writer.records:
            records = formats.plural(writer.records, "record")
            say(f"archived {records} to {dataset.store.url}")

    def _fail(self, error: UserError) -> None:
        if self.failure is None:
            self.failure = error
            self._waiting = []
            self._on_failure(error)
