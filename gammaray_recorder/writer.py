"""Write-behind: a thread of its own sends what handlers record, and they hardly wait for it.

What an attempt records leaves every `interval_s` while the handler runs, and the rest when it
returns, for which the handler waits at most `flush_s`. A container's first start leaves at once:
a function that dies early dies in a new container each time, and must be seen to. What is not
written by the end stays with the thread; what cannot be written is dropped and counted, never
raised.
"""

from __future__ import annotations

import sys
import threading
import time

from gammaray_recorder import wire
from gammaray_recorder.sink import Refused, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from gammaray_recorder.invocation import Event, Invocation
    from gammaray_recorder.settings import Settings
    from gammaray_recorder.sink import Item, Sink

# How long a first start waits for its end: a handler that is over by then costs one write, not two.
_GRACE_S = 0.002
_BACKLOG_LIMIT = 4_000_000
_FIRST_PAUSE_S = 0.01
_REFUSED_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


class Writer:
    """Owns the sink's connection and the thread that uses it.

    Attributes:
        lost: events dropped since the last report, of whatever attempt.
        forked: this process is a child of the one that the handler runs in.
    """

    def __init__(self, settings: Settings, sink: Sink) -> None:
        self._sink = sink
        self._ttl_s = settings.ttl_s
        self._flush_s = settings.flush_s
        self._interval_s = settings.interval_s
        self._wake = threading.Condition(threading.Lock())
        self._thread: Optional[threading.Thread] = None
        self._open: List[Invocation] = []
        self._finishing: List[Invocation] = []
        self._backlog: List[Tuple[Item, int]] = []
        self._pause_s = 0.0
        self._retry_at_s = 0.0
        self._failing = False  # handlers no longer wait, until a write succeeds
        self._dead = False
        self._warned = False
        self.lost = 0
        self.forked = False

    def start(self) -> None:
        """Start the thread, which connects while the function's own code is imported."""
        self._thread = threading.Thread(target=self._run, name="gammaray", daemon=True)
        self._thread.start()

    def opened(self, invocation: Invocation, *, first: bool) -> None:
        """Begin to send what this attempt records, its start at once if it is the container's."""
        invocation.due_s = time.monotonic() + (_GRACE_S if first else self._interval_s)
        if invocation.watch_at_s is not None:
            invocation.due_s = min(invocation.due_s, invocation.watch_at_s)
        with self._wake:
            if not self._dead:
                self._open.append(invocation)
                self._wake.notify()

    def closed(self, invocation: Invocation) -> None:
        """Send the rest of an attempt that is over."""
        with self._wake:
            invocation.over = True
            invocation.due_s = 0.0
            self._wake.notify()

    def wait(self, invocation: Invocation) -> None:
        """Wait until the events of an attempt are written, or lost; but not long."""
        if not self.is_done(invocation) and not invocation.flushed.acquire(timeout=self._flush_s):
            self.give_up()

    def is_done(self, invocation: Invocation) -> bool:
        """Say whether nothing is to be waited for any more."""
        return self._failing or self._dead or not invocation.flushed.locked()

    def give_up(self) -> None:
        """Let nobody wait again until a write succeeds."""
        self._failing = True

    def belated(self, invocation: Invocation) -> None:
        """Send what a thread or task recorded for an attempt after its handler returned."""
        with self._wake:
            if not self._dead and invocation not in self._open:
                invocation.due_s = time.monotonic() + self._interval_s
                self._open.append(invocation)
                self._wake.notify()

    def write_through(self, invocation: Invocation) -> None:
        """Send what was recorded so far, and wait: a forked child may exit at any time."""
        if self._thread is None:
            self.start()
        invocation.flushed = threading.Lock()
        invocation.flushed.acquire()
        with self._wake:
            invocation.due_s = 0.0
            self._wake.notify()
        self.wait(invocation)

    def take_lost(self) -> int:
        """Give the number of events lost since the last time, to be recorded with an end."""
        if not self.lost:
            return 0
        with self._wake:
            lost, self.lost = self.lost, 0
        return lost

    def restart_in_child(self) -> None:
        """Leave thread, lock, connection and backlog to the parent, after a fork."""
        self._wake = threading.Condition(threading.Lock())
        self._thread = None
        self._sink.forget()
        self._finishing = []
        self._backlog = []
        self.lost = 0
        self.forked = True
        for invocation in self._open:
            invocation.restart_in_child()

    def _run(self) -> None:
        try:
            try:
                self._sink.open()
            except OSError:
                self._failing = True  # the first write tells why
            while True:
                self._collect()
                self._send()
        except Exception as error:
            # Nobody is left to be told, and nothing may reach the user's code.
            with self._wake:
                self._dead = True
                self._open = []
            self._warn(type(error).__name__)
            self._release()

    def _collect(self) -> None:
        """Sleep until something is due, then move what it is into the backlog."""
        with self._wake:
            while True:
                now_s = time.monotonic()
                due_s = [invocation.due_s for invocation in self._open]
                if self._backlog:
                    due_s.append(self._retry_at_s)
                earliest_s = min(due_s, default=None)
                if earliest_s is not None and earliest_s <= now_s:
                    break
                self._wake.wait(None if earliest_s is None else earliest_s - now_s)
            due = [invocation for invocation in self._open if invocation.due_s <= now_s]
            for invocation in due:
                invocation.due_s = now_s + self._interval_s
                if invocation.over or self.forked:
                    self._finishing.append(invocation)
            self._open = [
                invocation
                for invocation in self._open
                if not (invocation.over and invocation in due)
            ]
        for invocation in due:
            self._watch(invocation, now_s)
            self._encode(invocation)

    def _watch(self, invocation: Invocation, now_s: float) -> None:
        """Record a timeout while there is still time to; an end that comes after corrects it."""
        if invocation.watch_at_s is None or invocation.over:
            return
        if now_s < invocation.watch_at_s:
            invocation.due_s = min(invocation.due_s, invocation.watch_at_s)
            return
        invocation.watch_at_s = None
        invocation.record(
            {
                wire.KIND: wire.KIND_END,
                wire.AT: round(time.time(), 6),
                wire.STATUS: wire.STATUS_TIMEOUT,
                wire.OVERHEAD_US: invocation.own_ns // 1000,
            }
        )

    def _encode(self, invocation: Invocation) -> None:
        events = invocation.take()
        if not events:
            return
        try:
            items = items_of(invocation, events, time.time(), self._ttl_s, self._sink.payload_limit)
        except (TypeError, ValueError, RecursionError) as error:
            self._lose(len(events), type(error).__name__)
            return
        self._backlog.extend(items)
        size = sum(len(item[wire.ITEM_PAYLOAD]["S"]) for item, _ in self._backlog)
        while size > _BACKLOG_LIMIT:
            item, events_lost = self._backlog.pop(0)
            size -= len(item[wire.ITEM_PAYLOAD]["S"])
            self._lose(events_lost, "nothing can be written")

    def _send(self) -> None:
        if not self._backlog:
            self._release()
        elif self._retry_at_s <= time.monotonic():
            self._write()

    def _write(self) -> None:
        attempted = self._backlog
        try:
            left = self._sink.write([item for item, _ in attempted])
        except Unavailable:
            self._pause(_FIRST_PAUSE_S)
            return
        except Refused as error:
            self._backlog = []
            self._failing = True
            self._lose(sum(events for _, events in attempted), str(error))
            self._pause(_REFUSED_PAUSE_S)
            self._release()
            return
        keys = [item[wire.ITEM_KEY] for item in left]
        self._backlog = [entry for entry in attempted if entry[0][wire.ITEM_KEY] in keys]
        if self._backlog:
            self._pause(_FIRST_PAUSE_S)
            return
        self._pause_s = self._retry_at_s = 0.0
        self._failing = False
        self._release()

    def _pause(self, first_s: float) -> None:
        self._pause_s = min(max(first_s, 2 * self._pause_s), _LONGEST_PAUSE_S)
        self._retry_at_s = time.monotonic() + self._pause_s

    def _release(self) -> None:
        """Let the handlers go that wait for their last events to be written, or lost."""
        finishing, self._finishing = self._finishing, []
        for invocation in finishing:
            if invocation.flushed.locked():
                invocation.flushed.release()

    def _lose(self, events: int, reason: str) -> None:
        with self._wake:
            self.lost += events
        self._warn(reason)

    def _warn(self, reason: str) -> None:
        """Say once in a container's life that records are missing, as one line of its log."""
        if not self._warned:
            self._warned = True
            sys.stderr.write(
                "gammaray: records are lost: %s (%s); the function is not affected\n"
                % (reason, self._sink.place)
            )


