"""Deploying applications: first the plan, then each step as it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input

from gammaray_tui import screen_keys
from gammaray_tui.screens.act_dialog import ActDialog
from gammaray_tui.screens.applications import application_choices, regions_of
from gammaray_tui.screens.dialog import plain, push_button
from gammaray_tui.screens.fire import Shot
from providers.configurations import CONFIGURATIONS, UNNAMED
from providers.errors import UserError
from providers.manifest import find_application, lasting_id
from providers.operations import Application, Operations, Step
from widgets import formats
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look
from widgets.step_list import StepList

if TYPE_CHECKING:
    from textual.worker import Worker

Stage: TypeAlias = Literal["choosing", "planned", "running", "done", "failed"]
_KEYS: dict[Stage, str] = {
    "choosing": "space choose · esc cancel",
    "planned": "space choose · esc cancel",
    "running": "esc go on in the background",
    "done": "esc close",
    "failed": "r try again · esc close",
}
_LEAVE: dict[Stage, str] = {"running": "go on behind", "done": "close", "failed": "close"}
_AS_IT_SAYS = "manifest"
_CONFIGURATIONS = (
    Choice(_AS_IT_SAYS, "as the manifest says", UNNAMED.text),
    *(Choice(item.letter, item.letter, item.text) for item in CONFIGURATIONS.values()),
)


class DeployScreen(ActDialog):
    """Chooses, plans, deploys; closing it while it runs lets the deployment go on."""

    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.DEPLOY]
    DEFAULT_CSS = """
    DeployScreen {
        #steps { max-height: 25vh; }
        &.-short {
            #applications, #configuration { max-height: 3; }
            #regions { max-height: 2; }
            #steps { max-height: 5; }
        }
        /* Where there is no room for both, the steps take that of the choices. */
        &.-short.-running {
            .choices { display: none; }
            #steps { max-height: 14; }
            &.-trouble #steps { max-height: 8; }
        }
    }
    """

    def __init__(self, look: Look, operations: Operations, account: str) -> None:
        super().__init__(look, operations, account)
        self._stage: Stage = "choosing"
        self._applications: Sequence[Application] = ()
        self._own: list[Application] = []  # the user's, by their manifests' paths
        self._planning: Worker[bool] | None = None

    def title_text(self) -> str:
        """Give the title."""
        return f"deploy {self.look.glyphs.arrow} {self.account}"

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row choices"):
            yield plain("applications", classes="label")
            yield ChoiceList(self.look, id="applications", many=True)
        with Horizontal(classes="row choices"):
            yield plain("or", classes="label")
            yield Input(id="manifest", placeholder="a manifest's path: app.toml, imageProc.json")
        with Horizontal(classes="row choices"):
            yield plain("configuration", classes="label")
            yield ChoiceList(self.look, _CONFIGURATIONS, id="configuration")
        with Horizontal(classes="row choices"):
            yield plain("regions", classes="label")
            yield ChoiceList(self.look, id="regions", many=True)
        yield plain("looking for applications …", id="state", classes="label gap")
        yield StepList(self.look, id="steps")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("deploy", "deploy", disabled=True, kind="go")

    async def load(self) -> None:
        """Look for applications."""
        await self._list_applications(None)
        if not self._applications:
            raise UserError("There is no application to deploy.", kind="nothing-to-deploy")
        self._offer_regions()

    async def _list_applications(self, chosen: Sequence[str] | None) -> None:
        listed = await self.operations.applications()
        self._applications = [*(item for item in listed if not item.variant_of), *self._own]
        if chosen is None:
            chosen = [item.name for item in self._applications[:1]]
        self._list("applications").set_choices(application_choices(self._applications), chosen)

    @on(Input.Submitted, "#manifest")
    def _take_manifest(self, event: Input.Submitted) -> None:
        """Offer the application that a manifest describes, chosen and alone."""
        path = event.value.strip()
        if path and self._stage != "running":
            self.run_worker(self.trying(self._load_manifest(path)), exit_on_error=False)

    async def _load_manifest(self, path: str) -> None:
        application = await asyncio.to_thread(find_application, path)
        described = replace(application.described(), name=lasting_id(path))
        self._own = [*(one for one in self._own if one.name != described.name), described]
        self.show_trouble(None)
        self.query_one("#manifest", Input).clear()
        await self._list_applications([described.name])
        self._offer_regions()

    @on(ChoiceList.Changed, "#applications")
    def _offer_regions(self) -> None:
        """Offer the regions of the chosen applications, all chosen, and plan for them."""
        chosen = self._list("applications").chosen
        regions = dict.fromkeys(
            region
            for item in self._applications
            if item.name in chosen
            for region in regions_of(item)
        )
        choices = [Choice(region, region) for region in regions]
        self._list("regions").set_choices(choices, regions)
        self._plan()

    @on(ChoiceList.Changed, "#configuration")
    @on(ChoiceList.Changed, "#regions")
    def _plan(self) -> None:
        if self._stage == "running":
            return
        if self._planning is not None:
            self._planning.cancel()
        wanted = self._wanted
        self.query_one(StepList).replace(())
        if not wanted:
            self._enter("choosing", "Choose an application and a region.")
            return
        self._enter("choosing", f"planning {', '.join(wanted)} …")
        work = self.looking(self._load_plan(wanted))
        self._planning = self.run_worker(work, exit_on_error=False)

    async def _load_plan(self, wanted: dict[str, Sequence[str]]) -> None:
        # What applications share (record tables, the layer) is one step, so listed once.
        steps: dict[str, Step] = {}
        for application, regions in wanted.items():
            plan = await self.operations.plan(application, regions=regions)
            steps |= {step.id: step for step in plan.steps if step.id not in steps}
        self.query_one(StepList).replace(list(steps.values()))
        changes = [step for step in steps.values() if step.state != "skipped"]
        text = f"This will take {formats.plural(len(changes), 'step')}:"
        self._enter("planned", text if changes else "Everything is in place already:")

    @property
    def _wanted(self) -> dict[str, Sequence[str]]:
        """The chosen applications in the chosen configuration; regions, () for all it has."""
        letter = self._list("configuration").choice
        chosen = self._list("applications").chosen
        regions = self._list("regions").chosen
        wanted: dict[str, Sequence[str]] = {}
        for item in self._applications:
            there = [region for region in regions_of(item) if region in regions]
            if item.name in chosen and there:
                name = item.name if letter == _AS_IT_SAYS else f"{item.name}:{letter}"
                wanted[name] = () if there == regions_of(item) else there
        return wanted

    def _list(self, id: str) -> ChoiceList:
        return self.query_one(f"#{id}", ChoiceList)

    def _enter(self, stage: Stage, text: str) -> None:
        self._stage = stage
        self.say(text)
        self.show_keys(_KEYS[stage])
        deploy = self.query_one("#deploy", Button)
        deploy.disabled = stage not in ("planned", "failed")
        deploy.label = "try again" if stage == "failed" else "deploy"
        for choices in self.query("ChoiceList, Input"):
            choices.disabled = stage == "running"
        self.query_one("#cancel", Button).label = _LEAVE.get(stage, "cancel")
        self.set_class(stage in ("running", "failed"), "-running")
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
        wanted = self._wanted
        self._enter("running", f"deploying {', '.join(wanted)} …")
        self.begin(self._run(wanted), "deploying")

    async def _run(self, wanted: dict[str, Sequence[str]]) -> None:
        for application, regions in wanted.items():
            try:
                await self.operations.deploy(application, self.report, regions=regions)
            except UserError as error:
                text = f"deploying {application} failed"
                if not self.outlived(error, text):
                    self._enter("failed", text)
                    self.show_trouble(error)
                return
            self.gammaray.model.mark("deployed", application)
        self.gammaray.last_shot = Shot(next(iter(wanted)), 1)  # what the next `f` offers
        names = ", ".join(wanted)
        text = f"{names} {'is' if len(wanted) == 1 else 'are'} deployed"
        if not self.outlived(None, text):
            self._enter("done", f"{text}; close this and press f to fire it")
            # Their lines must not go on saying that they are not deployed.
            await self._list_applications(self._list("applications").chosen)
