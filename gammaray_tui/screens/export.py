"""What to write, as what, to which file."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input

from causality.snapshot import Snapshot
from gammaray_tui.exports import VIEWS, formats_of
from gammaray_tui.model import Model
from gammaray_tui.screens.confirm import ConfirmScreen
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError
from widgets import formats
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look


class ExportScreen(Dialog[None]):
    """Writes the graph to a file; asks before it replaces one."""

    TITLE_TEXT = "export"
    KEYS_TEXT = "enter export · esc cancel"
    SAFE = "#export"

    def __init__(self, look: Look, model: Model, snapshot: Snapshot) -> None:
        super().__init__(look)
        self._model = model
        self._snapshot = snapshot

    def content(self) -> ComposeResult:
        """Compose the form."""
        views = [Choice(view.id, view.id, view.meaning) for view in VIEWS]
        with Horizontal(classes="row"):
            yield plain("what", classes="label")
            yield ChoiceList(self.look, views, id="view")
        kinds = [Choice(kind.id, kind.id, kind.meaning) for kind in formats_of(self._model)]
        with Horizontal(classes="row gap"):
            yield plain("format", classes="label")
            yield ChoiceList(self.look, kinds, id="format")
        with Horizontal(classes="row gap"):
            yield plain("to", classes="label")
            yield Input(self._default_name("json"), id="file")
        yield plain(self._summary(), classes="label gap")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("export", "export", kind="go")

    def _summary(self) -> str:
        header = self._snapshot.header
        text = (
            f"{formats.plural(header.invocations, 'invocation')} in "
            f"{formats.plural(header.chains, 'chain')} are kept"
        )
        if header.running:
            text += (
                f"\n! {formats.plural(header.running, 'invocation')} still running: "
                "written as they are now"
            )
        return self.look.glyphs.text(text)

    def _default_name(self, kind: str) -> str:
        header = self._snapshot.header
        title = re.sub(r"[^A-Za-z0-9]+", "-", header.title).strip("-") or "graph"
        at = datetime.fromtimestamp(self._snapshot.now_s, UTC)
        return f"gammaray-{title}-{at:%Y%m%dT%H%M%SZ}.{kind}"

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
            self._write(path)
            return
        question = ConfirmScreen(
            self.look,
            "replace the file",
            f"{path} exists already. Its content will be lost.",
            agree="replace it",
            refuse="keep it",
            destructive=True,
        )
        self.app.push_screen(question, lambda agreed: self._write(path) if agreed else None)

    def _write(self, path: Path) -> None:
        view = self.query_one("#view", ChoiceList).choice
        kind = self.query_one("#format", ChoiceList).choice
        try:
            written = self._model.export(view, kind, path)
        except UserError as error:
            self.show_trouble(error)
        except OSError as error:
            self.show_trouble(
                UserError(
                    f"The file could not be written: {error.strerror or error}.",
                    on=str(path),
                    todo="Choose a folder that exists and that you may write to.",
                    kind="export-failed",
                )
            )
        else:
            self.app.notify(
                f"{formats.plural(written, 'invocation')} written to {path}", markup=False
            )
            self.dismiss(None)
