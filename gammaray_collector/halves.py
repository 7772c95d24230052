"""The halves of edges in a record, and the keys under which they wait for each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

import msgspec

from causality.facts import Call, Facts, Start
from causality.graph import CallNode, CauseNode, Invocation, OutputNode
from causality.matching.match_keys import (
    EXACT,
    exact_cause_keys,
    exact_output_keys,
    group_cause_keys,
    group_output_keys,
    key_names_of,
)
from causality.merging import unknown
from causality.reading.decoding import decode_image
from gammaray_collector import reading
from gammaray_collector.items import Item, digest, stream_record_of
from gammaray_collector.waiting import CauseHalf, Half, OutputHalf, TablePlace
from gammaray_recorder import wire

LeveledKey: TypeAlias = tuple[int, tuple[str, ...]]
# Which attributes are the key of a table.
KeyNames: TypeAlias = dict[TablePlace, set[tuple[str, ...]]]

# Callees that name their caller wait for any record of it: of the original's alone.
AWAITS: Final = "awaits"

_encode = msgspec.json.Encoder().encode
_PARTS = 100_000


def halves_of(facts: Facts, part: int) -> Iterator[Half]:
    """Give the halves that a record shows.

    Args:
        facts: what it says.
        part: its place among the records of its attempt, which may continue each other.
    """
    for fact in facts.facts:
        if type(fact) is Call:
            yield from _outputs(facts, fact, part)
        elif type(fact) is Start:
            yield from _causes(facts, fact, part)


def halves_in(record: Item) -> Iterator[Half]:
    """Give the halves that the item of a record shows."""
    image = stream_record_of(record).dynamodb.NewImage
    if image is not None:
        facts = decode_image(image)
        yield from halves_of(facts, reading.part_of(image, facts))


def _outputs(facts: Facts, call: Call, part: int) -> Iterator[OutputHalf]:
    if call.at_s is None:
        call.at_s = facts.written_at_s
    invocation = Invocation(facts.request_id, region=facts.region)
    if not call.outputs or CallNode(invocation, call).effect == "none":
        return
    bare = msgspec.structs.replace(call, outputs=())
    for number, output in enumerate(unknown(call.outputs, ())):
        told = f"{facts.request_id}\n{call.id}\n".encode() + _encode(output)
        yield OutputHalf(
            facts.request_id,
            digest(told),
            part * _PARTS + number,
            bare,
            output,
            facts.region,
            facts.attempt,
        )


def _causes(facts: Facts, start: Start, part: int) -> Iterator[CauseHalf]:
    for number, cause in enumerate(unknown(start.causes, ())):
        told = f"{facts.request_id}\n".encode() + _encode(cause)
        yield CauseHalf(
            facts.request_id,
            digest(told),
            part * _PARTS + number,
            start.at_s,
            cause,
            start.arn,
            start.region or facts.region,
        )


def identity(half: Half) -> str:
    """Give what tells a half from all others."""
    return half.output_id if isinstance(half, OutputHalf) else half.cause_id


def part_of(half: Half) -> int:
    """Give the place of a half's record among those of its attempt."""
    return half.number // _PARTS


def is_first(half: CauseHalf) -> bool:
    """Say whether a cause is the first of its event."""
    return half.number % _PARTS == 0


def time_of(half: Half) -> float:
    """Give when an output was made, or the invocation of a cause began."""
    return half.call.at_s or 0.0 if isinstance(half, OutputHalf) else half.began_s


