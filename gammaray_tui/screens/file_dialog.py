"""The base of the dialogs that write a file: as what, where, and whether to replace one."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input

from gammaray_tui.screens.confirm import ConfirmScreen
from gammaray_tui.screens.dialog import Dialog, push_button
from providers.errors import UserError
from widgets.choice_list import ChoiceList

Result = TypeVar("Result")


class FileDialog(Dialog[Result]):
    """A dialog with a list `#format`, whose choice is the file's suffix, and a field `#file`."""

    KEYS_TEXT = "enter export · esc cancel"
    SAFE = "#export"

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("export", "export", kind="go")

    def write(self, path: Path) -> None:
        """Take the file that was named, and may be replaced."""

    @on(ChoiceList.Changed, "#format")
    def _format_changed(self, event: ChoiceList.Changed) -> None:
        field = self.query_one("#file", Input)
        field.value = str(Path(field.value).with_suffix(f".{event.choices.choice}"))

    @on(Input.Submitted, "#file")
    @on(Button.Pressed, "#export")
    def _export(self) -> None:
        name = self.query_one("#file", Input).value.strip()
        if not name:
            self.show_trouble(UserError("No file is named.", todo="Type a name for it."))
            return
        path = Path(name).expanduser()
        if not path.exists():
            self.write(path)
            return
        question = ConfirmScreen(
            self.look,
            "replace the file",
            f"{path} exists already. Its content will be lost.",
            agree="replace it",
            refuse="keep it",
            destructive=True,
        )
        self.app.push_screen(question, lambda agreed: self.write(path) if agreed else None)
