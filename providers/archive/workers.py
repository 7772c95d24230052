"""Archiving on all cores: each process makes files of its own share of the records."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import cycle
from multiprocessing import get_context, parent_process
from threading import Thread
from types import TracebackType
from typing import Final, NamedTuple, Self

import msgspec

from providers.archive.dataset import Dataset
from providers.archive.rows import Items, items_of
from providers.archive.store import open_store
from providers.archive.writer import ArchiveWriter
from providers.events import ProviderEvent, RecordBatch

# Before that many records it is quicker to do it here than to start others.
_ALONE: Final = 50_000
_MOST_WAITING: Final = 8  # batches for each process


class Place(NamedTuple):
    """What a process needs to open an archive by itself."""

    url: str
    profile: str | None
    endpoint_url: str | None


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Items)


class ArchiveWorkers:
    """Takes events as ArchiveWriter does, and has them written by other processes when many come.

    Attributes:
        records: stream records taken.
    """

    def __init__(self, place: Place, dataset: Dataset, *, processes: int | None = None) -> None:
        """Prepare; no process is started before it is worth it.

        Args:
            place: where the archive is.
            dataset: the same, opened.
            processes: how many; None for one a core.
        """
        self.records = 0
        self._place = place
        self._own = ArchiveWriter(dataset)
        self._processes = (os.cpu_count() or 1) if processes is None else processes
        self._pools: list[ProcessPoolExecutor] = []
        self._waiting: deque[Future[None]] = deque()

    def take(self, event: ProviderEvent) -> None:
        """Take an event.

        Raises:
            UserError: the dataset cannot be written to.
        """
        if not isinstance(event, RecordBatch):
            self._own.take(event)
            return
        self.records += len(event.records) + len(event.unreadable)
        if self._processes < 2 or self._own.records < _ALONE:
            self._own.take(event)
            return
        if not self._pools:
            self._start()
        self._waiting.append(next(self._turns).submit(_take, _encode(items_of(event))))
        while len(self._waiting) > _MOST_WAITING * len(self._pools):
            self._waiting.popleft().result()

    def flush(self) -> None:
        """Publish all that is held.

        Raises:
            UserError: the dataset cannot be written to.
        """
        self._waiting.extend(pool.submit(_flush) for pool in self._pools)
        self._own.flush()
        while self._waiting:
            self._waiting.popleft().result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)

    def _start(self) -> None:
        # Not forked: pyarrow has threads of its own.
        context = get_context("spawn")
        self._pools = [
            ProcessPoolExecutor(1, context, _open, (self._place,)) for _ in range(self._processes)
        ]
        self._turns = cycle(self._pools)


_writer: ArchiveWriter | None = None  # of this process, where it is one of the workers


def _open(place: Place) -> None:
    import gc

    global _writer
    # Rows are many small objects that never form rings, and go with each batch.
    gc.disable()
    Thread(target=_leave_with_parent, daemon=True).start()
    store = open_store(place.url, profile=place.profile, endpoint_url=place.endpoint_url)
    _writer = ArchiveWriter(Dataset(store))


def _leave_with_parent() -> None:
    """End with the process that asks: killed, it could not say so, and we would wait for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _take(data: bytes) -> None:
    assert _writer is not None
    _writer.take_items(_decoder.decode(data))


def _flush() -> None:
    assert _writer is not None
    _writer.flush()
