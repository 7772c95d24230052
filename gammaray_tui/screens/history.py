"""The History screen: asks an archive, and opens a chain that it found."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input, Static

from gammaray_tui import past, screen_keys
from gammaray_tui.actions import Group
from gammaray_tui.allowed import need_writing
from gammaray_tui.hints import screen_hints
from gammaray_tui.history.remembered import Remembered, remember, remembered
from gammaray_tui.history.session import Asked, Session, Stopped, Told
from gammaray_tui.screens.answer_export import AnswerExportScreen, Target
from gammaray_tui.screens.app_screen import AppScreen
from gammaray_tui.screens.history_form import HistoryForm, Wanted
from providers.errors import UserError
from widgets import formats
from widgets.answer_table import AnswerTable
from widgets.key_bar import KeyBar, KeyHint
from widgets.line_list import LineList
from widgets.look import Look

if TYPE_CHECKING:
    from gammaray_tui.history.asking import Question
    from gammaray_tui.history.engines import Archive
    from gammaray_tui.history.opening import Opened
    from gammaray_tui.history.shown import FileForm, Shown

_TICK_S: Final = 0.5
# Columns with an invocation whose chain can be opened, the best first.
_CHAINS: Final = ("request_id", "child_request_id", "newest_request_id", "parent_request_id")
_FIRST_HINT: Final = KeyHint("tab", "form, answer", "screen.focus_next")
_HINTS: Final = (
    ("history.ask", "ask"),
    ("answer.open", "open chain"),
    ("answer.left answer.right", "column"),
    ("history.leave", "back"),
    ("help", "help"),
    ("answer.sort", "sort"),
    ("history.search", "search"),
    ("history.export", "export"),
    ("history.copy", "copy"),
)


class HistoryScreen(AppScreen[None]):
    """Asks in a thread of its own; the watch behind it goes on."""

    DEFAULT_CSS = """
    HistoryScreen {
        layout: vertical;
        background: $background;
        #title, #state, #value { height: 1; padding: 0 1; color: $text-muted; }
        #title, #state, #value { text-wrap: nowrap; text-overflow: ellipsis; }
        #title, #value { background: $panel-line; }
        #state.-working { color: $primary; }
        #trouble { display: none; height: auto; max-height: 6; padding: 0 1; color: $error; }
        &.-trouble #trouble { display: block; }
        #answer { height: 1fr; }
        #search { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
        #search:focus { border: none; background: $cursor-line; }
        &.-searching #search { display: block; }
    }
    """

    HELP_GROUP: ClassVar[Group] = "History"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.HISTORY, *screen_keys.ALWAYS]

    def __init__(self, look: Look, places: past.ArchivePlaces) -> None:
        super().__init__()
        self._look = look
        self._places = places
        self._session = Session()
        before = remembered()
        dataset = places.watched or before.dataset or places.usual
        self._form = HistoryForm(look, Remembered(dataset, before.engine, before.question))
        self._table = AnswerTable(look, id="answer")
        self._keys = KeyBar(look, id="keys")
        self._doing = ""
        self._began_s = 0.0
        self._asked: tuple[Asked, Question, str] | None = None  # what the answer is to
        self._answer: Shown | None = None

    def compose(self) -> ComposeResult:
        """Compose the screen."""
        yield Static("", id="title", markup=False)
        yield self._form
        yield Static("", id="state", markup=False)
        yield Static("", id="trouble", markup=False)
        yield self._table
        yield Input(id="search", placeholder="only rows with these words")
        yield Static("", id="value", markup=False)
        yield self._keys

    def on_mount(self) -> None:
        """Show what can be asked."""
        hints = screen_hints(self.gammaray.keymap, *_HINTS)
        self._keys.show_hints([_FIRST_HINT, *hints])
        self._say("title", "history · what was, from an archive")
        self._say("state", "enter asks; the watch goes on meanwhile")
        self._form.focus_first()
        self.set_interval(_TICK_S, self._tick)

    async def on_unmount(self) -> None:
        """Let go of the archive, whatever is being asked."""
        await self._session.close()

    # Asking

    @on(HistoryForm.Asked)
    def action_ask(self) -> None:
        """Ask what the form says."""
        self._begin(self._ask)

    async def _ask(self) -> None:
        wanted = self._form.wanted()
        if wanted.engine == "athena":
            need_writing(read_only=self.gammaray.read_only)
        asked = Asked(
            wanted.dataset,
            wanted.engine,
            self._places.profile,
            self._places.endpoint_url,
            self._places.region,
            wanted.output,
        )

        def answered(archive: Archive, told: Told) -> tuple[Question, Shown, str]:
            from gammaray_tui.history.asking import ask
            from gammaray_tui.history.shown import shown

            question = _question(wanted)
            answer = shown(ask(archive, question, told))
            return question, answer, archive.cost() or ""

        question, answer, cost = await self._session.run(asked, answered, self._told)
        self._asked, self._answer = (asked, question, wanted.kind), answer
        self._table.show_answer(answer.columns, answer.rows)
        self._table.focus()
        self._point()
        took = formats.duration(time.monotonic() - self._began_s)
        rows = formats.plural(len(answer.rows), "row")
        counted = f"the first {rows}; an export has all" if answer.more else rows
        if self.has_class("-searching"):
            counted = f"{formats.count(self._table.line_count())} of {counted}"
        self._say("title", f"history of {wanted.dataset} · {wanted.kind}")
        if not answer.rows:
            counted = "nothing was found"
            if wanted.dataset == self._places.watched:
                counted += "; what is watched is added every minute"
        parts = (counted, took, cost)
        self._say("state", " · ".join(part for part in parts if part))
        remember(Remembered(wanted.dataset, wanted.engine, wanted.kind))

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work behind the screen, one thing at a time; what goes wrong is shown in it."""
        self._began_s = time.monotonic()
        self.show_trouble(None)
        self._told("asking")
        self.run_worker(self._guarded(work), exclusive=True, exit_on_error=False)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Stopped:
            self._say("state", "stopped")
        except UserError as error:
            self._say("state", "")
            self.show_trouble(error)
        except Exception as error:  # the screen must outlive whatever an engine comes up with
            self._say("state", "")
            self.gammaray.show_defect(error, "asking an archive")
        finally:
            if not self._session.working:
                self._doing = ""
                self.query_one("#state").remove_class("-working")

    def _told(self, doing: str) -> None:
        self._doing = doing
        self.query_one("#state").add_class("-working")
        self._tick()

    def _tick(self) -> None:
        if self._doing:
            took = formats.duration(time.monotonic() - self._began_s)
            self._say("state", f"{self._doing} … {took} · esc stops it")

    # The answer

    @on(LineList.Chosen, "#answer")
    def action_open_chain(self) -> None:
        """Open the chain of the row under the cursor in the tree."""
        row, answer = self._table.current, self._answer
        if row is None or answer is None or self._asked is None:
            return
        values = answer.values[row.number]
        request_id = next((values[name] for name in _CHAINS if values.get(name)), None)
        if not isinstance(request_id, str):
            self.notify("no chain stands in this row: chains, edges and SQL give some", timeout=4)
            return
        self._begin(lambda: self._open(request_id))

    async def _open(self, request_id: str) -> None:
        assert self._asked is not None
        asked, *_ = self._asked

        def load(archive: Archive, told: Told) -> Opened:
            from gammaray_tui.history.opening import opened_chain

            return opened_chain(archive, request_id, asked.dataset, told)

        opened = await self._session.run(asked, load, self._told)
        text = formats.plural(opened.members, "invocation")
        if opened.others:
            text += (
                f", and {opened.others} that led into it from other chains, of which nothing "
                "else is shown"
            )
        self._doing = ""  # showing it takes a moment, in which no tick may take this away again
        self._say("state", f"opened a chain of {text}")
        await past.show(self.gammaray, opened.watch, request_id)
        if opened.others:
            self.notify(text, timeout=6)

    @on(LineList.Moved, "#answer")
    def _point(self) -> None:
        title, text = self._table.current_value
        self._say("value", f"{title}: {text}" if title else "")

    def action_copy(self) -> None:
        """Copy the value under the cursor."""
        _, value = self._table.current_value
        if not value:
            self.notify("nothing to copy here", timeout=2)
            return
        self.app.copy_to_clipboard(value)
        self.notify(f"copied {self._look.cut(self._look.safe(value), 60)}", timeout=3, markup=False)

    def action_search(self) -> None:
        """Show only rows with some words in them."""
        self.add_class("-searching")
        self.query_one("#search", Input).focus()

    @on(Input.Changed, "#search")
    def _search(self, event: Input.Changed) -> None:
        found = self._table.seek(event.value)
        if self._answer is not None:
            self._say("state", f"{formats.count(found)} of {len(self._answer.rows):,} rows")
        self._point()

    @on(Input.Submitted, "#search")
    def _searched(self) -> None:
        self._table.focus()

    async def action_export(self) -> None:
        """Ask where to write the answer, and write all of it."""
        if self._asked is None:
            self.notify("ask first: there is no answer to write", timeout=3)
            return

        def chosen(target: Target | None) -> None:
            if target is not None:
                self._begin(lambda: self._export(target))

        await self.app.push_screen(AnswerExportScreen(self._look, self._asked[2]), chosen)

    async def _export(self, target: Target) -> None:
        assert self._asked is not None
        asked, question, _ = self._asked

        def write(archive: Archive, told: Told) -> None:
            from gammaray_tui.commands.output import write_result
            from gammaray_tui.history.asking import ask
            from gammaray_tui.history.shown import as_file

            answer = ask(archive, question, told)
            write_result(as_file(answer, cast("FileForm", target.form)), target.path)

        await self._session.run(asked, write, self._told)
        self._say("state", f"written to {target.path}")

    # Leaving

    def action_leave(self) -> None:
        """Stop what is being asked; else take the search away; else go back to the watch."""
        if self._session.working:
            self._told("stopping")
            self.run_worker(self._session.stop(), group="stop", exit_on_error=False)
        elif self.has_class("-searching"):
            self.remove_class("-searching")
            self.query_one("#search", Input).value = ""
            self._table.focus()
        else:
            self.dismiss(None)

    def _say(self, where: str, text: str) -> None:
        self.query_one(f"#{where}", Static).update(Content(self._look.safe(text)))


def _question(wanted: Wanted) -> Question:
    from gammaray_tui.history.asking import Question

    return Question(
        wanted.name,
        wanted.text,
        wanted.by,
        wanted.per,  # type: ignore[arg-type]
        wanted.span,
        wanted.before,
        wanted.after,
        wanted.limit,
    )