class Nodes:
    """Halves as the matching engine's nodes.

    Attributes:
        halves: by identity.
        invocations: by request id.
    """

    def __init__(self, names: KeyNames) -> None:
        """Begin without any; `names` is told of the keys of tables, too."""
        self.halves: dict[str, Half] = {}
        self.invocations: dict[str, Invocation] = {}
        self.outputs: dict[str, OutputNode] = {}
        self.causes: dict[str, CauseNode] = {}
        self._names = names
        self._calls: dict[tuple[str, str], CallNode] = {}

    def add(self, half: Half) -> bool:
        """Take a half; says whether it is new. Of several attempts the earliest counts."""
        known = self.halves.get(identity(half))
        if known is not None and not (
            isinstance(half, CauseHalf) and half.began_s < time_of(known)
        ):
            return False
        self.halves[identity(half)] = half
        invocation = self.invocation(half.request)
        if isinstance(half, OutputHalf):
            invocation.region = invocation.region or half.region
            call = self._calls.get((half.request, half.call.id))
            if call is None:
                call = CallNode(invocation, half.call, half.attempt)
                self._calls[half.request, half.call.id] = call
            node = OutputNode(call, half.output, half.number)
            call.outputs += (node,)
            self.outputs[half.output_id] = node
        else:
            if invocation.recorded_at_s is None or half.began_s < invocation.recorded_at_s:
                invocation.recorded_at_s = half.began_s
                invocation.arn = half.arn
                invocation.describe(half.arn, half.region)
                invocation.account = None  # of who made a call, no half tells it
            table = table_of_cause(half)
            if table is not None and half.cause.key is not None:
                names = key_names_of(half.cause.key)
                if names:
                    self._names.setdefault(table, set()).add(names)
            if known is None:
                cause = CauseNode(invocation, half.cause, half.number)
                invocation.causes += (cause,)
                self.causes[half.cause_id] = cause
        return True

    def invocation(self, request_id: str) -> Invocation:
        """Give the node of an invocation."""
        found = self.invocations.get(request_id)
        if found is None:
            found = self.invocations[request_id] = Invocation(request_id)
        return found

    def keys(self, half: Half) -> list[LeveledKey]:
        """Give the match keys of a half."""
        if isinstance(half, OutputHalf):
            node = self.outputs[half.output_id]
            table = table_of_put(node)
            names = self._names.get(table, set()) if table is not None else set()
            exact: Iterable[tuple[str, ...]] = exact_output_keys(node)
            return [*((EXACT, key) for key in exact), *group_output_keys(node, names)]
        cause = self.causes[half.cause_id]
        keys = [*((EXACT, key) for key in exact_cause_keys(cause)), *group_cause_keys(cause)]
        if half.cause.caller is not None:
            keys.append((EXACT, (AWAITS, half.cause.caller)))
        return keys

    def told(self) -> Iterator[tuple[TablePlace, tuple[str, ...]]]:
        """Give what the halves tell of the keys of tables."""
        for node in self.outputs.values():
            call, fact = node.call.fact, node.fact
            if call.service == "dynamodb" and fact.resource and fact.key is not None:
                region = call.region or node.call.invocation.region or ""
                if names := key_names_of(fact.key):
                    yield (region, fact.resource), names
        for half in self.halves.values():
            if isinstance(half, CauseHalf) and half.cause.key is not None:
                table = table_of_cause(half)
                if table is not None and (names := key_names_of(half.cause.key)):
                    yield table, names


def invoked_by(node: OutputNode) -> Iterator[str]:
    """Give the request id that a call was answered with: of the invocation that it started."""
    return (key[1] for key in exact_output_keys(node) if key[0] == wire.ID_LAMBDA_REQUEST)


def table_of_put(node: OutputNode) -> TablePlace | None:
    """Give the table whose key has to be known for an output's match keys; None if none has."""
    call, fact = node.call.fact, node.fact
    if call.service != "dynamodb" or not fact.resource or fact.key is not None:
        return None
    if not fact.attribute_hashes:
        return None
    return call.region or node.call.invocation.region or "", fact.resource


def table_of_cause(half: CauseHalf) -> TablePlace | None:
    """Give the table of which a cause tells the key; None if it tells of none."""
    cause = half.cause
    if cause.service != "dynamodb" or not cause.resource or cause.key is None:
        return None
    invocation = Invocation(half.request)
    invocation.describe(half.arn, half.region)
    return invocation.region or cause.region or "", cause.resource
