"""One try of an invocation: what the recorder and X-Ray say of its times and of how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from causality.facts import End, Start
from causality.snapshot import State

if TYPE_CHECKING:
    from causality.reading.xray import FunctionSegment

_STATES: dict[str, State] = {"ok": "ok", "error": "error", "timeout": "timeout"}


class Attempt(msgspec.Struct, gc=False, eq=False):
    """One try of one request id, in one sandbox.

    Attributes:
        generation: of its records; 0 when only X-Ray knows it.
        silent: whether it cannot run any more, and nothing told how it ended.
    """

    nonce: str
    generation: int
    start: Start | None = None
    end: End | None = None
    segment: FunctionSegment | None = None
    silent: bool = False

    @property
    def started_at_s(self) -> float | None:
        """When the handler began; X-Ray's time where it is known, else the recorder's."""
        if self.segment is not None and self.segment.started_at_s is not None:
            return self.segment.started_at_s
        return self.start.at_s if self.start is not None else None

    @property
    def ended_at_s(self) -> float | None:
        """When the handler returned."""
        if self.segment is not None and self.segment.ended_at_s is not None:
            return self.segment.ended_at_s
        return self.end.at_s if self.end is not None else None

    @property
    def duration_s(self) -> float | None:
        """How long the handler ran.

        Both ends come from one clock: never the recorder's start and X-Ray's end.
        """
        segment = self.segment
        began_s = segment.started_at_s if segment is not None else None
        ended_s = segment.ended_at_s if segment is not None else None
        if began_s is not None and ended_s is not None:
            return max(0.0, ended_s - began_s)
        if self.start is not None and self.end is not None:
            return max(0.0, self.end.at_s - self.start.at_s)
        return None

    @property
    def init_s(self) -> float | None:
        """How long initialisation took; None when warm or unknown."""
        if self.segment is not None and self.segment.init_s is not None:
            return self.segment.init_s
        return self.start.init_s if self.start is not None else None

    @property
    def cold(self) -> bool | None:
        """Whether this was a cold start."""
        if self.start is not None and self.generation == 2:
            return bool(self.start.cold)  # our recorder says so, or it was a warm one
        if self.segment is not None:
            return self.segment.init_s is not None
        return None

    @property
    def knows_all_calls(self) -> bool:
        """Whether a call that is not recorded was not made."""
        if self.segment is not None and self.segment.ended_at_s is not None:
            return True
        return self.generation == 2 and self.end is not None

    @property
    def trace_id(self) -> str | None:
        """The X-Ray trace it belongs to."""
        if self.start is not None and self.start.trace_id:
            return self.start.trace_id
        return self.segment.trace_id or None if self.segment is not None else None

    @property
    def error(self) -> str | None:
        """The type of the exception that ended it."""
        if self.end is not None and self.end.status is not None:
            return self.end.error
        return self.segment.error if self.segment is not None else None

    @property
    def state(self) -> State:
        """How it stands; "unknown" when nothing tells."""
        if self.end is not None and self.end.status is not None:
            return _STATES.get(self.end.status, "unknown")
        segment = self.segment
        if segment is not None:
            if segment.throttled:
                return "throttled"
            if segment.failed:
                return "error"
            if segment.ended_at_s is not None:
                return "ok"
        elif self.generation != 2 or self.end is not None:
            # The original recorded no end for most functions: their silence says nothing.
            return "unknown"
        return "unknown" if self.silent else "running"


def attempt_order(attempt: Attempt) -> tuple[float, str]:
    """Order the attempts of an invocation by their start; one whose start was lost, by its end."""
    at_s = attempt.start.at_s if attempt.start is not None else attempt.started_at_s
    if at_s is None and attempt.end is not None:
        at_s = attempt.end.at_s
    return (at_s if at_s is not None else float("inf"), attempt.nonce)
