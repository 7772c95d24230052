"""An archive that stays open, in a thread of its own, for one question after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec

from gammaray_tui.history.extras import extra_of, need_extra
from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.history.engines import Archive

Told: TypeAlias = Callable[[str], None]
_T = TypeVar("_T")
_AGAIN_S: Final = 0.05  # between two tries to end what an engine does
_S3: Final = "s3://"


class Asked(msgspec.Struct, frozen=True):
    """Which archive is asked, with which engine.

    Attributes:
        dataset: a folder, or s3://bucket/prefix.
        profile: of ~/.aws, for S3.
        endpoint_url: instead of AWS's own.
        region: in which Athena works; "" for the profile's.
        output: where Athena's results go; "" for where its workgroup says.
    """

    dataset: str
    engine: str = "duckdb"
    profile: str | None = None
    endpoint_url: str | None = None
    region: str = ""
    output: str = ""


class Stopped(Exception):
    """The user ended what was asked before there was an answer."""


class Session:
    """Asks an archive; what one question made the engine compute serves the next.

    The archive is opened anew when another one is meant, and when files were added to it.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._work: Future[Any] | None = None
        self._stopping = threading.Event()
        self._stack = ExitStack()
        self._archive: Archive | None = None
        self._opened: object = None  # what was opened: Asked and its files

    @property
    def working(self) -> bool:
        """Whether something is being asked."""
        return self._work is not None and not self._work.done()

    async def run(self, asked: Asked, job: Callable[[Archive, Told], _T], told: Told) -> _T:
        """Do a job with an archive.

        Args:
            asked: the archive.
            job: what is done with it, in the thread; it tells what it is about.
            told: is given that, in the event loop.

        Raises:
            UserError: the archive, the extra or the engine does not do, or the job's own.
            Stopped: `stop` was called meanwhile.
        """
        await self.stop()
        loop, stopping = asyncio.get_running_loop(), threading.Event()

        def say(text: str) -> None:
            if stopping.is_set():
                raise Stopped
            loop.call_soon_threadsafe(told, text)

        def work() -> _T:
            try:
                return self._do(asked, job, say)
            except BaseException as error:
                if stopping.is_set():
                    raise Stopped from error
                raise

        self._stopping = stopping
        self._work = self._pool.submit(work)
        return await asyncio.wrap_future(self._work)

    async def stop(self) -> None:
        """End what is being asked, and wait until it has ended."""
        self._stopping.set()
        work = self._work
        while work is not None and not work.done():
            # Again and again: between two steps there is nothing to interrupt.
            if self._archive is not None:
                self._archive.interrupt()
            await asyncio.sleep(_AGAIN_S)

    async def close(self) -> None:
        """End what is being asked, and let go of the archive."""
        await self.stop()
        await asyncio.wrap_future(self._pool.submit(self._close))
        self._pool.shutdown(wait=False)

    def _do(self, asked: Asked, job: Callable[[Archive, Told], _T], say: Told) -> _T:
        try:
            return job(self._open(asked, say), say)
        except UserError:
            raise  # the archive is as good as before
        except BaseException:
            self._archive = self._opened = None
            with self._stack.pop_all():  # says what the engine's failure is to the user
                raise

    def _open(self, asked: Asked, say: Told) -> Archive:
        need_extra(extra_of(asked.engine))
        say("looking at the archive")
        from gammaray_tui.history.engines import opened
        from providers.archive.dataset import Dataset, need
        from providers.archive.schema import TABLES
        from providers.archive.store import open_store

        place = asked.dataset
        store = open_store(
            place if place.startswith(_S3) else str(Path(place).expanduser()),
            profile=asked.profile,
            endpoint_url=asked.endpoint_url,
        )
        need(Dataset(store))
        wanted = (asked, [file for table in TABLES for file in store.files(table)])
        if self._archive is None or self._opened != wanted:
            self._close()
            athena = None
            if asked.engine == "athena":
                from gammaray_tui.history.athena_queries import AthenaPlace

                athena = AthenaPlace(asked.region, asked.endpoint_url, output=asked.output)
            self._archive = self._stack.enter_context(opened(store, asked.engine, athena=athena))
            self._opened = wanted
        return self._archive

    def _close(self) -> None:
        self._archive = self._opened = None
        self._stack.pop_all().close()
