"""The base of the dialogs that write a file: as what, where, and whether to replace one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Input

from gammaray_tui.screens.app_screen import Result
from gammaray_tui.screens.confirm import ConfirmScreen
from gammaray_tui.screens.dialog import Dialog, push_button
from providers.errors import UserError
from widgets.choice_list import ChoiceList


class FileDialog(Dialog[Result]):
    """A dialog with a list `#format` and a field `#file`, whose suffix follows the format.

    Attributes:
        SUFFIXES: of each format, the end of its files' names, with its dot.
    """

    SUFFIXES: ClassVar[Mapping[str, str]]

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
        name = field.value.strip()
        known = next((end for end in self.SUFFIXES.values() if name.endswith(end)), "")
        if name:
            field.value = name.removesuffix(known) + self.SUFFIXES[event.choices.choice]

    @on(Input.Submitted, "#file")
    @on(Button.Pressed, "#export")
    def _export(self) -> None:
        try:
            path, there = _looked_up(self.query_one("#file", Input).value.strip())
        except UserError as error:
            self.show_trouble(error)
            return
        if not there:
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


def _looked_up(name: str) -> tuple[Path, bool]:
    """Give the file of a name, and whether there is one.

    Raises:
        UserError: no file can have that name.
    """
    if not name:
        raise UserError("No file is named.", todo="Type a name for it.", kind="usage")
    try:
        path = Path(name).expanduser()
        is_folder, there = path.is_dir(), path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        what = (error.strerror if isinstance(error, OSError) else None) or error
        raise UserError(
            f"No file can be written there: {what}.",
            on=name,
            todo="Choose a folder that exists and that you may write to.",
            kind="export-failed",
        ) from error
    if is_folder:
        raise UserError(
            "This is a folder.", on=name, todo="Name a file in it.", kind="export-failed"
        )
    return path, there
