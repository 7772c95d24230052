"""Chrome's trace event JSON, which ui.perfetto.dev and chrome://tracing open.

A process is a function in a region (and account, where there are several), a thread a lane of
invocations that do not overlap. Source: "Trace Event Format", Google.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from typing import Any, TypeAlias

import msgspec

from causality import names
from causality.accounts import has_several_accounts
from causality.exports.labels import printable
from causality.graph import CallNode, CauseNode, Invocation
from causality.keys import display_key
from causality.views.selection import candidates_drawn
from causality.views.timing import Stretch, stretches

Event: TypeAlias = dict[str, Any]
_Process: TypeAlias = tuple[str, str, str]  # function, region, account where there are several
_Place: TypeAlias = tuple[int, int, int, int]  # pid, tid, begin and end in microseconds


def perfetto(invocations: list[Invocation]) -> bytes:
    """Write invocations, their calls and what caused what as a trace; times are epoch based."""
    return msgspec.json.encode(_Trace(invocations).document()) + b"\n"


class _Trace:
    def __init__(self, invocations: list[Invocation]) -> None:
        self._events: list[Event] = []
        self._calls: dict[CallNode, _Place] = {}
        self._starts: dict[Invocation, _Place] = {}
        by_process: dict[_Process, list[Stretch]] = defaultdict(list)
        several_accounts = has_several_accounts(invocations)
        for invocation in invocations:
            name, region = invocation.function or "(unknown function)", invocation.region or ""
            account = invocation.account or "" if several_accounts else ""
            by_process[name, region, account].extend(stretches(invocation))
        for pid, (process, found) in enumerate(sorted(by_process.items()), start=1):
            self._process(pid, process, sorted(found, key=lambda s: (s.began_s, s.ended_s)))
        self._flows(invocations)

    def document(self) -> Event:
        return {
            "traceEvents": self._events,
            "displayTimeUnit": "ms",
            "otherData": {"producer": "gammaray-tui"},
        }

    def _process(self, pid: int, process: _Process, found: list[Stretch]) -> None:
        name = printable(" ".join(part for part in process if part))
        self._events.append(_metadata("process_name", pid, 0, name))
        self._events.append(
            {"ph": "M", "name": "process_sort_index", "pid": pid, "args": {"sort_index": pid}}
        )
        lanes = _Lanes()
        pending: list[tuple[CallNode, int, int]] = []
        for stretch in found:
            begin = _us(stretch.began_s)
            end = max(_us(stretch.ended_s), _us(stretch.started_s) + 1)
            tid = lanes.take(begin, end)
            self._stretch(pid, tid, stretch)
            pending += self._nested(pid, tid, stretch)
        # Calls that overlap others of their invocation cannot nest in its lane.
        extra = _Lanes()
        for call, begin, end in sorted(pending, key=lambda item: (item[1], item[2])):
            self._call(call, (pid, lanes.count + extra.take(begin, end), begin, end))
        for tid in range(1, lanes.count + 1):
            self._events.append(_metadata("thread_name", pid, tid, f"lane {tid}"))
        for tid in range(lanes.count + 1, lanes.count + extra.count + 1):
            self._events.append(_metadata("thread_name", pid, tid, "parallel calls"))

    def _stretch(self, pid: int, tid: int, stretch: Stretch) -> None:
        invocation, attempt = stretch.invocation, stretch.attempt
        began, started, ended = _us(stretch.began_s), _us(stretch.started_s), _us(stretch.ended_s)
        if began < started:
            self._slice("init", "init", (pid, tid, began, started), {})
        place = (pid, tid, started, max(ended, started + 1))
        name = invocation.function or "(unknown function)"
        if stretch.number > 1:
            name += f" (attempt {stretch.number})"
        arguments = {
            "request_id": invocation.request_id,
            "state": attempt.state,
            "error": attempt.error,
            "cold": attempt.cold,
            "trace_id": attempt.trace_id,
        }
        self._slice(name, "invocation", place, arguments)
        self._starts.setdefault(invocation, place)

    def _nested(self, pid: int, tid: int, stretch: Stretch) -> list[tuple[CallNode, int, int]]:
        begin, end = _us(stretch.started_s), max(_us(stretch.ended_s), _us(stretch.started_s) + 1)
        free, rest = begin, []
        for call in stretch.calls:
            made = _us(call.started_at_s or 0.0)
            answered = max(_us(call.ended_at_s or call.started_at_s or 0.0), made + 1)
            if free <= made and answered <= end:
                self._call(call, (pid, tid, made, answered))
                free = answered
            else:
                rest.append((call, made, answered))
        return rest

    def _call(self, call: CallNode, place: _Place) -> None:
        fact = call.fact
        name = " ".join(p for p in (fact.operation, names.last_part(fact.resource or "")) if p)
        arguments = {
            "request_id": call.invocation.request_id,
            "service": fact.service,
            "region": fact.region,
            "key": display_key(call.key) if call.key is not None else None,
            "error": call.error,
        }
        self._slice(name or fact.service or "call", "call", place, arguments)
        self._calls[call] = place

    def _slice(self, name: str, category: str, place: _Place, arguments: Event) -> None:
        pid, tid, begin, end = place
        self._events.append(
            {
                "ph": "X",
                "name": printable(name),
                "cat": category,
                "pid": pid,
                "tid": tid,
                "ts": begin,
                "dur": end - begin,
                "args": _known(arguments),
            }
        )

    def _flows(self, invocations: list[Invocation]) -> None:
        number = 0
        for invocation in invocations:
            target = self._starts.get(invocation)
            if target is None:
                continue
            for cause in invocation.causes:
                for source in self._sources(cause):
                    number += 1
                    self._flow(number, cause, source, target)

    def _sources(self, cause: CauseNode) -> list[_Place]:
        edge = cause.edge
        if edge is None:
            return []
        if edge.parent is not None and edge.call is None:
            place = self._starts.get(edge.parent)
            return [place] if place is not None else []
        return [self._calls[call] for call in candidates_drawn(edge) if call in self._calls]

    def _flow(self, number: int, cause: CauseNode, source: _Place, target: _Place) -> None:
        edge = cause.edge
        evidence = edge.evidence if edge is not None else ""
        common = {"name": f"caused ({evidence})", "cat": "causality", "id": number}
        # An arrow leaves from the slice around its time: the last moment of the call is in it.
        leaves = max(source[2], min(source[3] - 1, target[2]))
        # One that arrives before it leaves, as clocks that disagree would have it, is not drawn.
        arrives = max(target[2], min(target[3] - 1, leaves))
        self._events.append(common | {"ph": "s", "pid": source[0], "tid": source[1], "ts": leaves})
        self._events.append(
            common | {"ph": "f", "bp": "e", "pid": target[0], "tid": target[1], "ts": arrives}
        )


class _Lanes:
    """Places beside each other for stretches that come in order of their beginning."""

    def __init__(self) -> None:
        self.count = 0
        self._taken: list[tuple[int, int]] = []  # until when, which
        self._free: list[int] = []

    def take(self, begin: int, end: int) -> int:
        """Take the first lane (counted from 1) that is free from `begin` on, until `end`."""
        while self._taken and self._taken[0][0] <= begin:
            heapq.heappush(self._free, heapq.heappop(self._taken)[1])
        if not self._free:
            self.count += 1
        lane = heapq.heappop(self._free) if self._free else self.count
        heapq.heappush(self._taken, (end, lane))
        return lane


def _metadata(name: str, pid: int, tid: int, value: str) -> Event:
    return {"ph": "M", "name": name, "pid": pid, "tid": tid, "args": {"name": value}}


def _known(arguments: Event) -> Event:
    return {
        name: printable(value) if isinstance(value, str) else value
        for name, value in arguments.items()
        if value is not None
    }


def _us(at_s: float) -> int:
    return round(at_s * 1_000_000)
