"""Deploying an application: first the plan, then each step as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from gammaray_tui.screens.applications import application_choices
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from providers.errors import UserError
from providers.operations import Operations, Step
from widgets import formats
from widgets.choice_list import ChoiceList
from widgets.look import Look
from widgets.step_list import StepList

if TYPE_CHECKING:
    from textual.worker import Worker

Stage: TypeAlias = Literal["choosing", "planned", "running", "done", "failed"]
_KEYS: dict[Stage, str] = {
    "choosing": "esc cancel",
    "planned": "esc cancel",
    "running": "esc go on in the background",
    "done": "esc close",
    "failed": "r try again · esc close",
}
_LEAVE: dict[Stage, str] = {"running": "go on behind", "done": "close", "failed": "close"}


class DeployScreen(Dialog[None]):
    """Chooses, plans, deploys; closing it while it runs lets the deployment go on."""

    WIDE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "retry", "try again", id="deploy.retry", show=False),
    ]
    DEFAULT_CSS = """
    DeployScreen #steps { max-height: 22; }
    """

    def __init__(self, look: Look, operations: Operations, account: str) -> None:
        super().__init__(look)
        self._operations = operations
        self._account = account
        self._stage: Stage = "choosing"
        self._planning: Worker[bool] | None = None

    def title_text(self) -> str:
        """Give the title."""
        return f"deploy {self.look.glyphs.arrow} {self._account}"

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("application", classes="label")
            yield ChoiceList(self.look, id="application")
        yield plain("looking for applications …", id="state", classes="label gap")
        yield StepList(self.look, id="steps")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("deploy", "deploy", disabled=True, kind="go")

    def on_mount(self) -> None:
        """Look for applications."""
        super().on_mount()
        self.run_worker(self.trying(self._load()), exit_on_error=False)

    async def _load(self) -> None:
        choices = application_choices(await self._operations.applications())
        if not choices:
            raise UserError("There is no application to deploy.", kind="nothing-to-deploy")
        self.query_one(ChoiceList).set_choices(choices)
        self._plan()

    @on(ChoiceList.Changed)
    def _plan(self) -> None:
        if self._stage == "running":
            return
        self._enter("choosing", f"planning {self._application} …")
        if self._planning is not None:
            self._planning.cancel()
        self._planning = self.run_worker(self.trying(self._load_plan()), exit_on_error=False)

    async def _load_plan(self) -> None:
        plan = await self._operations.plan(self._application)
        self.query_one(StepList).replace(plan.steps)
        changes = [step for step in plan.steps if step.state != "skipped"]
        text = f"This will take {formats.plural(len(changes), 'step')}:"
        self._enter("planned", text if changes else "Everything is in place already:")

    @property
    def _application(self) -> str:
        return self.query_one(ChoiceList).choice

    def _enter(self, stage: Stage, text: str) -> None:
        self._stage = stage
        self.query_one("#state", Static).update(Content(self.look.safe(text)))
        self.show_keys(_KEYS[stage])
        deploy = self.query_one("#deploy", Button)
        deploy.disabled = stage not in ("planned", "failed")
        deploy.label = "try again" if stage == "failed" else "deploy"
        self.query_one(ChoiceList).disabled = stage == "running"
        self.query_one("#cancel", Button).label = _LEAVE.get(stage, "cancel")
        deploy.display = stage != "done"
        if stage in ("planned", "failed"):
            self.show_trouble(None)
        if stage == "done":
            self.focus_safe()

    def action_retry(self) -> None:
        """Deploy again after a failure; what stands already is left as it is."""
        if self._stage == "failed":
            self._deploy()

    @on(Button.Pressed, "#deploy")
    def _deploy(self) -> None:
        self._enter("running", f"deploying {self._application} …")
        self.query_one(StepList).replace(())
        # The application runs it, so that it goes on when the dialog is closed.
        self.gammaray.run_worker(self._run(self._application), group="deploy", exit_on_error=False)

    async def _run(self, application: str) -> None:
        try:
            await self._operations.deploy(application, self._report)
        except UserError as error:
            if self.is_attached:
                self._enter("failed", f"deploying {application} failed")
                self.show_trouble(error)
            else:
                self.gammaray.show_error(error)
            return
        self.gammaray.model.mark("deployed", application)
        if self.is_attached:
            self._enter("done", f"{application} is deployed; close this and press f to fire it")
            # Its line must not go on saying that it is not deployed.
            choices = application_choices(await self._operations.applications())
            self.query_one(ChoiceList).set_choices(choices, [application])
        else:
            self.gammaray.notify(f"{application} is deployed", markup=False)

    def _report(self, step: Step) -> None:
        if self.is_attached:
            self.query_one(StepList).report(step)
