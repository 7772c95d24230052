"""As what, and to which file, an answer of an archive is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input

from gammaray_tui.screens.dialog import plain
from gammaray_tui.screens.file_dialog import FileDialog
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


class AnswerExportScreen(FileDialog[Target]):
    """Asks where an answer goes; asks again before a file is replaced."""

    TITLE_TEXT = "export the answer"
    SUFFIXES: ClassVar[Mapping[str, str]] = {form.id: f".{form.id}" for form in _FORMS}

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

    def write(self, path: Path) -> None:
        """Give the file and its form."""
        self.dismiss(Target(self.query_one("#format", ChoiceList).choice, path))
