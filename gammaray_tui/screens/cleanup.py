"""Deleting what was deployed: list, choose, read once more what will go, type, delete."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from itertools import groupby
from typing import ClassVar, Literal, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Button, Static

from gammaray_tui import screen_keys
from gammaray_tui.screens.act_dialog import ActDialog
from gammaray_tui.screens.deletion import KIND_WIDTH, deletion_question
from gammaray_tui.screens.dialog import plain, push_button
from providers.errors import UserError
from providers.operations import Operations, Resource, Scope
from widgets import formats
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look
from widgets.step_list import StepList

Stage: TypeAlias = Literal["looking", "choosing", "running", "done"]
_KEYS: dict[Stage, str] = {
    "looking": "esc cancel",
    "choosing": "space choose · a all of ours or none · b by application · esc cancel",
    "running": "esc go on in the background",
    "done": "r look again · esc close",
}


class CleanupScreen(ActDialog):
    """What carries our tag is preselected; nothing else is touched unless it is chosen."""

    DESTRUCTIVE = True
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.CLEANUP]
    DEFAULT_CSS = """
    CleanupScreen {
        #resources, #steps { max-height: 40vh; margin-top: 1; }
        &.-trouble #resources, &.-trouble #steps { max-height: 25vh; }
        #steps { display: none; }
        #scope { max-height: 4; }
        &.-running #resources { display: none; }
        &.-running #steps { display: block; }
    }
    """

    def __init__(
        self, look: Look, operations: Operations, account: str, *, application: str = ""
    ) -> None:
        """Take whose account; and the application to preselect, "" for all that is ours."""
        super().__init__(look, operations, account)
        self._application = application
        self._resources: dict[str, Resource] = {}
        self._stage: Stage = "looking"
        self._account_id = ""
        self._applications: list[str] = []

    def title_text(self) -> str:
        """Give the title."""
        return f"clean up {self.account}"

    def content(self) -> ComposeResult:
        """Compose the list."""
        yield plain("looking for what was deployed …", id="state")
        yield ChoiceList(self.look, many=True, id="resources")
        yield StepList(self.look, id="steps")
        yield plain("", id="scope", classes="label")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("keep them", "cancel")
        yield push_button("delete …", "delete", disabled=True, kind="danger")

    async def looking(self, work: Awaitable[None], told: str = "#state") -> bool:
        """Look for resources; where that goes wrong, it can be tried again."""
        went_well = await super().looking(work, told)
        if not went_well:
            self._enter("done", "")
        return went_well

    async def load(self) -> None:
        """Look for resources."""
        refused: list[UserError] = []
        resources = await self.operations.resources(
            refused.append, regions="all", on_scope=self._show_scope
        )
        self._account_id = await self.operations.account()
        if refused:
            self.show_trouble(refused[0])  # the rest can be cleaned up all the same
        ordered = sorted(resources, key=lambda r: (r.region, r.kind, r.name))
        self._resources = {f"{r.region}/{r.kind}/{r.id}": r for r in ordered}
        choices: list[Choice] = []
        now_s = time.time()
        for region, group in groupby(self._resources.items(), lambda pair: pair[1].region):
            choices.append(Choice("", region or "everywhere", region=region))
            choices += [_choice(key, resource, now_s) for key, resource in group]
        self._applications = sorted({r.application for r in resources if r.managed})
        managed = [
            key
            for key, resource in self._resources.items()
            if resource.managed and self._application in ("", resource.application)
        ]
        listed = self.query_one(ChoiceList)
        listed.set_choices(choices, managed)
        if not resources:
            self._enter("done", "Nothing of ours is here: there is nothing to delete.")
            return
        self._enter("choosing", "")
        self._count()
        listed.focus()

    @on(ChoiceList.Changed)
    def _count(self) -> None:
        chosen = self._chosen
        delete = self.query_one("#delete", Button)
        delete.disabled = not chosen or self._stage != "choosing"
        delete.label = f"delete {len(chosen)} …"
        foreign = sum(not resource.managed for resource in chosen)
        kept = len(self._resources) - len(chosen)
        text = f"{formats.plural(len(chosen), 'resource')} chosen, {kept} kept"
        if foreign:
            text += f"; {foreign} of them do not carry our tag"
        self.say(text)

    @property
    def _chosen(self) -> list[Resource]:
        return [self._resources[key] for key in self.query_one(ChoiceList).chosen]

    def action_all(self) -> None:
        """Choose all that is ours, or none when it is chosen; the rest goes one by one only."""
        if self._stage == "choosing":
            listed = self.query_one(ChoiceList)
            ours = [key for key, resource in self._resources.items() if resource.managed]
            listed.choose(() if set(ours) <= set(listed.chosen) else ours)

    def action_application(self) -> None:
        """Choose what belongs to one application, to the next one at each press."""
        if self._stage != "choosing" or not self._applications:
            return
        application = self._applications.pop(0)
        self._applications.append(application)
        self.query_one(ChoiceList).choose(
            key
            for key, resource in self._resources.items()
            if resource.managed and resource.application == application
        )

    def action_again(self) -> None:
        """Look again for what is left."""
        if self._stage != "done":
            return
        self.remove_class("-running")
        self.show_trouble(None)
        self.query_one("#cancel", Button).label = "keep them"
        self._enter("looking", "looking for what is left …")
        self.reload()

    @on(Button.Pressed, "#delete")
    def _ask(self) -> None:
        chosen = self._chosen
        question = deletion_question(self.look, self.account, self._account_id, chosen)
        self.app.push_screen(question, lambda agreed: self._delete(chosen) if agreed else None)

    def _delete(self, chosen: Sequence[Resource]) -> None:
        self._enter("running", f"deleting {formats.plural(len(chosen), 'resource')} …")
        self.add_class("-running")
        self.begin(self._run(chosen), "deleting")

    async def _run(self, chosen: Sequence[Resource]) -> None:
        try:
            result = await self.operations.delete(chosen, self.report)
        except UserError as error:
            self._end(error, "Deleting ended early.")
            return
        done = f"{formats.plural(len(result.deleted), 'resource')} deleted"
        if not result.failed:
            self._end(None, done)
            return
        resource, why = result.failed[0]
        incomplete = UserError(
            f"{formats.plural(len(result.failed), 'resource')} could not be deleted, "
            f"among them {resource.kind} {resource.name}: {why}",
            on=resource.region,
            todo="Clean up again: what is gone already is left out.",
            kind="cleanup-incomplete",
        )
        self._end(incomplete, f"{done}, {len(result.failed)} not")

    def _end(self, error: UserError | None, text: str) -> None:
        if not self.outlived(error, text):
            self._enter("done", text)
            self.show_trouble(error)

    def _enter(self, stage: Stage, text: str) -> None:
        self._stage = stage
        self.say(text)
        self.show_keys(_KEYS[stage])
        if stage in ("running", "done"):
            self.query_one("#delete", Button).disabled = True
        if stage == "done":
            self.query_one("#cancel", Button).label = "close"
            self.focus_safe()

    def _show_scope(self, scope: Scope) -> None:
        self.query_one("#scope", Static).update(Content(self.look.safe(str(scope))))


def _choice(key: str, resource: Resource, now_s: float) -> Choice:
    created_at_s = resource.created_at_s
    notes = [
        "" if resource.managed else "! not tagged as ours",
        resource.application,
        formats.size(resource.size_bytes) if resource.size_bytes is not None else "",
        f"{formats.lag(now_s - created_at_s)} old" if created_at_s is not None else "",
        resource.detail,
    ]
    return Choice(
        key, f"{resource.kind:<{KIND_WIDTH}} {resource.name}", " · ".join(n for n in notes if n)
    )
