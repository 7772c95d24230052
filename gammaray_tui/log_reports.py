"""Billed time and memory of the invocation that the user looks at, out of its log."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from causality.snapshot import Detail, NodeId
from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.model import Model
    from providers.operations import Inspections


class LogReports:
    """Asks for the REPORT line of an invocation once, when the selection rests on it."""

    def __init__(self) -> None:
        """Nothing has been asked for."""
        self._rested_on: NodeId | None = None
        self._asked: set[NodeId] = set()

    def wanted(self, detail: Detail | None) -> NodeId | None:
        """Give the node to ask for now: the same as at the last call, ended, not asked for yet."""
        node = detail.node if detail is not None and detail.state != "running" else None
        rests, self._rested_on = node == self._rested_on, node
        return node if node is not None and rests and node not in self._asked else None

    async def fetch(self, node: NodeId, model: Model, inspections: Inspections) -> None:
        """Ask, and hand over what comes."""
        self._asked.add(node)
        wanted = [one for one in model.logs_wanted(node) if one.request_id == node]
        # Figures beside the rest: without permission to read logs, they are just not there.
        with suppress(UserError):
            for report in await inspections.reports(wanted):
                model.reported(report)
