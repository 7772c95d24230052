"""Attaching the recorder to functions that exist, and detaching it; the plan comes first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button

from gammaray_tui.screens.act_dialog import ActDialog
from gammaray_tui.screens.dialog import plain, push_button
from providers.errors import UserError
from providers.operations import FunctionState, KnownFunction, Operations, Report, Step
from widgets import formats
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look
from widgets.step_list import StepList

if TYPE_CHECKING:
    from textual.worker import Worker

Stage: TypeAlias = Literal["choosing", "planned", "running", "done"]
_ATTACH, _DETACH, _GRANT = "attach", "detach", "grant"
_STATES = {"plain": "", "recorded": "recorded", "deployed": "deployed by this tool", "refused": ""}


class _Task(Protocol):
    """Plans, or does."""

    async def __call__(self, report: Report, *, only_look: bool = False) -> Sequence[Step]:
        """Plan or do it, and give the last step of each function."""


class InstrumentScreen(ActDialog):
    """Chooses functions, plans, attaches or detaches; closing it lets what runs go on."""

    KEYS_TEXT: ClassVar[str] = "space choose · esc cancel"
    DEFAULT_CSS = """
    InstrumentScreen {
        #functions { max-height: 12; }
        #steps { max-height: 10; }
        &.-short { #functions { max-height: 5; } #steps { max-height: 5; } }
        &.-short.-trouble { #functions { max-height: 3; } #steps { max-height: 3; } }
    }
    """

    def __init__(self, look: Look, operations: Operations, account: str) -> None:
        super().__init__(look, operations, account)
        self._functions: Sequence[KnownFunction] = ()
        self._stage: Stage = "choosing"
        self._planning: Worker[bool] | None = None

    def title_text(self) -> str:
        """Give the title."""
        return f"record functions of {self.account}"

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("what to do", classes="label")
            what = (
                Choice(_ATTACH, "attach the recorder", "a layer and another handler; no code"),
                Choice(_DETACH, "detach it", "everything as it was before"),
            )
            yield ChoiceList(self.look, what, id="what")
        with Horizontal(classes="row"):
            yield plain("functions", classes="label")
            yield ChoiceList(self.look, id="functions", many=True)
        with Horizontal(classes="row"):
            yield plain("roles", classes="label")
            grant = Choice(_GRANT, "let them write records", "an inline policy of one statement")
            yield ChoiceList(self.look, (grant,), id="roles", many=True)
        yield plain("looking for functions …", id="state", classes="label gap")
        yield StepList(self.look, id="steps")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button(_ATTACH, "go", disabled=True, kind="go")

    async def load(self) -> None:
        """Look for functions."""
        self._functions = await self.operations.functions()
        self._offer()

    @on(ChoiceList.Changed, "#what")
    def _offer(self) -> None:
        self._show_functions()
        self._plan()

    def _show_functions(self) -> None:
        """Offer the functions that this can be done with; the others say why not."""
        choices: list[Choice] = []
        for region, functions in groupby(self._functions, lambda function: function.region):
            choices.append(Choice("", region, region=region))
            choices += [self._choice(function) for function in functions]
        self._list("functions").set_choices(choices)

    def _choice(self, function: KnownFunction) -> Choice:
        if function.state == self._wanted:
            return Choice(function.arn, function.name, function.runtime)
        why = function.detail or _STATES[function.state] or "not recorded"
        return Choice("", f"    {function.name}: {why}")

    @on(ChoiceList.Changed, "#functions")
    @on(ChoiceList.Changed, "#roles")
    def _plan(self) -> None:
        if self._stage == "running":
            return
        if self._planning is not None:
            self._planning.cancel()
        self.query_one(StepList).replace(())
        chosen = self._list("functions").chosen
        if not chosen:
            some = any(function.state == self._wanted for function in self._functions)
            self._enter("choosing", "Choose functions." if some else self._none)
            return
        self._enter("choosing", "planning …")
        work = self.looking(self._load_plan(self._act_of(chosen)))
        self._planning = self.run_worker(work, exit_on_error=False)

    async def _load_plan(self, task: _Task) -> None:
        steps = await task(lambda _step: None, only_look=True)
        self.query_one(StepList).replace(steps)
        changes = [step for step in steps if step.state != "skipped"]
        self._enter("planned", f"This will take {formats.plural(len(changes), 'step')}:")

    def _act_of(self, chosen: Sequence[str]) -> _Task:
        """Give what plans or does what the form says now."""
        if not self._attaches:
            return partial(self.operations.uninstrument, chosen)
        grant = bool(self._list("roles").chosen)
        return partial(self.operations.instrument, chosen, grant=grant)

    @property
    def _attaches(self) -> bool:
        return self._list("what").choice == _ATTACH

    @property
    def _none(self) -> str:
        if self._attaches:
            return "There is no function here that the recorder can be attached to."
        return "There is no function here that the recorder could be detached from."

    @property
    def _wanted(self) -> FunctionState:
        return "plain" if self._attaches else "recorded"

    def _list(self, id: str) -> ChoiceList:
        return self.query_one(f"#{id}", ChoiceList)

    def _enter(self, stage: Stage, text: str) -> None:
        self._stage = stage
        self.say(text)
        go = self.query_one("#go", Button)
        go.label = _ATTACH if self._attaches else _DETACH
        go.disabled = stage != "planned"
        for choices in self.query(ChoiceList):
            choices.disabled = stage == "running"
        self._list("roles").disabled |= not self._attaches
        leave = {"running": "go on behind", "done": "close"}
        self.query_one("#cancel", Button).label = leave.get(stage, "cancel")
        if stage == "planned":
            self.show_trouble(None)
        if stage == "done":
            self.focus_safe()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        task = self._act_of(self._list("functions").chosen)
        done = "recorded now" if self._attaches else "as they were before"
        self._enter("running", "attaching …" if self._attaches else "detaching …")
        self.begin(self._run(task, done), "attaching or detaching the recorder")

    async def _run(self, task: _Task, done: str) -> None:
        failure: UserError | None = None
        try:
            await task(self.report)
        except UserError as error:
            failure = error
        text = f"The functions are {done}." if failure is None else "Not all of it was done."
        if not self.outlived(failure, text):
            self._functions = await self.operations.functions()
            self._show_functions()
            self._enter("done", text)
            self.show_trouble(failure)
