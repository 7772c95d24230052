"""The pieces that a deployment is made of, and how they are looked at and made in order."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from providers.aws_errors import error_code
from providers.errors import UserError
from providers.operations import Report, Step, StepState
from providers.place import AWS_ERRORS, Place
from providers.session import user_error

# The client's own attempts are over by then: many pieces at once exceed what AWS allows a second.
_AGAIN_AFTER_S: Final = (2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True, slots=True)
class Change:
    """What stands between what is there and what is wanted.

    Attributes:
        detail: what an update changes: "code, memory"; or why nothing is to be done.
    """

    verb: Literal["create", "update", "leave"]
    detail: str = ""

    def __str__(self) -> str:
        if self.verb == "leave":
            return self.detail or "up to date"
        return f"{self.verb}: {self.detail}" if self.detail else self.verb


class Piece(ABC):
    """One resource that a deployment wants to be as its manifest says.

    `look` and `make` may note what others need (an ARN) in attributes of the piece: a piece is
    looked at and made only after all the pieces that it needs.
    """

    def __init__(self, place: Place, region: str, text: str, *needs: Piece) -> None:
        self.place = place
        self.region = region
        self.text = text
        self.needs = needs

    @property
    def id(self) -> str:
        """The step's id."""
        return f"{self.region}/{self.text}"

    async def client(self, service: str) -> Any:
        """Give a client in the piece's region."""
        return await self.place.clients.of(service, self.region)

    @abstractmethod
    async def look(self) -> Change:
        """Compare what is there with what is wanted; change nothing."""

    @abstractmethod
    async def make(self, change: Change) -> None:
        """Do what `look` said, and wait until it is in effect."""

    async def roll_back(self) -> bool:
        """Put back what `make` replaced; say whether there was anything to put back."""
        return False


async def run_pieces(pieces: Sequence[Piece], report: Report, *, only_look: bool) -> list[Step]:
    """Look at every piece and, unless `only_look`, make it; independent ones side by side.

    A piece that fails does not stop those that do not need it: a later run has less to do. But
    what can be put back is, once all are through: old code and new do not mix.

    Returns:
        The last step of each piece, in the order of `pieces`.

    Raises:
        UserError: of the first piece that failed, after all others are through.
    """
    run = _Run(report, only_look)
    for piece in pieces:
        run.tell(piece, "waiting")
    async with asyncio.TaskGroup() as group:
        for piece in pieces:
            run.tasks[piece.id] = group.create_task(run.through(piece), name=piece.id)
    if run.errors:
        await run.roll_back(pieces)
        raise run.errors[0]
    return [run.steps[piece.id] for piece in pieces]


class _Run:
    def __init__(self, report: Report, only_look: bool) -> None:
        self._report = report
        self._only_look = only_look
        self.steps: dict[str, Step] = {}
        self.errors: list[UserError] = []
        self.tasks: dict[str, asyncio.Task[bool]] = {}

    async def through(self, piece: Piece) -> bool:
        """Take one piece through; say whether those that need it can go on."""
        for need in piece.needs:
            # Shielded: a piece's own end must not come from one that waits for it.
            if not await asyncio.shield(self.tasks[need.id]):
                self.tell(piece, "skipped", f"needs {need.text}, which failed")
                return False
        self.tell(piece, "running")
        started_s = time.monotonic()
        pauses_s = iter(_AGAIN_AFTER_S)
        while True:
            try:
                change = await piece.look()
                if change.verb != "leave" and not self._only_look:
                    await piece.make(change)
                break
            except (UserError, *AWS_ERRORS) as error:
                session = piece.place.clients.session
                failure = user_error(
                    error, profile=session.profile, region=piece.region or None, resource=piece.text
                )
            pause_s = next(pauses_s, None) if failure.kind == "throttled" else None
            if pause_s is None:
                self.errors.append(failure)
                self.tell(piece, "failed", f"{failure.what}. {failure.todo}".strip())
                return False
            # What was made of it already is seen by the next look.
            self.tell(piece, "running", f"{failure.what}; again in {pause_s:.0f} s")
            await asyncio.sleep(pause_s)
        if self._only_look:
            self.tell(piece, "skipped" if change.verb == "leave" else "waiting", str(change))
        elif change.verb == "leave":
            self.tell(piece, "done", str(change))
        else:
            what = f" {change.detail}" if change.detail else ""
            took_s = time.monotonic() - started_s
            self.tell(piece, "done", f"{change.verb}d{what} in {took_s:.1f} s")
        return True

    async def roll_back(self, pieces: Sequence[Piece]) -> None:
        """Put back what was replaced, the last first, and report it."""
        for piece in reversed(pieces):
            try:
                if await piece.roll_back():
                    self.tell(piece, "failed", self._rolled_back(piece))
            except (UserError, *AWS_ERRORS) as error:
                failure = user_error(
                    error, profile=piece.place.clients.session.profile, region=piece.region or None
                )
                self.tell(piece, "failed", f"could not be rolled back: {failure.what}")

    def _rolled_back(self, piece: Piece) -> str:
        before = self.steps[piece.id]
        why = before.detail if before.state == "failed" else "because something else failed"
        return f"rolled back to what it was: {why}"

    def tell(self, piece: Piece, state: StepState, detail: str = "") -> None:
        """Report how it goes with one piece."""
        step = Step(piece.id, piece.text, piece.region, state, detail)
        self.steps[piece.id] = step
        self._report(step)


async def wait_until(
    condition: Callable[[], Awaitable[bool]], what: str, *, timeout_s: float
) -> None:
    """Ask until a resource is as it should be, more and more slowly.

    Raises:
        UserError: it did not become so in time (kind "timeout").
    """
    deadline_s = time.monotonic() + timeout_s
    pause_s = 0.05
    while not await condition():
        if time.monotonic() > deadline_s:
            raise UserError(
                f"{what} did not become ready within {timeout_s:.0f} s",
                todo="AWS may still be at it; try again in a minute, nothing is made twice.",
                kind="timeout",
            )
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 2.0)


async def found(call: Awaitable[dict[str, Any]], *codes: str) -> dict[str, Any] | None:
    """Await a describing call; None when it says, with one of these codes, there is no such."""
    try:
        return await call
    except ClientError as error:
        if error_code(error) in codes:
            return None
        raise
