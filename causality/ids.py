"""The index of ids that AWS issued: who showed an id, and who received it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from causality.graph import CauseNode, Found, OutputNode
from causality.match_keys import (
    CALLER,
    ExactKey,
    exact_cause_keys,
    exact_output_keys,
    ids_differ,
    output_order,
)
from gammaray_recorder import wire


class IdIndex:
    """Outputs and causes by the ids that they show."""

    def __init__(self) -> None:
        """Make an empty index."""
        self._outputs: dict[ExactKey, list[OutputNode]] = {}
        self._causes: dict[ExactKey, list[CauseNode]] = {}

    def __len__(self) -> int:
        """Give the number of ids."""
        return len(self._outputs.keys() | self._causes.keys())

    def add_output(self, node: OutputNode) -> Iterable[CauseNode]:
        """Enter an output; gives the causes for which that may change something."""
        met: list[CauseNode] = []
        for key in exact_output_keys(node):
            self._outputs.setdefault(key, []).append(node)
            met += self._causes.get(key, ())
        return self._with_claimants(met)

    def remove_output(self, node: OutputNode) -> Iterable[CauseNode]:
        """Take an output out; gives the causes for which that may change something."""
        met: list[CauseNode] = []
        for key in exact_output_keys(node):
            _discard(self._outputs, key, node)
            met += self._causes.get(key, ())
        return self._with_claimants(met)

    def add_cause(self, node: CauseNode) -> Iterable[CauseNode]:
        """Enter a cause; gives it and the others for which that may change something."""
        for key in exact_cause_keys(node):
            self._causes.setdefault(key, []).append(node)
        return self._with_claimants([node])

    def remove_cause(self, node: CauseNode) -> None:
        """Take a cause out."""
        for key in exact_cause_keys(node):
            _discard(self._causes, key, node)

    def met(self, cause: CauseNode) -> list[OutputNode]:
        """Give every output that shares an id with a cause."""
        return [o for key in exact_cause_keys(cause) for o in self._outputs.get(key, ())]

    def find(self, cause: CauseNode) -> Found | None:
        """Find the output that an id proves; the id that was delivered last decides."""
        for key in exact_cause_keys(cause):
            outputs = self._outputs.get(key)
            if outputs is None:
                continue
            outputs = [o for o in outputs if o.call.invocation is not cause.invocation]
            certain = True
            if key[0] == wire.ID_TRACEPARENT:
                outputs = [o for o in outputs if _may_answer(o, cause)]
                if outputs and self._is_forwarded(key, outputs[0]):
                    outputs, certain = self._by_address(key, outputs, cause)
            short = key[0] == CALLER and len(self._causes.get(key, ())) > len(outputs)
            if len(outputs) > 1:
                if cause.fact.key is not None:
                    # DeleteObjects: one request id, many objects.
                    outputs = [o for o in outputs if o.fact.key == cause.fact.key] or outputs
                outputs = sorted(outputs, key=output_order)
            if outputs:
                return Found(outputs, certain, short=short)
        return None

    # --- traceparent: a header that a function may hand on to the next one --------------------

    def _with_claimants(self, causes: list[CauseNode]) -> Iterable[CauseNode]:
        """Add the causes that show the same: what one is proven to be, others are not."""
        found = dict.fromkeys(causes)
        for cause in causes:
            if cause.fact.caller is not None:
                found.update(dict.fromkeys(self._one_too_many(cause)))
            header = cause.fact.ids.get(wire.ID_TRACEPARENT)
            if header is not None:
                found.update(dict.fromkeys(self._causes.get((wire.ID_TRACEPARENT, header), ())))
        return found

    def _one_too_many(self, cause: CauseNode) -> list[CauseNode]:
        """Give the callees of one caller when they have just become more than its calls."""
        key = next(key for key in exact_cause_keys(cause) if key[0] == CALLER)
        causes = self._causes.get(key, [])
        return causes if len(causes) == len(self._outputs.get(key, ())) + 1 else []

    def _claimants(self, key: ExactKey, output: OutputNode) -> list[CauseNode]:
        """Give the causes that have nothing better than this header, each invocation once."""
        claimants = {
            cause.invocation: cause
            for cause in self._causes.get(key, ())
            if _may_answer(output, cause)
            and cause.fact.name != "authorizer"  # it runs beside the function for one request
            and not any(
                better in self._outputs
                for better in exact_cause_keys(cause)
                if better[0] not in (wire.ID_TRACEPARENT, wire.ID_EXECUTION)
            )
        }
        return list(claimants.values())

    def _is_forwarded(self, key: ExactKey, output: OutputNode) -> bool:
        return len(self._claimants(key, output)) > 1 + output.call.fact.retries

    def _by_address(
        self, key: ExactKey, outputs: list[OutputNode], cause: CauseNode
    ) -> tuple[list[OutputNode], bool]:
        """Tell by the address who received the request itself, if that tells it."""
        output = outputs[0]
        addressed = [
            claimant
            for claimant in self._claimants(key, output)
            if claimant.fact.resource == output.fact.resource
        ]
        if not 0 < len(addressed) <= 1 + output.call.fact.retries:
            return outputs, False
        return (outputs, True) if cause in addressed else ([], True)


def _may_answer(output: OutputNode, cause: CauseNode) -> bool:
    """Say whether no other id shows that this call reached another function."""
    return output.call.fact.retries > 0 or not ids_differ(output, cause.fact)


_Node = TypeVar("_Node", OutputNode, CauseNode)


def _discard(index: dict[ExactKey, list[_Node]], key: ExactKey, node: _Node) -> None:
    nodes = index.get(key)
    if nodes is not None and node in nodes:
        nodes.remove(node)
        if not nodes:
            del index[key]
