"""What an export would draw, drawn in the terminal."""

from __future__ import annotations

from textual.app import ComposeResult

from gammaray_tui.exports import Preview
from gammaray_tui.screens.dialog import Dialog, plain
from widgets import formats
from widgets.look import Look
from widgets.map_view import MapView


class PreviewScreen(Dialog[None]):
    """A picture that can be walked through, of the first nodes."""

    KEYS_TEXT = "↑ ↓ ← → move · esc back"
    SAFE = "#picture"
    DEFAULT_CSS = """
    PreviewScreen {
        #box { width: 96%; height: 92%; }
        #picture { height: 1fr; }
        #about { margin-top: 1; }
    }
    """

    def __init__(self, look: Look, view: str, preview: Preview) -> None:
        super().__init__(look)
        self._view = view
        self._preview = preview

    def title_text(self) -> str:
        """Give the title."""
        return f"preview: {self._view}"

    def content(self) -> ComposeResult:
        """Compose the picture, and what it is of."""
        yield MapView(self.look, rates=False, id="picture")
        drawn = self._preview.drawn
        nodes = formats.plural(len(drawn.nodes), "node")
        size = f"{nodes}, {formats.plural(len(drawn.edges), 'edge')}"
        text = size if self._preview.whole else f"the first {size}; the file has all"
        yield plain(text if drawn.nodes else "There is nothing to draw yet.", id="about")

    def on_mount(self) -> None:
        """Draw it."""
        super().on_mount()
        self.query_one(MapView).show_map(self._preview.drawn)
