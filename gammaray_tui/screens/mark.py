"""What to remember this moment by."""

from __future__ import annotations

from gammaray_tui.screens.question import Question


class MarkScreen(Question[str]):
    """Asks for a few words and gives them; none at all will do."""

    TITLE_TEXT = "mark this moment"
    KEYS_TEXT = "enter mark · esc cancel"
    LABEL = "what happens"
    EXAMPLE = "new version is out"
    NOTE = "Time lines and recordings keep it; a comparison begins with before and after it."
    GO = "mark"

    def answer(self, line: str) -> str:
        """Give the words."""
        return line
