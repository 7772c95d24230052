"""Which chain to go to, by the request id of any of its invocations."""

from __future__ import annotations

from causality.snapshot import NodeId
from gammaray_tui.screens.question import Question
from providers.errors import UserError


class OpenChainScreen(Question[NodeId]):
    """Asks for a request id and gives it."""

    TITLE_TEXT = "go to a chain"
    KEYS_TEXT = "enter go · esc cancel"
    LABEL = "request id"
    EXAMPLE = "8f6c1a2e-5d0b-4c55-9d1f-0a6f3f3d9c11"
    NOTE = "of any invocation of the chain"

    def answer(self, line: str) -> NodeId:
        """Give the request id, if anything was typed."""
        if not line:
            raise UserError("No request id was given.")
        return line
