"""Setting an account up: tables, role and policy, collector, all shown before they are made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, TextArea

from gammaray_tui.screens.act_dialog import ActDialog
from gammaray_tui.screens.confirm import ConfirmScreen
from gammaray_tui.screens.dialog import plain, push_button
from providers.errors import UserError
from providers.operations import Operations, Step
from widgets import formats
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look
from widgets.painted_list import pieces_item
from widgets.step_list import StepList

Stage: TypeAlias = Literal["looking", "planned", "running", "done"]
_TABLES, _RESET, _ROLES, _COLLECTOR = "tables", "reset", "roles", "collector"


class SetupScreen(ActDialog):
    """Shows what is wanted, and makes it; closing it while it runs lets the setup go on."""

    KEYS_TEXT: ClassVar[str] = "space choose · esc cancel"
    DEFAULT_CSS = """
    SetupScreen {
        #policies {
            height: 16; border: none; padding: 0 1; background: $panel; display: none;
            &:focus { border: none; background: $cursor-line; }
        }
        &.-roles #policies { display: block; }
        #steps { max-height: 8; }
        &.-short { #policies { height: 6; } #steps { max-height: 4; } }
    }
    """

    def __init__(self, look: Look, operations: Operations, account: str) -> None:
        super().__init__(look, operations, account)
        self._plan: Sequence[Step] = ()
        self._collector_plan: Sequence[Step] = ()
        self._policy = ""

    def title_text(self) -> str:
        """Give the title."""
        return f"set up {self.account}"

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("make", classes="label")
            what = (
                Choice(_TABLES, "record tables", "one in each region"),
                Choice(_RESET, "empty them", "all records are deleted; asks first"),
                Choice(_ROLES, "role and policy", "for recorded functions, and for operators"),
                Choice(_COLLECTOR, "collector", "joins records on AWS, for --collected"),
            )
            yield ChoiceList(self.look, what, chosen=(_TABLES,), many=True, id="what")
        yield TextArea("", id="policies", read_only=True, tab_behavior="focus")
        yield plain("looking …", id="state", classes="label gap")
        yield StepList(self.look, id="steps")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("set up", "set-up", disabled=True, kind="go")

    async def load(self) -> None:
        """Look for what is there, and write what is wanted."""
        self._plan = await self.operations.plan_setup()
        wanted = await self.operations.wanted_policies()
        policy = wanted["operator_policy"]
        self._policy = f"{policy['path']}{policy['name']}"
        del wanted["collector_role"]  # is made with the collector
        self.query_one(TextArea).text = json.dumps(wanted, indent=2)
        self._show()

    async def _load_collector(self) -> None:
        self._collector_plan = await self.operations.plan_setup(collector=True)
        self._show()

    @on(ChoiceList.Changed)
    def _changed(self) -> None:
        """Look for what the collector takes once it is chosen: most have none."""
        if _COLLECTOR in self.query_one(ChoiceList).chosen and not self._collector_plan:
            self.run_worker(
                self.looking(self._load_collector()), group="collector", exclusive=True,
                exit_on_error=False,
            )  # fmt: skip
        self._show()

    def _show(self) -> None:
        """Show what the choice would make."""
        chosen = self.query_one(ChoiceList).chosen
        self.set_class(_ROLES in chosen, "-roles")
        looking = _COLLECTOR in chosen and not self._collector_plan
        steps: Sequence[Step] = ()
        if _COLLECTOR in chosen:
            steps = self._collector_plan
        elif _TABLES in chosen or _RESET in chosen:
            steps = self._plan
        self.query_one(StepList).replace(steps)
        changes = sum(step.state != "skipped" for step in steps)
        texts = []
        if _ROLES in chosen:
            texts.append("The role and the policy above will be made in IAM.")
        if _RESET in chosen:
            texts.append("All records of all regions will be deleted, and the tables made anew.")
        if looking:
            texts.append("looking …")
        elif _COLLECTOR in chosen:
            texts.append(
                f"The collector and its tables will take {formats.plural(changes, 'step')}:"
                if changes
                else "The collector is in place already:"
            )
        elif _TABLES in chosen and changes and _RESET not in chosen:
            texts.append(f"The tables will take {formats.plural(changes, 'step')}:")
        elif _TABLES in chosen and _RESET not in chosen:
            texts.append("The tables are in place already:")
        self._enter("planned", " ".join(texts) or "Choose what to make.")
        wanted = changes or {_ROLES, _RESET} & {*chosen}
        self.query_one("#set-up", Button).disabled = looking or not wanted

    def _enter(self, stage: Stage, text: str) -> None:
        self.say(text)
        self.query_one(ChoiceList).disabled = stage == "running"
        if stage != "planned":
            self.query_one("#set-up", Button).disabled = True
        leave = {"running": "go on behind", "done": "close"}
        self.query_one("#cancel", Button).label = leave.get(stage, "cancel")
        if stage == "done":
            self.focus_safe()

    @on(Button.Pressed, "#set-up")
    def _set_up(self) -> None:
        chosen = self.query_one(ChoiceList).chosen
        if _RESET not in chosen:
            self._begin(chosen)
            return
        text_style = self.look.palette.text
        question = ConfirmScreen(
            self.look,
            f"{self.look.glyphs.state['error']} empty the tables of {self.account}",
            "The record table of each region is deleted with all its records, and made anew. "
            "This cannot be undone. Nothing has been deleted yet.",
            items=[
                pieces_item([(self.look.safe(f"{step.region}  {step.text}"), text_style)])
                for step in self._plan
            ],
            agree="empty them",
            refuse="keep them",
            word=self.account,
            destructive=True,
        )
        self.app.push_screen(question, lambda agreed: self._begin(chosen) if agreed else None)

    def _begin(self, chosen: Sequence[str]) -> None:
        self.remove_class("-roles")  # the steps take its room
        self._enter("running", "setting up …")
        self.begin(self._run(chosen), "setting up")

    async def _run(self, chosen: Sequence[str]) -> None:
        failure: UserError | None = None
        try:
            if {_TABLES, _RESET, _COLLECTOR} & {*chosen}:
                await self.operations.set_up(
                    self.report, reset=_RESET in chosen, collector=_COLLECTOR in chosen
                )
            if _ROLES in chosen:
                await self.operations.make_roles(self.report)
        except UserError as error:
            failure = error
        text = "Everything stands." if failure is None else "Not all of it was made."
        if failure is None and _COLLECTOR in chosen:
            text += " Watch what is collected with `gammaray-tui --collected`."
        if failure is None and _ROLES in chosen:
            text += f" Attach the policy {self._policy} to those who use gammaray-tui."
        if not self.outlived(failure, text):
            self._enter("done", text)
            self.show_trouble(failure)
