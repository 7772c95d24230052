"""Calls of which a try may have worked without that anybody was told its id.

Boto3 shows the answer to a call's last try, if there was one. The message, event or stream record
that another one sent has an id that no call shows. Then the call is a candidate, never more, if
the service says that it took the record while the call lasted.
"""

from __future__ import annotations

from typing import Final, TypeAlias, TypeVar

from causality import names
from causality.clock import CLOCK_SKEW_S
from causality.graph import CauseNode, OutputNode
from causality.matching.match_keys import must_have_a_call, output_order

_Node = TypeVar("_Node", OutputNode, CauseNode)
# Where it was sent, and the minute in which the service took it.
_Slot: TypeAlias = tuple[str, str, str, int]
# Elsewhere, content or a header tells of earlier tries.
_SERVICES: Final = frozenset({"sqs", "sns", "events", "kinesis"})
_ROUNDING_S: Final = 1.0  # EventBridge tells whole seconds
_SLOT_S: Final = 60.0
_LONGEST_S: Final = 900.0  # Lambda ends a function by then


class Retried:
    """Calls that were tried again or not answered, and causes of which no call shows the id.

    Attributes:
        waiting: these causes.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self.waiting: dict[_Slot, dict[CauseNode, None]] = {}
        self._outputs: dict[_Slot, dict[OutputNode, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self.waiting.values())) + sum(map(len, self._outputs.values()))

    def add_output(self, node: OutputNode) -> dict[CauseNode, None]:
        """Enter an output, if nobody knows all ids of its call; gives what may be of it."""
        slots = _slots_of(node)
        for slot in slots:
            self._outputs.setdefault(slot, {})[node] = None
        return self._waiting_in(slots)

    def remove_output(self, node: OutputNode) -> dict[CauseNode, None]:
        """Take an output out; gives the causes that may have been of it."""
        slots = _slots_of(node)
        for slot in slots:
            _take(self._outputs, slot, node)
        return self._waiting_in(slots)

    def _waiting_in(self, slots: list[_Slot]) -> dict[CauseNode, None]:
        return {cause: None for slot in slots for cause in self.waiting.get(slot, ())}

    def wait(self, cause: CauseNode) -> list[OutputNode]:
        """Note that no call shows the id of a cause; gives the outputs that may be meant."""
        slot = _slot_of(cause)
        if slot is None:
            return []
        self.waiting.setdefault(slot, {})[cause] = None
        may_be_meant = [node for node in self._outputs.get(slot, ()) if _took(node, cause)]
        return sorted(may_be_meant, key=output_order)

    def forget(self, cause: CauseNode) -> None:
        """Note that a call shows the id of a cause, or that it leaves."""
        slot = _slot_of(cause)
        if slot is not None:
            _take(self.waiting, slot, cause)


def _slots_of(node: OutputNode) -> list[_Slot]:
    call, made_s = node.call.fact, node.call.fact.at_s
    hides_ids = call.retries > 0 or call.error is not None
    if not hides_ids or call.service not in _SERVICES or made_s is None:
        return []
    resource = node.fact.resource or call.resource or ""
    region = call.region or node.call.invocation.region or ""
    first_s, last_s = _lasted(node)
    minutes = range(int(first_s // _SLOT_S), int(last_s // _SLOT_S) + 1)
    return [_slot(call.service, region, resource, minute) for minute in minutes]


def _slot_of(cause: CauseNode) -> _Slot | None:
    fact = cause.fact
    if fact.service not in _SERVICES or fact.at_s is None or fact.caller is not None:
        return None
    if not must_have_a_call(fact):
        return None
    region = fact.region or cause.invocation.region or ""
    return _slot(fact.service, region, fact.resource or "", int(fact.at_s // _SLOT_S))


def _slot(service: str, region: str, resource: str, minute: int) -> _Slot:
    if service == "events":
        resource = ""  # a call names the bus, an event its source
    elif service == "kinesis":
        resource = names.stream(resource)
    else:
        region = ""  # it is in the ARN, and a topic's subscribers can be elsewhere
    return (service, region, resource, minute)


def _lasted(node: OutputNode) -> tuple[float, float]:
    made_s, duration_s = node.made_s, node.call.fact.duration_s or 0.0
    ended_s = made_s + min(duration_s, _LONGEST_S)
    return made_s - CLOCK_SKEW_S - _ROUNDING_S, ended_s + CLOCK_SKEW_S


def _took(node: OutputNode, cause: CauseNode) -> bool:
    """Say whether the service took a record while a call lasted."""
    first_s, last_s = _lasted(node)
    at_s = cause.fact.at_s
    return at_s is not None and first_s <= at_s <= last_s


def _take(slots: dict[_Slot, dict[_Node, None]], slot: _Slot, node: _Node) -> None:
    nodes = slots.get(slot)
    if nodes is not None:
        nodes.pop(node, None)
        if not nodes:
            del slots[slot]
