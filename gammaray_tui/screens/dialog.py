"""The base of all dialogs: a box over the screen, a title, keys in its frame, buttons below."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

from gammaray_tui.actions import BY_ID, key_sign
from gammaray_tui.handlers import copy_text
from gammaray_tui.screen_keys import DIALOG, JUMP
from gammaray_tui.screens.app_screen import AppScreen, Result
from providers.errors import UserError
from widgets.look import Look

_BETWEEN = " · "  # two hints


class Dialog(ModalScreen[Result], AppScreen[Result]):
    """A dialog. Escape leaves it without doing anything.

    A subclass yields its content from `content` and its buttons from `buttons`, and names in
    `SAFE` the widget that gets the focus: never one that destroys.
    """

    DEFAULT_CSS = """
    Dialog {
        align: center middle;

        #box {
            width: 76;
            max-width: 96%;
            height: auto;
            max-height: 92%;
            border: round $primary;
            border-title-color: $primary;
            border-title-style: bold;
            border-subtitle-color: $primary;
            background: $surface;
            padding: 1 2;
        }
        &.-wide #box { width: 110; }
        &.-destructive #box {
            border: round $error;
            border-title-color: $error;
            border-subtitle-color: $error;
        }
        &.-ascii #box { border: ascii $primary; }
        &.-ascii.-destructive #box { border: ascii $error; }

        .label { color: $text-muted; height: auto; }
        .gap { margin-top: 1; }
        .row { height: auto; }
        .row > .label { width: 14; }
        .row > LineList { width: 1fr; }

        LineList { max-height: 12; background: $surface; scrollbar-background: $surface; }
        LineList:focus { background: $background; }

        Input { height: 1; width: 1fr; border: none; padding: 0 1; background: $panel; }
        Input:focus { border: none; background: $cursor-line; }

        #trouble { color: $error; height: auto; display: none; margin-top: 1; }
        &.-trouble #trouble { display: block; }

        #buttons { height: 1; align-horizontal: right; margin-top: 1; }
        Button {
            width: auto;
            min-width: 10;
            margin-left: 2;
            padding: 0 1;
            color: $foreground;
            background: $panel;
            text-style: none;
        }
        Button:hover { background: $cursor-line; }
        Button.-textual-compact:focus {
            background: $foreground;
            color: $surface;
            text-style: bold;
        }
        Button.-go { color: $primary; text-style: bold; }
        Button.-textual-compact.-go:focus { background: $primary; color: $surface; }
        Button.-danger { color: $error; text-style: bold; }
        Button.-textual-compact.-danger:focus { background: $error; color: $surface; }
        Button:disabled { color: $text-muted; text-style: none; }
        &:ansi Button, &:ansi Button.-go, &:ansi Button.-danger { color: ansi_default; }
        &:ansi Button.-textual-compact:focus { text-style: bold reverse; background: ansi_default; }
        &:ansi Button:disabled { text-style: dim; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *DIALOG,
        Binding("ctrl+c", "app.help_quit", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
        JUMP,
    ]
    TITLE_TEXT: ClassVar[str] = ""
    KEYS_TEXT: ClassVar[str] = "esc cancel"
    WIDE: ClassVar[bool] = False
    DESTRUCTIVE: ClassVar[bool] = False
    SAFE: ClassVar[str] = "#cancel"
    AUTO_FOCUS = ""  # the first button would get it, and that may be the destructive one

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look
        self.set_class(self.WIDE, "-wide")
        self.set_class(self.DESTRUCTIVE, "-destructive")
        self.set_class(look.glyphs.ascii_only, "-ascii")

    def content(self) -> ComposeResult:
        """Compose what stands between the title and the buttons."""
        yield from ()

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("close", "cancel")

    def compose(self) -> ComposeResult:
        """Compose the box."""
        with _Box(id="box") as box:
            box.border_title = Content(f" {self.look.safe(self.title_text())} ")
            box.border_subtitle = self._named_keys(self.KEYS_TEXT)
            yield from self.content()
            yield plain("", id="trouble")
            with Horizontal(id="buttons"):
                yield from self.buttons()

    def title_text(self) -> str:
        """Give the title."""
        return self.TITLE_TEXT

    def on_mount(self) -> None:
        """Put the focus where nothing can go wrong."""
        self.focus_safe()

    def focus_safe(self) -> None:
        """Put the focus where nothing can go wrong."""
        self.query_one(self.SAFE, Widget).focus()

    def show_keys(self, text: str) -> None:
        """Say in the frame which keys work now."""
        self.query_one("#box", Vertical).border_subtitle = self._named_keys(text)

    def _named_keys(self, text: str) -> Content:
        """Write the text about keys with those that the user has put in their place."""
        keymap = self.gammaray.keymap
        shown = {
            key_sign(binding.key): keymap.shown(BY_ID[binding.id])
            for owner in type(self).__mro__
            for binding in owner.__dict__.get("BINDINGS", ())
            if isinstance(binding, Binding) and binding.id in keymap.changes
        }
        parts = [part.partition(" ") for part in text.split(_BETWEEN)]
        text = _BETWEEN.join(shown.get(key, key) + blank + rest for key, blank, rest in parts)
        return Content(f" {self.look.glyphs.text(text)} ")

    async def trying(self, work: Awaitable[None]) -> bool:
        """Await work, and show in the dialog what goes wrong; say whether it went well."""
        try:
            await work
        except UserError as error:
            self.show_trouble(error)
            return False
        return True

    async def looking(self, work: Awaitable[None], told: str = "#state") -> bool:
        """Await work whose beginning was told; where it goes wrong, tell that no longer."""
        went_well = await self.trying(work)
        if not went_well:
            self.query_one(told, Static).update(Content(""))
        return went_well

    def copied(self) -> str:
        """Give what copying takes, in the dialogs that have the key for it."""
        return ""

    def action_copy(self) -> None:
        """Copy what the dialog says."""
        if text := self.copied():
            copy_text(self.gammaray, text)

    def action_cancel(self) -> None:
        """Leave without doing anything."""
        self.dismiss(None)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Leave when the safe button is pressed; subclasses take the others."""
        if event.button.id == "cancel":
            event.stop()
            self.action_cancel()


def plain(text: str, *, id: str | None = None, classes: str = "") -> Static:
    """Make a text that is never read as markup."""
    return Static(Content(text), id=id, classes=classes, markup=False)


def push_button(label: str, id: str, *, kind: str = "", disabled: bool = False) -> Button:
    """Make a button of one line; its kind is "go", "danger" or nothing."""
    classes = f"-{kind}" if kind else ""
    return _PushButton(Content(label), id=id, classes=classes, compact=True, disabled=disabled)


class _Box(Vertical):
    """As tall as its content."""

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Measure the content in the room that there is.

        Textual measures it in none, where a height that is bounded by a share is not bounded:
        lines stayed empty below the buttons.
        """
        return self.arrange(Size(width, container.height)).total_region.height


class _PushButton(Button):
    """A button that is as wide as what it says now."""

    def watch_label(self) -> None:
        """Give another label its room."""
        self.refresh(layout=True)
