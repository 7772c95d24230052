"""What was stopped half-way: how far each came, and finishing, undoing or forgetting it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Static

from gammaray_tui.screens.deletion import deletion_question
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError
from providers.operations import Operations, Step
from widgets import formats
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look
from widgets.step_list import StepList

if TYPE_CHECKING:
    from providers.acts import Unfinished

_ACTS = ("finish", "undo", "forget")


class UnfinishedScreen(Dialog[None]):
    """Lists the acts that never ended; closing it while one is finished lets that go on."""

    WIDE = True
    KEYS_TEXT = "space choose · esc close"
    DEFAULT_CSS = """
    UnfinishedScreen {
        #acts { max-height: 20vh; }
        #steps { max-height: 30vh; margin-top: 1; }
        &.-trouble #steps { max-height: 15vh; }
    }
    """

    def __init__(self, look: Look, operations: Operations, account: str) -> None:
        super().__init__(look)
        self._operations = operations
        self._account = account
        self._stopped: Sequence[Unfinished] = ()
        self._busy = False

    TITLE_TEXT: ClassVar[str] = "stopped half-way"

    def content(self) -> ComposeResult:
        """Compose the list, and the steps of the one that is chosen."""
        yield ChoiceList(self.look, id="acts")
        yield plain("looking …", id="state", classes="label gap")
        yield StepList(self.look, id="steps")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("close", "cancel")
        yield push_button("forget", "forget", disabled=True)
        yield push_button("undo", "undo", disabled=True, kind="danger")
        yield push_button("finish", "finish", disabled=True, kind="go")

    def on_mount(self) -> None:
        """Look for what never ended."""
        super().on_mount()
        self.run_worker(self.trying(self._load()), exit_on_error=False)

    async def _load(self) -> None:
        self._stopped = await self._operations.unfinished()
        now_s = time.time()
        choices = [
            Choice(one.id, str(one.act), f"begun {formats.lag(now_s - one.began_at_s)} ago")
            for one in self._stopped
        ]
        self.query_one(ChoiceList).set_choices(choices)
        self._show()

    @property
    def _chosen(self) -> Unfinished | None:
        choice = self.query_one(ChoiceList).choice
        return next((one for one in self._stopped if one.id == choice), None)

    @on(ChoiceList.Changed)
    def _show(self) -> None:
        """Show how far the chosen one came."""
        one = self._chosen
        if self._busy:
            return
        self.query_one(StepList).replace(() if one is None else one.steps)
        self._say("Nothing was stopped half-way." if one is None else f"{one.progress}:")
        self._allow(one is not None, undo=one is not None and bool(one.undone_by))

    def _allow(self, anything: bool, *, undo: bool) -> None:
        for name in _ACTS:
            self.query_one(f"#{name}", Button).disabled = not anything
        self.query_one("#undo", Button).disabled = not undo

    @on(Button.Pressed, "#forget")
    def _forget(self) -> None:
        if (one := self._chosen) is not None:
            self.run_worker(self.trying(self._forgotten(one)), exit_on_error=False)

    async def _forgotten(self, one: Unfinished) -> None:
        await self._operations.forget(one)
        await self._load()

    @on(Button.Pressed, "#undo")
    def _undo(self) -> None:
        one = self._chosen
        if one is None:
            return
        if one.undone_by == "cleanup":
            # What goes is read once more and confirmed there.
            from gammaray_tui.screens.cleanup import CleanupScreen

            self.app.push_screen(
                CleanupScreen(
                    self.look,
                    self._operations,
                    self._account,
                    application=one.act.application,
                ),
                lambda _: self.on_mount(),
            )
        else:
            self._begin(one, "undoing")

    @on(Button.Pressed, "#finish")
    def _finish(self) -> None:
        one = self._chosen
        if one is None:
            return
        if one.act.kind == "cleanup":
            self.run_worker(self.trying(self._ask_to_delete(one)), exit_on_error=False)
        else:
            self._begin(one, "finishing")

    async def _ask_to_delete(self, one: Unfinished) -> None:
        """Ask once more: whoever finishes a cleanup need not be who agreed to it."""
        account_id = await self._operations.account()
        self.app.push_screen(
            deletion_question(self.look, self._account, account_id, one.act.resources),
            lambda agreed: self._begin(one, "finishing") if agreed else None,
        )

    def _begin(self, one: Unfinished, doing: str) -> None:
        self._busy = True
        self._allow(False, undo=False)
        self.show_trouble(None)
        self.query_one(StepList).replace(())
        self._say(f"{doing} {one.act} …")
        # The application runs it, so that it goes on when the dialog is closed.
        self.gammaray.run_worker(self._run(one, doing), group="unfinished", exit_on_error=False)

    async def _run(self, one: Unfinished, doing: str) -> None:
        try:
            if doing == "undoing":
                await self._operations.uninstrument(one.act.names, self._report)
            else:
                await self._operations.finish(one, self._report)
        except UserError as error:
            self._busy = False
            if self.is_attached:
                self._say(f"{doing} {one.act} failed")
                self._allow(True, undo=bool(one.undone_by))
                self.show_trouble(error)
            else:
                self.gammaray.show_error(error)
            return
        self._busy = False
        await self._operations.forget(one)
        done = f"{one.act} is {'undone' if doing == 'undoing' else 'finished'}"
        if self.is_attached:
            steps = self.query_one(StepList).steps
            await self._load()
            self.query_one(StepList).replace(steps)
            self._say(done)
        else:
            self.gammaray.notify(done, markup=False)

    def _report(self, step: Step) -> None:
        if self.is_attached:
            self.query_one(StepList).report(step)

    def _say(self, text: str) -> None:
        self.query_one("#state", Static).update(Content(self.look.safe(text)))
