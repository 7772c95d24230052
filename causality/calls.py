"""Calls and what they wrote: entered for matching as far as they took effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from causality.facts import Call, Output, shrink_call
from causality.graph import CallNode, Invocation, OutputNode, Weight
from causality.links import meaning
from causality.matching.matcher import Matcher
from causality.merging import either, unknown

_SUCCEEDED: Final[Weight] = ("proven", None)


class Calls:
    """Makes the nodes of calls, and enters their outputs for matching."""

    def __init__(self, matcher: Matcher) -> None:
        """Enter outputs there."""
        self._matcher = matcher

    def apply(
        self, invocation: Invocation, fact: Call, attempt: str | None, written_at_s: float
    ) -> None:
        """Take a call of an invocation, or another record of it.

        Args:
            invocation: made it.
            fact: what the record says.
            attempt: nonce of the attempt that made it, where the record tells.
            written_at_s: when the record was written.
        """
        if fact.at_s is None:
            fact.at_s = written_at_s
        call = invocation.call(fact.id)
        shrink_call(fact)
        outputs: Sequence[Output] = fact.outputs
        if outputs:
            fact.outputs = ()
        if call is None:
            weight = _SUCCEEDED if fact.error is None else None
            call = CallNode(invocation, fact, attempt, weight)
            invocation.add_call(call)
            if weight is None:
                self.weigh(call)
            if outputs:
                self._add(call, outputs if len(outputs) == 1 else unknown(outputs, ()))
            return
        if call.fact != fact:
            self.withdraw(call)
            call.fact = fact if call.segment is call.fact else either(call.fact, fact)
        # A repetition adds nothing; a call with many outputs comes in parts.
        self._add(call, unknown(outputs, [known.fact for known in call.outputs]))
        self.weigh(call)

    def weigh(self, call: CallNode) -> None:
        """Enter the outputs of a call, or take them out, as is known of its effect by now."""
        weight = call.weight
        if weight == call.indexed_as:
            return
        self.withdraw(call)
        if weight[0] != "none":
            for output in call.outputs:
                output.callee_request_id = weight[1]
                self._matcher.add_output(output)
            call.indexed_as = weight

    def withdraw(self, call: CallNode) -> None:
        """Take the outputs of a call out."""
        if call.indexed_as is not None:
            for output in call.outputs:
                self._matcher.remove_output(output)
        call.indexed_as = None

    def forget(self, invocation: Invocation) -> None:
        """Let the calls go of an invocation that leaves."""
        for cause in meaning(invocation):
            # Its edge stays as it is: looked at again, it would be another one.
            self._matcher.forget_cause(cause)
        for call in invocation.calls.values():
            edges = (cause.edge for cause in call.edges)
            matched = any(edge is not None and edge.parent is invocation for edge in edges)
            for output in call.outputs:
                self._matcher.forget_output(output, matched=matched)

    def _add(self, call: CallNode, outputs: Sequence[Output]) -> None:
        entered = call.indexed_as
        callee = entered[1] if entered is not None else None
        number = len(call.outputs)
        if len(outputs) == 1:
            new: tuple[OutputNode, ...] = (OutputNode(call, outputs[0], number, callee),)
        else:
            new = tuple([OutputNode(call, o, n, callee) for n, o in enumerate(outputs, number)])
        call.outputs += new
        if entered is not None:
            for output in new:
                self._matcher.add_output(output)
