"""What to write, as what, to which file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input

from causality.snapshot import Snapshot
from gammaray_tui.exports import FORMATS, VIEWS, Exports
from gammaray_tui.screens.dialog import plain, push_button
from gammaray_tui.screens.file_dialog import FileDialog
from gammaray_tui.screens.preview import PreviewScreen
from providers.errors import UserError
from widgets import formats
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look


class ExportScreen(FileDialog[None]):
    """Writes the graph to a file; asks before it replaces one."""

    TITLE_TEXT = "export"
    SUFFIXES: ClassVar[Mapping[str, str]] = {kind.id: kind.suffix for kind in FORMATS}
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 -- as Textual has it
    DEFAULT_CSS = """
    ExportScreen.-short {
        .gap { margin-top: 0; }
        #format { max-height: 5; }
    }
    """

    def __init__(self, look: Look, exports: Exports, snapshot: Snapshot) -> None:
        super().__init__(look)
        self._exports = exports
        self._snapshot = snapshot

    def content(self) -> ComposeResult:
        """Compose the form."""
        scopes = [
            Choice(
                scope.id,
                scope.id,
                " · ".join(
                    part
                    for part in (formats.plural(scope.invocations, "invocation"), scope.meaning)
                    if part
                ),
            )
            for scope in self._exports.scopes()
        ]
        with Horizontal(classes="row"):
            yield plain("what", classes="label")
            yield ChoiceList(self.look, scopes, id="scope")
        views = [Choice(view.id, view.id, view.meaning) for view in VIEWS]
        with Horizontal(classes="row gap"):
            yield plain("as", classes="label")
            yield ChoiceList(self.look, views, id="view")
        kinds = [Choice(kind.id, kind.id, kind.meaning) for kind in FORMATS]
        with Horizontal(classes="row gap"):
            yield plain("format", classes="label")
            yield ChoiceList(self.look, kinds, id="format")
        with Horizontal(classes="row gap"):
            yield plain("to", classes="label")
            yield Input(self._default_name(FORMATS[0].suffix), id="file")
        running = self._snapshot.header.running
        if running:
            text = f"! {formats.plural(running, 'invocation')} still running: written as now"
            yield plain(self.look.glyphs.text(text), classes="label gap")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("preview", "preview")
        yield push_button("export", "export", kind="go")

    @on(Button.Pressed, "#preview")
    def _preview(self) -> None:
        view = self._chosen("view")
        preview = self._exports.preview(view, self._chosen("scope"))
        self.app.push_screen(PreviewScreen(self.look, view, preview))

    def _chosen(self, what: str) -> str:
        return self.query_one(f"#{what}", ChoiceList).choice

    def _default_name(self, suffix: str) -> str:
        header = self._snapshot.header
        title = re.sub(r"[^A-Za-z0-9]+", "-", header.title).strip("-") or "graph"
        at = datetime.fromtimestamp(self._snapshot.now_s, UTC)
        return f"gammaray-{title}-{at:%Y%m%dT%H%M%SZ}{suffix}"

    def write(self, path: Path) -> None:
        """Write it."""
        view, kind = self._chosen("view"), self._chosen("format")
        try:
            written = self._exports.export(view, kind, path, self._chosen("scope"))
        except UserError as error:
            self.show_trouble(error)
        else:
            self.app.notify(
                f"{formats.plural(written, 'invocation')} written to {path}", markup=False
            )
            self.dismiss(None)
