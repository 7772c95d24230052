"""What is asked of an archive: which archive, which engine, which question, and of what time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from gammaray_tui.history.remembered import Remembered
from gammaray_tui.spans import read_span
from providers.errors import UserError
from widgets.choice_line import ChoiceLine
from widgets.choice_list import Choice, ChoiceList
from widgets.line_list import LineList
from widgets.look import Look

PERIODS: Final = ("all", "hour", "day")
_SPAN: Final = "all of it; 2026-11-20..2026-11-22"


class _Kind(NamedTuple):
    """A question, as the user sees it.

    Attributes:
        fields: what it can be narrowed by.
        name, by: what `gammaray_tui.history.asking.Question` calls it.
    """

    id: str
    text: str
    fields: tuple[str, ...]
    name: str
    by: str = "function"


KINDS: Final = (
    _Kind("chains", "slowest chains", ("between", "limit"), "chains"),
    _Kind("edges", "edges", ("between", "limit"), "edges"),
    _Kind("latency", "latency of functions", ("between", "per"), "latency"),
    _Kind("delays", "latency of edges", ("between", "per"), "latency", "edge"),
    _Kind("shares", "errors, cold starts", ("between", "per"), "shares"),
    _Kind("changes", "new, vanished edges", ("before", "after"), "changes"),
    _Kind("never-triggered", "never triggered", ("between",), "never-triggered"),
    _Kind("sql", "SQL", ("sql",), "sql"),
)
_BY_ID: Final = {kind.id: kind for kind in KINDS}
_FIELDS: Final[dict[str, str]] = {
    "archive": "a folder, or s3://bucket/prefix",
    "engine": "duckdb, spark, spark://host:port or athena",
    "output": "of athena: s3://bucket/prefix, or what its workgroup says",
    "between": _SPAN,
    "before": "2026-11-20..2026-11-21",
    "after": "2026-11-21..2026-11-22",
    "per": "",
    "limit": "all; chains: 20",
    "sql": "SELECT function, count(*) FROM attempts GROUP BY 1",
}


class Wanted(NamedTuple):
    """What the form says; the fields of `asking.Question`, but for the archive and the engine."""

    dataset: str
    engine: str
    output: str
    kind: str
    name: str
    text: str
    by: str
    per: str
    span: tuple[float, float] | None
    before: tuple[float, float] | None
    after: tuple[float, float] | None
    limit: int | None


class HistoryForm(Horizontal):
    """Questions on the left, what they can be narrowed by on the right."""

    DEFAULT_CSS = """
    HistoryForm {
        height: 8;
        #questions { width: 27; max-height: 8; }
        #fields { height: 8; }
        .field { height: 1; }
        .field Static { width: 10; color: $text-muted; padding: 0 1; }
        Input { height: 1; width: 1fr; border: none; padding: 0 1; background: $panel; }
        Input:focus { border: none; background: $cursor-line; }
    }
    """

    class Asked(Message):
        """The user wants an answer."""

    def __init__(self, look: Look, begin: Remembered) -> None:
        super().__init__()
        self._look = look
        self._begin = begin
        choices = [Choice(kind.id, kind.text) for kind in KINDS]
        self._questions = ChoiceList(look, choices, chosen=[begin.question], id="questions")
        self._shown = self._questions.choice

    def compose(self) -> ComposeResult:
        """Compose the form."""
        begin = {"archive": self._begin.dataset, "engine": self._begin.engine}
        yield self._questions
        with Vertical(id="fields"):
            for name, hint in _FIELDS.items():
                with Horizontal(classes="field", id=f"field-{name}"):
                    yield Static(name, markup=False)
                    if name == "per":
                        yield ChoiceLine(self._look, PERIODS, id=name)
                    else:
                        yield Input(begin.get(name, ""), id=name, placeholder=hint)

    def on_mount(self) -> None:
        """Show the fields of the question that is chosen."""
        self._show_fields()

    def focus_first(self) -> None:
        """Put the focus on the archive when there is none yet, else on the questions."""
        (self._questions if self.value("archive") else self.query_one("#archive")).focus()

    @property
    def kind(self) -> str:
        """The question that is chosen."""
        return self._shown

    def value(self, name: str) -> str:
        """Give what a field says; "" where it does not belong to the question."""
        return self.query_one(f"#{name}", Input).value.strip() if name in self._fields else ""

    def wanted(self) -> Wanted:
        """Read the form.

        Raises:
            UserError: a field cannot be read; it has the focus now.
        """
        kind = _BY_ID[self._shown]
        dataset = self.value("archive")
        if not dataset:
            self.query_one("#archive").focus()
            raise UserError(
                "Which archive?",
                todo="Name a folder or s3://bucket/prefix. `gammaray-tui archive`, or --archive "
                "with a watch, makes one.",
                kind="usage",
            )
        per = self.query_one("#per", ChoiceLine).choice if "per" in kind.fields else "all"
        return Wanted(
            dataset,
            self.value("engine") or "duckdb",
            self.value("output"),
            kind.id,
            kind.name,
            self.value("sql"),
            kind.by,
            per,
            self._span("between"),
            self._span("before"),
            self._span("after"),
            self._limit(),
        )

    def _span(self, name: str) -> tuple[float, float] | None:
        try:
            span = read_span(name, self.value(name))
        except UserError:
            self.query_one(f"#{name}").focus()
            raise
        if span is None and name in _BY_ID[self._shown].fields and name != "between":
            self.query_one(f"#{name}").focus()
            raise UserError(
                f"{name.capitalize()} which change?",
                todo=f"Name the time {name} it, such as {_FIELDS[name]}.",
                kind="usage",
            )
        return span

    def _limit(self) -> int | None:
        text = self.value("limit")
        if not text:
            return None
        if not text.isdecimal() or int(text) < 1:
            self.query_one("#limit").focus()
            raise UserError(f"limit is {text!r}, which is no number of rows.", kind="usage")
        return int(text)

    @on(LineList.Moved, "#questions")
    def _pointed_at(self, event: LineList.Moved) -> None:
        kind = KINDS[event.index].id
        if self._questions.choice != kind:
            self._questions.choose([kind])

    @on(ChoiceList.Changed, "#questions")
    def _chosen(self) -> None:
        if self._questions.choice == self._shown:
            self.post_message(self.Asked())  # pointed at before, and now chosen
            return
        self._shown = self._questions.choice
        self._show_fields()

    @on(Input.Changed, "#engine")
    def _engine_changed(self) -> None:
        self._show_fields()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.post_message(self.Asked())

    def _show_fields(self) -> None:
        for name in _FIELDS:
            self.query_one(f"#field-{name}").display = name in self._fields

    @property
    def _fields(self) -> Sequence[str]:
        of_athena = self.query_one("#engine", Input).value.strip() == "athena"
        return ("archive", "engine", *(["output"] * of_athena), *_BY_ID[self._shown].fields)
