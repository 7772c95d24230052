"""What was stopped half-way: how far each came, and finishing, undoing or forgetting it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from gammaray_tui.screens.act_dialog import ActDialog
from gammaray_tui.screens.deletion import deletion_question
from gammaray_tui.screens.dialog import plain, push_button
from providers.errors import UserError
from providers.operations import Operations
from widgets import formats
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look
from widgets.step_list import StepList

if TYPE_CHECKING:
    from providers.acts import Unfinished

_ACTS = ("finish", "undo", "forget")


class UnfinishedScreen(ActDialog):
    """Lists the acts that never ended; closing it while one is finished lets that go on."""

    KEYS_TEXT = "space choose · esc close"
    DEFAULT_CSS = """
    UnfinishedScreen {
        #acts { max-height: 20vh; }
        #steps { max-height: 30vh; margin-top: 1; }
        &.-trouble #steps { max-height: 15vh; }
    }
    """

    def __init__(self, look: Look, operations: Operations, account: str) -> None:
        super().__init__(look, operations, account)
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

    async def load(self) -> None:
        """Look for what never ended."""
        self._stopped = await self.operations.unfinished()
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
        self.say("Nothing was stopped half-way." if one is None else f"{one.progress}:")
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
        await self.operations.forget(one)
        await self.load()

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
                    self.operations,
                    self.account,
                    application=one.act.application,
                ),
                self._cleaned_up,
            )
        else:
            self._begin(one, "undoing")

    def _cleaned_up(self, _: None) -> None:
        self.focus_safe()
        self.reload()

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
        account_id = await self.operations.account()
        self.app.push_screen(
            deletion_question(self.look, self.account, account_id, one.act.resources),
            lambda agreed: self._begin(one, "finishing") if agreed else None,
        )

    def _begin(self, one: Unfinished, doing: str) -> None:
        self._busy = True
        self._allow(False, undo=False)
        self.say(f"{doing} {one.act} …")
        self.begin(self._run(one, doing), doing)

    async def _run(self, one: Unfinished, doing: str) -> None:
        try:
            if doing == "undoing":
                await self.operations.uninstrument(one.act.names, self.report)
            else:
                await self.operations.finish(one, self.report)
        except UserError as error:
            self._busy = False
            text = f"{doing} {one.act} failed"
            if not self.outlived(error, text):
                self.say(text)
                self._allow(True, undo=bool(one.undone_by))
                self.show_trouble(error)
            return
        self._busy = False
        await self.operations.forget(one)
        done = f"{one.act} is {'undone' if doing == 'undoing' else 'finished'}"
        if not self.outlived(None, done):
            steps = self.query_one(StepList).steps
            await self.load()
            self.query_one(StepList).replace(steps)
            self.say(done)
