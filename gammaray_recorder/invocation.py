"""One attempt of one invocation: what it has recorded and not yet sent."""

from __future__ import annotations

import os
import threading
import time
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    Event = Dict[str, Any]

_PENDING_LIMIT = 5000
_MARGIN_S = 0.2
_MARGIN_SHARE = 0.1
_SPAN_MASK = (1 << 64) - 1


class Invocation:
    """The state of one attempt, shared by the handler's threads and the writer's.

    Attributes:
        request_id: the invocation's id; of a retry, the same as before.
        attempt: a nonce that tells this attempt from others of the same request.
        arn: as invoked, with alias or version.
        function: the function's bare name.
        region, account, partition: of the ARN; where it is unreadable, the environment's.
        trace: 32 hex digits, the trace id of the `traceparent` headers of this attempt.
        own_ns: what the recorder itself took of this attempt so far.
        lost: events of this attempt that could not be recorded.
        over: the handler has returned.
        due_s: when the writer looks at this attempt next (monotonic clock).
        ends_at_s: when its time is up (monotonic clock); None: unknown.
        watch_at_s: when a timeout counts as coming (monotonic clock); None: never.
        sequence: number of the next item of this attempt.
        flushed: held until the writer is done with the last events.
    """

    __slots__ = (
        "_first_span",
        "_pending",
        "_spans",
        "account",
        "arn",
        "attempt",
        "due_s",
        "ends_at_s",
        "flushed",
        "function",
        "lost",
        "over",
        "own_ns",
        "partition",
        "region",
        "request_id",
        "sequence",
        "trace",
        "watch_at_s",
    )

    def __init__(self, context: Any, region: str) -> None:
        nonce = os.urandom(32).hex()
        self.attempt = nonce[:16]
        self.trace = nonce[16:48]
        self._first_span = int(nonce[48:], 16)
        self._spans = count()
        self.request_id = text_of(context, "aws_request_id") or self.attempt
        self.arn = text_of(context, "invoked_function_arn")
        parts = self.arn.split(":")
        if len(parts) > 6:
            self.partition, self.region, self.account = parts[1], parts[3] or region, parts[4]
        else:
            self.partition, self.region, self.account = "aws", region, ""
        self.function = (
            text_of(context, "function_name")
            or (parts[6] if len(parts) > 6 else "")
            or os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
        )
        self._pending: List[Event] = []
        self.own_ns = 0
        self.lost = 0
        self.over = False
        self.due_s = 0.0
        self.ends_at_s = _ends_at_s(context)
        self.watch_at_s: Optional[float] = None
        left_s = self.remaining_s()
        if self.ends_at_s is not None and left_s is not None:
            self.watch_at_s = self.ends_at_s - min(_MARGIN_S, left_s * _MARGIN_SHARE)
        self.sequence = 0
        self.flushed = threading.Lock()
        self.flushed.acquire()

    def next_span(self) -> str:
        """Give 16 hex digits, unique within the attempt: a call's id and its W3C span id."""
        return "%016x" % ((self._first_span + next(self._spans)) & _SPAN_MASK or 1)

    def remaining_s(self) -> Optional[float]:
        """Give the time left before Lambda ends it; None when that is unknown."""
        return None if self.ends_at_s is None else self.ends_at_s - time.monotonic()

    def record(self, event: Event) -> None:
        """Keep an event until the writer takes it; may be called from any thread."""
        if len(self._pending) < _PENDING_LIMIT:
            self._pending.append(event)
        else:
            self.lost += 1

    def take(self) -> List[Event]:
        """Hand over the events recorded so far, while other threads may add more."""
        taken = self._pending[:]
        del self._pending[: len(taken)]
        return taken

    def restart_in_child(self) -> None:
        """After a fork: the parent sends what it recorded, and the child numbers from afar."""
        self._pending = []
        self.sequence = os.getpid() << 20
        self._first_span = int(os.urandom(8).hex(), 16)
        self.own_ns = 0
        self.watch_at_s = None


def text_of(holder: Any, name: str) -> str:
    """Give an attribute that should be text, or "" when it is absent or something else."""
    value = getattr(holder, name, None)
    return value if isinstance(value, str) else ""


def _ends_at_s(context: Any) -> Optional[float]:
    try:
        return time.monotonic() + float(context.get_remaining_time_in_millis()) / 1000
    except Exception:
        return None  # not Lambda's context, but something that a test or a framework made
