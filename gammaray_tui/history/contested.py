"""Where several outputs or causes could be meant: the code that the live view matches with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from causality.facts import Cause
from causality.graph import CallNode, CauseNode, Invocation, OutputNode
from causality.matching.found import Found
from causality.matching.group_index import GroupIndex
from causality.matching.ids import IdIndex
from causality.matching.lineage import led_to
from causality.matching.match_keys import CONTENT, EXACT, ORDER
from gammaray_tui.history.nodes import call_of, cause_of, output_of

Rows: TypeAlias = Iterable[Mapping[str, Any]]
Verdict: TypeAlias = tuple[str, str, int, str, str, str, bool, bool, bool, bool]


class Contested:
    """Causes that compete, with all that they compete for and with."""

    def __init__(self, causes: Rows, outputs: Rows) -> None:
        """Take the halves, as rows of `Halves`."""
        self._invocations: dict[str, Invocation] = {}
        self._outputs = {row["output_id"]: self._output(row) for row in outputs}
        self._ids = {node: output_id for output_id, node in self._outputs.items()}
        numbers: dict[str, int] = defaultdict(int)
        self._causes: dict[str, CauseNode] = {}
        for row in sorted(causes, key=lambda row: (row["cause"], row["cause_id"])):
            number = numbers[row["request_id"]]
            numbers[row["request_id"]] += 1
            self._causes[row["cause_id"]] = self._cause(row, number)

    @property
    def makers(self) -> set[str]:
        """The invocations that made the outputs."""
        return {node.call.invocation.request_id for node in self._outputs.values()}

    def by_id(self, wanted: Collection[str]) -> Iterator[Verdict]:
        """Find what ids prove for some of the causes."""
        index = IdIndex({}, self._invocations.get)
        doubted: dict[CauseNode, None] = {}
        for output in self._outputs.values():
            index.add_output(output, doubted)
        for cause in self._causes.values():
            index.add_cause(cause, doubted)
        for cause_id in wanted:
            yield from self._verdicts(cause_id, EXACT, index.find(self._causes[cause_id]))

    def by_content_or_order(
        self,
        wanted: Collection[str],
        keys: Iterable[tuple[str, int, str]],
        exact: Mapping[str, Collection[str]],
        parents: Mapping[str, Collection[str]],
    ) -> Iterator[Verdict]:
        """Find what content and order tell for some of the causes.

        Args:
            wanted: their `cause_id`.
            keys: of all halves: id, level and match key.
            exact: for each cause that an id proves, the outputs that it leads to.
            parents: for invocations, those that led to them by proven edges.
        """
        for cause_id, outputs in exact.items():
            known = [self._outputs[o] for o in outputs if o in self._outputs]
            self._causes[cause_id].exact = Found(known, True)
        index = GroupIndex()
        for half, level, text in keys:
            if half in self._outputs:
                node = self._outputs[half]
                node.keys = (*node.keys, (text,))
                index.add_output(level, (text,), node)
            elif half in self._causes:
                cause = self._causes[half]
                cause.keys = (*cause.keys, (text,))
                index.add_cause(level, (text,), cause)

        for request_id in parents:
            if request_id in self._invocations:
                # Where there are none, nobody looks for what led to them.
                invocation = self._invocations[request_id]
                invocation.causes = (CauseNode(invocation, Cause(), 0),)

        def leads(first: Invocation, last: Invocation) -> bool:
            return led_to(first.request_id, last.request_id, lambda i: parents.get(i, ()))

        for cause, found in index.solve(CONTENT, leads):
            cause.content = found
        for cause, found in index.solve(ORDER, leads):
            cause.order = found
        for cause_id in wanted:
            cause = self._causes[cause_id]
            yield from self._verdicts(cause_id, CONTENT, cause.content)
            yield from self._verdicts(cause_id, ORDER, cause.order)

    def _verdicts(self, cause_id: str, level: int, found: Found | None) -> Iterator[Verdict]:
        if found is None:
            return
        child = self._causes[cause_id].invocation.request_id
        for output in found.outputs:
            call = output.call
            yield (
                cause_id,
                child,
                level,
                self._ids[output],
                call.invocation.request_id,
                call.id,
                found.certain,
                found.narrowed,
                found.recurs,
                found.short,
            )

    def _invocation(self, request_id: str) -> Invocation:
        invocation = self._invocations.get(request_id)
        if invocation is None:
            invocation = self._invocations[request_id] = Invocation(request_id)
        return invocation

    def _output(self, row: Mapping[str, Any]) -> OutputNode:
        maker = self._invocation(row["request_id"])
        maker.account = row["account"]
        node = CallNode(maker, call_of(row))
        return OutputNode(node, output_of(row), row["output"])

    def _cause(self, row: Mapping[str, Any], number: int) -> CauseNode:
        invocation = self._invocation(row["request_id"])
        invocation.recorded_at_s = row["began_s"]
        invocation.arn = row["arn"] or ""
        invocation.function = row["function"]
        invocation.region = row["function_region"]
        invocation.account = row["account"]
        return CauseNode(invocation, cause_of(row), number)
