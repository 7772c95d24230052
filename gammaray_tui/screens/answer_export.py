"""As what, and to which file, an answer of an archive is written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input

from gammaray_tui.screens.confirm import ConfirmScreen
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look

_FORMS: Final = (
    Choice("csv", "csv", "for spreadsheets; nothing in it is run"),
    Choice("json", "json", "an object a line"),
    Choice("parquet", "parquet", "for other engines, types and all"),
)


class Target(NamedTuple):
    """A file, and its form."""

    form: str
    path: Path


class AnswerExportScreen(Dialog[Target]):
    """Asks where an answer goes; asks again before a file is replaced."""

    TITLE_TEXT = "export the answer"
    KEYS_TEXT = "enter export · esc cancel"
    SAFE = "#export"

    def __init__(self, look: Look, name: str) -> None:
        super().__init__(look)
        self._name = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("format", classes="label")
            yield ChoiceList(self.look, _FORMS, id="format")
        with Horizontal(classes="row gap"):
            yield plain("to", classes="label")
            at = datetime.now(UTC)
            yield Input(f"gammaray-{self._name}-{at:%Y%m%dT%H%M%SZ}.csv", id="file")
        yield plain("All rows are written, also those that are not on screen.", classes="label gap")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("export", "export", kind="go")

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
        target = Target(self.query_one("#format", ChoiceList).choice, Path(name).expanduser())
        if not target.path.exists():
            self.dismiss(target)
            return
        question = ConfirmScreen(
            self.look,
            "replace the file",
            f"{target.path} exists already. Its content will be lost.",
            agree="replace it",
            refuse="keep it",
            destructive=True,
        )

        def replace(agreed: bool | None) -> None:
            if agreed:
                self.dismiss(target)

        self.app.push_screen(question, replace)