def items_of(
    invocation: Invocation, events: List[Event], now_s: float, ttl_s: int, limit: int
) -> List[Tuple[Item, int]]:
    """Encode events as items of at most `limit` bytes of payload, with their numbers of events."""
    item = wire.encode_item(
        invocation.request_id,
        invocation.attempt,
        invocation.sequence,
        events,
        now_s,
        ttl_s,
        invocation.region,
    )
    payload = item[wire.ITEM_PAYLOAD]
    size = len(payload["S"])
    if size > limit // 3 or not payload["S"].isascii():
        data = payload["S"].encode("utf-8", "replace")  # a key may hold half a surrogate pair
        payload["S"] = data.decode("utf-8")
        size = len(data)
    if size <= limit:
        invocation.sequence += 1
        return [(item, len(events))]
    items: List[Tuple[Item, int]] = []
    for part in _halves(events):
        items += items_of(invocation, part, now_s, ttl_s, limit)
    return items


def _halves(events: List[Event]) -> List[List[Event]]:
    """Halve a list of events; of a single one, the list inside it that makes it so long.

    A reader joins the parts: starts and calls of the same id whose lists continue.
    """
    if len(events) > 1:
        middle = len(events) // 2
        return [events[:middle], events[middle:]]
    event = events[0]
    for name in (wire.CAUSES, wire.OUTPUTS):
        entries: List[Dict[str, Any]] = event.get(name) or []
        if len(entries) > 1:
            middle = len(entries) // 2
            return [[{**event, name: entries[:middle]}], [{**event, name: entries[middle:]}]]
    raise ValueError("an event that cannot be made smaller")
