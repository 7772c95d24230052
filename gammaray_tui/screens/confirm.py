"""Asking before something is done that cannot be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input

from gammaray_tui import screen_keys
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from widgets.growing_list import GrowingList
from widgets.look import Look
from widgets.painted_list import Item


class ConfirmScreen(Dialog[bool]):
    """Names what will happen, and gives True when the user agrees.

    Args:
        look: signs and colours.
        title: what is asked, in a word or two.
        text: what will happen, in a sentence.
        items: everything it happens to.
        agree: what the button says that does it.
        refuse: what the safe button says.
        word: what the user has to type first; "" asks for nothing.
        destructive: whether it cannot be undone.
    """

    DEFAULT_CSS = """
    ConfirmScreen #items { max-height: 35vh; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.CONFIRM]

    def __init__(
        self,
        look: Look,
        title: str,
        text: str,
        *,
        items: Sequence[Item] = (),
        agree: str = "yes",
        refuse: str = "cancel",
        word: str = "",
        destructive: bool = False,
    ) -> None:
        super().__init__(look)
        self._title_text = title
        self._text = text
        self._items = items
        self._agree_label, self._refuse_label = agree, refuse
        self._word = word
        self.set_class(destructive, "-destructive")

    def title_text(self) -> str:
        """Give the title."""
        return self._title_text

    def content(self) -> ComposeResult:
        """Compose the question."""
        yield plain(self.look.safe(self._text))
        if self._items:
            items = GrowingList(self.look, id="items", classes="gap")
            items.show_items(self._items)
            yield items
        if self._word:
            with Horizontal(classes="row gap"):
                label = plain(f"type {self.look.safe(self._word)} to confirm ", classes="label")
                label.styles.width = "auto"
                yield label
                yield Input(id="word")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button(self._refuse_label, "cancel")
        kind = "danger" if self.has_class("-destructive") else "go"
        yield push_button(self._agree_label, "agree", kind=kind, disabled=bool(self._word))

    def on_mount(self) -> None:
        """Say which keys work."""
        super().on_mount()
        if self._word:
            self.show_keys(f"type the word, enter {self._agree_label} · esc {self._refuse_label}")
        else:
            self.show_keys("y yes · n no · esc cancel")

    def focus_safe(self) -> None:
        """Put the focus where nothing can go wrong; where a word is asked for, on its line."""
        if self._word:  # enter does nothing there before the word is typed
            self.query_one("#word", Input).focus()
        else:
            super().focus_safe()

    @property
    def agreed(self) -> bool:
        """Whether the word, if one is asked for, has been typed."""
        return not self._word or self.query_one("#word", Input).value.strip() == self._word

    @on(Input.Changed, "#word")
    def _typed(self) -> None:
        self.query_one("#agree", Button).disabled = not self.agreed

    @on(Input.Submitted, "#word")
    @on(Button.Pressed, "#agree")
    def action_agree(self) -> None:
        """Agree, if the word was typed."""
        if self.agreed:
            self.dismiss(True)

    def action_cancel(self) -> None:
        """Refuse."""
        self.dismiss(False)
