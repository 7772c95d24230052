"""X-Ray's segments on their way to the invocations they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, islice
from typing import TypeAlias, TypeVar

import msgspec

from causality.facts import Call
from causality.graph import Invocation
from causality.join import distance_s
from causality.reading.xray import FunctionSegment, LoosePart, ServiceSegment

Segment: TypeAlias = ServiceSegment | FunctionSegment | LoosePart
_Segment = TypeVar("_Segment", ServiceSegment, FunctionSegment, LoosePart)
_Value = TypeVar("_Value")

# Segments of invocations that no record tells of; far more than arrive ahead of their records.
_KEPT = 200_000


class Traces:
    """Segments that wait for a record of their invocation, or for their parent segment."""

    def __init__(self) -> None:
        """Make an empty store."""
        self._services: dict[str, tuple[ServiceSegment, ...]] = {}  # by request id
        self._functions: dict[str, tuple[FunctionSegment, ...]] = {}  # by request id
        self._fatherless: dict[str, tuple[FunctionSegment, ...]] = {}  # by parent segment
        self._request_of: dict[str, str] = {}  # of the segment of each attempt
        # Subsegments that came by themselves, and which request what they can be a part of is of.
        self._loose: dict[str, tuple[LoosePart, ...]] = {}  # by parent, while that is not known
        self._joined: dict[str, tuple[LoosePart, ...]] = {}  # by request id
        self._request_of_part: dict[str, str] = {}

    def sizes(self) -> dict[str, int]:
        """Give the number of entries of everything that is kept."""
        return {
            "services ahead": len(self._services),
            "functions ahead": len(self._functions),
            "fatherless": len(self._fatherless),
            "segments": len(self._request_of),
            "loose": len(self._loose) + len(self._joined),
            "parts": len(self._request_of_part),
        }

    def add(self, segment: Segment, invocations: Mapping[str, Invocation]) -> Iterable[Invocation]:
        """Take a segment; gives the invocation whose segments have changed, if one has."""
        if isinstance(segment, ServiceSegment):
            return self._add_service(segment, invocations)
        if isinstance(segment, LoosePart):
            return self._add_loose(segment, invocations)
        parent = segment.parent_id or ""
        # What OpenTelemetry traces within a function is a segment of its own, and a part of it.
        request_id = (
            segment.request_id or self._request_of.get(parent) or self._request_of_part.get(parent)
        )
        if request_id is None:
            self._fatherless[parent] = _kept(self._fatherless.get(parent, ()), segment)
            _limit(self._fatherless)
            return ()
        return self._add_function(request_id, segment, invocations)

    def adopt(self, invocations: Mapping[str, Invocation]) -> Iterable[Invocation]:
        """Give segments whose parent never came to who ran in their trace, function and time.

        Looks at every invocation: for input that has ended.
        """
        waiting: dict[str, list[FunctionSegment]] = {}
        for segments in self._fatherless.values():
            for segment in segments:
                waiting.setdefault(segment.trace_id, []).append(segment)
        self._fatherless.clear()
        if not waiting:
            return ()
        found: dict[str, tuple[float, Invocation, FunctionSegment]] = {}
        for invocation in invocations.values():
            for segment in (s for trace in _traces(invocation) for s in waiting.get(trace, ())):
                distance_s = _distance_s(segment, invocation)
                nearest = found.get(segment.id)
                if distance_s is not None and (nearest is None or distance_s < nearest[0]):
                    found[segment.id] = (distance_s, invocation, segment)
        for _, invocation, segment in found.values():
            self._add_function(invocation.request_id, segment, invocations)
        return [invocation for _, invocation, _ in found.values()]

    def hand_over(self, invocation: Invocation) -> None:
        """Give a new invocation the segments that came before its first record."""
        if self._services:
            invocation.segments = self._services.pop(invocation.request_id, ())
        if self._functions:
            invocation.function_segments = self._functions.pop(invocation.request_id, ())

    def forget(self, invocation: Invocation) -> None:
        """Let go of what is kept for an invocation that leaves."""
        for service in invocation.segments:
            for part in _parts(service):
                self._request_of.pop(part, None)
        parts = [segment.parts for segment in invocation.function_segments]
        parts += [loose.parts for loose in self._loose_of(invocation)]
        for part in chain.from_iterable(parts):
            self._request_of_part.pop(part, None)
        self._joined.pop(invocation.request_id, None)

    def loose_calls(self, invocation: Invocation) -> list[Call]:
        """Give the calls of an invocation that came by themselves."""
        return [call for loose in self._loose_of(invocation) for call in loose.calls]

    def _loose_of(self, invocation: Invocation) -> tuple[LoosePart, ...]:
        return self._joined.get(invocation.request_id, ()) if self._joined else ()

    def _add_loose(
        self, loose: LoosePart, invocations: Mapping[str, Invocation]
    ) -> Iterable[Invocation]:
        request_id = self._request_of_part.get(loose.parent_id)
        if request_id is None:
            parent = loose.parent_id
            self._loose[parent] = _kept(self._loose.get(parent, ()), loose)
            _limit(self._loose)
            return ()
        self._joined[request_id] = _kept(self._joined.get(request_id, ()), loose)
        _limit(self._joined)
        self._note_parts(request_id, loose.parts, invocations)
        invocation = invocations.get(request_id)
        return () if invocation is None else (invocation,)

    def _note_parts(
        self, request_id: str, parts: Iterable[str], invocations: Mapping[str, Invocation]
    ) -> None:
        """Note whose parts these are, and those of them that came before."""
        for part in parts:
            self._request_of_part[part] = request_id
            for waiting in self._loose.pop(part, ()) if self._loose else ():
                self._add_loose(waiting, invocations)
            for inner in self._fatherless.pop(part, ()) if self._fatherless else ():
                self._add_function(request_id, inner, invocations)
        _limit(self._request_of_part)

    def _add_service(
        self, segment: ServiceSegment, invocations: Mapping[str, Invocation]
    ) -> Iterable[Invocation]:
        request_id = segment.request_id
        changed: dict[Invocation, None] = {}
        for part in _parts(segment):
            self._request_of[part] = request_id
            for waiting in self._fatherless.pop(part, ()):
                changed.update(dict.fromkeys(self._add_function(request_id, waiting, invocations)))
        _limit(self._request_of)
        invocation = invocations.get(request_id)
        if invocation is None:
            self._services[request_id] = _kept(self._services.get(request_id, ()), segment)
            _limit(self._services)
        else:
            invocation.segments = _kept(invocation.segments, segment)
            changed[invocation] = None
        return changed

    def _add_function(
        self, request_id: str, segment: FunctionSegment, invocations: Mapping[str, Invocation]
    ) -> Iterable[Invocation]:
        self._note_parts(request_id, segment.parts, invocations)
        invocation = invocations.get(request_id)
        if invocation is None:
            self._functions[request_id] = _kept(self._functions.get(request_id, ()), segment)
            _limit(self._functions)
            return ()
        invocation.function_segments = _kept(invocation.function_segments, segment)
        return (invocation,)


def _traces(invocation: Invocation) -> set[str]:
    known = {attempt.trace_id for attempt in invocation.attempts.values()}
    known |= {call.fact.trace_id for call in invocation.calls.values()}
    return {trace_id for trace_id in known if trace_id}


def _distance_s(segment: FunctionSegment, invocation: Invocation) -> float | None:
    """Give how far apart they began; None when the segment is another function's or time's."""
    if segment.function != invocation.function:
        return None
    distances = (distance_s(segment, attempt) for attempt in invocation.in_order())
    return min((known for known in distances if known is not None), default=None)


def _parts(segment: ServiceSegment) -> tuple[str, ...]:
    return tuple([part for part in (segment.id, *segment.attempts) if part])


def _kept(segments: tuple[_Segment, ...], segment: _Segment) -> tuple[_Segment, ...]:
    """Keep one document a segment: the finished one, or that which says more, of two."""
    if not segments:
        return (segment,)
    kept = list(segments)
    for index, known in enumerate(segments):
        if known.id == segment.id:
            kept[index] = max(known, segment, key=_completeness)
            return tuple(kept)
    kept.append(segment)
    return tuple(kept)


def _completeness(segment: Segment) -> tuple[bool, float, int, bytes]:
    ended_s = segment.ended_at_s
    told = msgspec.json.encode(segment)
    return (ended_s is not None, ended_s or 0.0, len(told), told)


def _limit(kept: dict[str, _Value]) -> None:
    if len(kept) > _KEPT:
        for key in list(islice(kept, _KEPT // 10)):
            del kept[key]
