"""Choosing a theme: each is shown as it is pointed at."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from gammaray_tui.screens.dialog import Dialog, push_button
from widgets.growing_list import GrowingList
from widgets.line_list import LineList
from widgets.look import Look
from widgets.painted_list import Item, pieces_item

_OURS = "gammaray-"


class ThemeScreen(Dialog[None]):
    """The themes, ours first; Escape goes back to the one that was on."""

    DEFAULT_CSS = """
    ThemeScreen {
        background: transparent;
        #box { width: 44; }
        LineList { max-height: 16; }
    }
    """
    TITLE_TEXT = "theme"
    KEYS_TEXT = "↑ ↓ show · enter keep · esc back"
    SAFE = "#themes"

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self._before = ""
        self._names: list[str] = []
        self._list = GrowingList(look, picks=True, id="themes")

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield self._list

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("back", "cancel")
        yield push_button("keep", "keep", kind="go")

    def on_mount(self) -> None:
        """Show the themes, the cursor on the one that is on."""
        super().on_mount()
        self._before = self.app.theme
        names = self.app.available_themes
        self._names = sorted(names, key=lambda name: (not name.startswith(_OURS), name))
        self._list.show_items([self._item(name) for name in self._names])
        self._list.move_to(self._names.index(self._before), by_user=False)
        self._list.reveal(self._list.cursor)

    def _item(self, name: str) -> Item:
        palette = self.look.palette
        theme = self.app.available_themes[name]
        kind = "terminal" if theme.ansi else "dark" if theme.dark else "light"
        on = self.look.glyphs.selected if name == self._before else " "
        shown = self.look.left(self.look.safe(name), 26)
        pieces = [(f" {on} ", palette.key), (shown, palette.text)]
        return pieces_item([*pieces, (f" {kind}", palette.muted)], name)

    @on(LineList.Moved, "#themes")
    def _pointed_at(self, event: LineList.Moved) -> None:
        self.app.theme = self._names[event.index]

    @on(LineList.Chosen, "#themes")
    @on(Button.Pressed, "#keep")
    def _kept(self) -> None:
        self.dismiss(None)

    def action_cancel(self) -> None:
        """Go back to the theme that was on."""
        self.app.theme = self._before
        self.dismiss(None)
