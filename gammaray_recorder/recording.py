"""What the hooks and the handler's wrapper share: the invocation that is going on, and its ends."""

from __future__ import annotations

import os
import threading
import time
from contextvars import ContextVar

from gammaray_recorder import causes, wire
from gammaray_recorder.cause import trace_root
from gammaray_recorder.invocation import Invocation, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import Token
    from typing import Any, Callable, Dict, Optional, Tuple

    from gammaray_recorder.invocation import Event
    from gammaray_recorder.settings import Settings
    from gammaray_recorder.writer import Writer

    Begun = Tuple[Invocation, Token[Optional[Invocation]]]

_current: ContextVar[Optional[Invocation]] = ContextVar("gammaray_invocation", default=None)
_TEXT_LIMIT = 500


class Recorder:
    """Records the invocations of one container.

    No method raises: what goes wrong in here costs a record, never an invocation.
    """

    def __init__(self, settings: Settings, writer: Writer) -> None:
        self.settings = settings
        self._writer = writer
        self._active: Tuple[Invocation, ...] = ()
        self._changing_active = threading.Lock()
        self._cold = True
        self._init_s: Optional[float] = None
        self._hidden: Optional[Callable[[str], str]] = (
            wire.hidden_key if settings.hash_keys else None
        )
        # Tells who started the thread that asks; set when threads are followed.
        self.started_by: Optional[Callable[[], Optional[Invocation]]] = None

    def ready(self) -> None:
        """Note that initialisation is over: the function's own module is imported."""
        self._init_s = _process_age_s()

    def current(self) -> Optional[Invocation]:
        """Give the invocation on whose behalf this code runs, or None outside of any.

        A thread has no context of its own, but it is known who started it, or gave it its work.
        One that runs since before the first invocation belongs to the only one there is; with
        several at once it cannot be told, and is not guessed.
        """
        invocation = _current.get()
        if invocation is not None:
            return invocation
        if self.started_by is not None:
            invocation = self.started_by()
            if invocation is not None:
                return invocation
        active = self._active
        return active[0] if len(active) == 1 else None

    def begin(self, event: Any, context: Any) -> Optional[Begun]:
        """Open an invocation: record what it is and what caused it.

        None when nothing is recorded: also inside of the same invocation, which has begun
        already when a decorated handler is attached by a layer, too.
        """
        started_ns = time.perf_counter_ns()
        at_s = time.time()
        try:
            outer = _current.get()
            if outer is not None and outer.request_id == text_of(context, "aws_request_id"):
                return None
            invocation = Invocation(context, self.settings.region)
            first, self._cold = self._cold, False
            self._keep(invocation, self._start(invocation, event, context, at_s, cold=first))
            self._writer.opened(invocation, first=first)
            with self._changing_active:
                self._active = (*self._active, invocation)
            invocation.own_ns += time.perf_counter_ns() - started_ns
            return invocation, _current.set(invocation)
        except Exception:
            self._writer.lost += 1
            return None

    def end(self, begun: Optional[Begun], error: Optional[BaseException] = None) -> None:
        """Close an invocation: record how it ended and wait, not long, for what is left."""
        if begun is not None and self.close(begun, error):
            self._writer.wait(begun[0])

    async def end_async(self, begun: Optional[Begun], error: Optional[BaseException]) -> None:
        """Close an invocation without keeping the event loop's other tasks from running."""
        if begun is None or not self.close(begun, error) or isinstance(error, GeneratorExit):
            return
        from asyncio import sleep  # only those who have a loop come here

        invocation = begun[0]
        until_s = time.monotonic() + self.settings.flush_s
        while not self._writer.is_done(invocation):
            if time.monotonic() >= until_s:
                self._writer.give_up()
                return
            await sleep(0.001)

    def close(self, begun: Begun, error: Optional[BaseException]) -> bool:
        """Record how an invocation ended; say whether its last events are under way."""
        started_ns = time.perf_counter_ns()
        invocation, token = begun
        try:
            if _current.get() is invocation:  # else in another context than it began in
                _current.reset(token)
            with self._changing_active:
                self._active = tuple(other for other in self._active if other is not invocation)
            event: Event = {
                wire.KIND: wire.KIND_END,
                wire.AT: round(time.time(), 6),
                wire.STATUS: wire.STATUS_OK if error is None else wire.STATUS_ERROR,
            }
            if error is not None:
                event[wire.ERROR] = type(error).__name__
                if self.settings.error_text:  # which may hold anything
                    event[wire.ERROR_TEXT] = str(error)[:_TEXT_LIMIT]
            left_s = invocation.remaining_s()
            if left_s is not None:
                event[wire.REMAINING_MS] = int(left_s * 1000)
            lost = invocation.lost + self._writer.take_lost()
            if lost:
                event[wire.DROPPED] = lost
            invocation.own_ns += time.perf_counter_ns() - started_ns
            event[wire.OVERHEAD_US] = invocation.own_ns // 1000
            invocation.record(event)
            self._writer.closed(invocation)
            return True
        except Exception:
            self._writer.lost += 1
            return False

    def record(self, invocation: Invocation, event: Event) -> None:
        """Keep a call's event for the writer."""
        self._keep(invocation, event)
        if invocation.over:
            self._writer.belated(invocation)
        elif self._writer.forked:
            self._writer.write_through(invocation)

    def _keep(self, invocation: Invocation, event: Event) -> None:
        if self._hidden is not None:
            for part in (event, *event.get(wire.OUTPUTS, ()), *event.get(wire.CAUSES, ())):
                if wire.KEY in part:
                    part[wire.KEY] = self._hidden(part[wire.KEY])
        invocation.record(event)

    def _start(
        self, invocation: Invocation, event: Any, context: Any, at_s: float, *, cold: bool
    ) -> Dict[str, Any]:
        start: Event = {
            wire.KIND: wire.KIND_START,
            wire.AT: round(at_s, 6),
            wire.ARN: invocation.arn,
            wire.REGION: invocation.region,
            wire.CAUSES: causes.read(event, invocation),
        }
        version = text_of(context, "function_version")
        if version:
            start[wire.FUNCTION_VERSION] = version
        qualifier = invocation.arn.split(":")[7:]
        if qualifier and not qualifier[0].isdigit() and qualifier[0] != "$LATEST":
            start[wire.ALIAS] = qualifier[0]
        left_s = invocation.remaining_s()
        if left_s is not None:
            start[wire.REMAINING_MS] = int(left_s * 1000)
        memory = str(getattr(context, "memory_limit_in_mb", ""))
        if memory.isdigit():
            start[wire.MEMORY_MB] = int(memory)
        trace = trace_root(os.environ.get("_X_AMZN_TRACE_ID"))
        if trace:
            start[wire.TRACE_ID] = trace
        if cold:
            start[wire.COLD] = True
            if self._init_s is not None:
                start[wire.INIT_S] = round(self._init_s, 3)
        return start


def _process_age_s() -> Optional[float]:
    """Tell how long this process has lived, from the kernel: initialisation began with it."""
    try:
        with open("/proc/self/stat", "rb") as stat:
            started_ticks = int(stat.read().rsplit(b")", 1)[1].split()[19])
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - started_ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return None  # not Linux, or a sandbox that hides it
    return age_s if age_s >= 0 else None
