"""Calls that started nothing, where calls like them start functions.

A call that starts nothing is normal: most tables have no trigger. It is worth knowing of where
the same table, folder, topic, queue or function does start invocations.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, TypeAlias

from causality import names
from causality.facts import Cause
from causality.graph import CallNode, CauseNode, Invocation, OutputNode
from causality.matching.match_keys import exact_cause_keys

Place: TypeAlias = tuple[str, str]  # service; resource, with its region where its name has none

# Of the other services the two sides name different things, such as a bus and a source.
SERVICES: Final = frozenset({"dynamodb", "s3", "sns", "sqs", "kinesis", "lambda"})
_REGIONAL: Final = frozenset({"dynamodb", "lambda"})
_KEPT = 1000  # calls of one place, the newest


class Silence:
    """The places that start functions, and the calls on them that did not."""

    def __init__(self) -> None:
        """Begin without any."""
        self._starting: dict[Place, None] = {}
        self._silent: dict[Place, dict[CallNode, None]] = {}

    def update(self, invocation: Invocation) -> None:
        """Take over what changed of an invocation, or that it left."""
        for cause in invocation.causes:
            place = place_of_cause(cause.fact, invocation)
            if place is not None and _can_be_matched(cause):
                self._starting[place] = None
        for call in invocation.calls.values():
            silent = not (invocation.gone or call.edges or call.effect != "proven")
            for place in dict.fromkeys(_places(call)):
                calls = self._silent.setdefault(place, {})
                if not silent:
                    calls.pop(call, None)
                    continue
                calls[call] = None
                for old in list(islice(calls, max(0, len(calls) - _KEPT))):
                    del calls[old]

    def before(self, until_s: float, limit: int) -> Iterator[list[CallNode]]:
        """Give the silent calls made until a time, those of one function and place together."""
        for place in self._starting:
            together: dict[tuple[str, ...], list[CallNode]] = {}
            for call in islice(reversed(self._silent.get(place, {})), limit):
                if (call.started_at_s or 0.0) <= until_s:
                    maker = call.invocation
                    alike = (maker.function or "", maker.account or "", call.fact.operation)
                    together.setdefault(alike, []).append(call)
            yield from together.values()


def _can_be_matched(cause: CauseNode) -> bool:
    """Say whether a call can be found for a cause; not for a message in the original's records."""
    return cause.edge is not None or bool(cause.keys or exact_cause_keys(cause))


def _places(call: CallNode) -> Iterator[Place]:
    for output in call.outputs:
        if call.fact.service in SERVICES and not output.fact.doubtful:
            yield place_of_output(call, output)


def place_of_output(call: CallNode, output: OutputNode) -> Place:
    """Say where an output went, in words that causes share."""
    service = call.fact.service
    resource = output.fact.resource or call.fact.resource or ""
    region = call.fact.region or call.invocation.region or ""
    return _place(service, resource, output.fact.key, region)


def place_of_cause(cause: Cause, invocation: Invocation) -> Place | None:
    """Say where a cause came from; None where its words and those of calls are not the same."""
    if cause.service not in SERVICES:
        return None
    resource = cause.resource or (invocation.function if cause.service == "lambda" else "") or ""
    return _place(cause.service, resource, cause.key, invocation.region or cause.region or "")


def _place(service: str, resource: str, key: str | None, region: str) -> Place:
    if service == "s3":
        folder = (key or "").rpartition("/")[0]
        return (service, f"{resource}/{folder}")
    if service == "lambda":
        resource = names.bare_function(resource)
    elif service == "kinesis":  # an event may name a consumer of the stream
        resource = names.stream(resource)
    return (service, f"{region} {resource}" if service in _REGIONAL else resource)
