"""Billed time and memory of the invocations on screen, out of their logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from causality.snapshot import Detail, NodeId, TreeRow
from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.model import Model
    from providers.operations import Inspections

# What is on screen is asked for so often, so many invocations at a time, of so many functions:
# FilterLogEvents takes 5 calls a second in a region, and others want some of them.
_EVERY_S: Final = 5.0
_MOST, _MOST_FUNCTIONS = 40, 4
# Lines come some seconds after the invocation's end; some never do.
_TRIES: Final = 2
_KEPT: Final = 20_000
_NOT_OVER: Final = frozenset({"running", "unknown"})


class LogReports:
    """Asks for REPORT lines: of the selection when it rests, of what is on screen now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing has been asked for.

        Args:
            clock: gives seconds, of any epoch.
        """
        self._clock = clock
        self._rested_on: NodeId | None = None
        self._tries: dict[NodeId, int] = {}
        self._asked_at_s = float("-inf")
        self._busy = False

    def wanted(self, detail: Detail | None, rows: Iterable[TreeRow]) -> list[NodeId]:
        """Give the nodes to ask for now.

        Args:
            detail: the selection; asked for at once when it is the same as at the last call.
            rows: the lines on screen.
        """
        node = detail.node if detail is not None and detail.state not in _NOT_OVER else None
        rests, self._rested_on = node == self._rested_on, node
        if self._busy:
            return []
        if node is not None and rests and node not in self._tries:
            return [node]
        if self._clock() - self._asked_at_s < _EVERY_S:
            return []
        return self._on_screen(rows)

    def _on_screen(self, rows: Iterable[TreeRow]) -> list[NodeId]:
        functions: set[tuple[str, str]] = set()
        nodes: list[NodeId] = []
        for row in rows:
            if (
                row.kind != "invocation"
                or row.state in _NOT_OVER
                or self._tries.get(row.node, 0) >= _TRIES
            ):
                continue
            functions.add((row.function, row.region))
            if len(functions) > _MOST_FUNCTIONS or len(nodes) == _MOST:
                break
            nodes.append(row.node)
        return nodes

    async def fetch(self, nodes: Sequence[NodeId], model: Model, inspections: Inspections) -> None:
        """Ask, and hand over what comes."""
        self._busy = True
        if len(self._tries) > _KEPT:
            self._tries.clear()
        for node in nodes:
            self._tries[node] = self._tries.get(node, 0) + 1
        wanted = [
            one for node in nodes for one in model.logs_wanted(node) if one.request_id == node
        ]
        try:
            for report in await inspections.reports(wanted):
                self._tries[report.request_id] = _TRIES
                model.reported(report)
        except UserError:
            # Figures beside the rest: without permission to read logs, they are just not there.
            self._tries |= dict.fromkeys(nodes, _TRIES)
        finally:
            self._busy = False
            self._asked_at_s = self._clock()
