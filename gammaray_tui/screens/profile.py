"""Going over to another profile or other regions, without leaving the program."""

from __future__ import annotations

import asyncio

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from gammaray_tui.commands.options import split_regions
from gammaray_tui.screens.dialog import Dialog, plain, push_button
from gammaray_tui.switching import Place, Switching, known_profiles
from providers.errors import UserError
from widgets.choice_list import Choice, ChoiceList
from widgets.look import Look

_DEFAULT = "(default credentials)"


class ProfileScreen(Dialog[bool]):
    """Chooses a profile and regions, tries them, and gives True when the watch can go over."""

    TITLE_TEXT = "profile and regions"
    SAFE = "#profiles"
    KEYS_TEXT = "space choose · tab enter go over · esc cancel"

    def __init__(self, look: Look, switching: Switching) -> None:
        super().__init__(look)
        self._switching = switching
        self._profiles: dict[str, str] = {}
        self._busy = False

    def content(self) -> ComposeResult:
        """Compose the form."""
        with Horizontal(classes="row"):
            yield plain("profile", classes="label")
            yield ChoiceList(self.look, id="profiles")
        with Horizontal(classes="row gap"):
            yield plain("regions", classes="label")
            yield Input(
                ", ".join(self._switching.now.regions),
                id="regions",
                placeholder="us-west-2, us-east-1; empty: the profile's own",
            )
        yield plain("", id="state", classes="label gap")

    def buttons(self) -> ComposeResult:
        """Compose the buttons."""
        yield push_button("cancel", "cancel")
        yield push_button("go over", "switch", kind="go")

    def on_mount(self) -> None:
        """List the profiles."""
        super().on_mount()
        self.run_worker(self.trying(self._load()), exit_on_error=False)

    async def _load(self) -> None:
        self._profiles = await asyncio.to_thread(known_profiles)
        choices = [Choice(_DEFAULT, _DEFAULT)]
        choices += [Choice(name, name, region) for name, region in self._profiles.items()]
        now = self._switching.now.profile or _DEFAULT
        self.query_one(ChoiceList).set_choices(choices, [now])

    @on(ChoiceList.Changed)
    def _other_profile(self) -> None:
        self.query_one("#regions", Input).value = self._profiles.get(
            self.query_one(ChoiceList).choice, ""
        )

    @on(Input.Submitted)
    @on(Button.Pressed, "#switch")
    def _switch(self) -> None:
        """Try the choice, and go over to it."""
        if not self._busy:
            self._busy = True
            self.query_one("#state", Static).update(Content("trying …"))
            self.run_worker(self._try(), exit_on_error=False)

    async def _try(self) -> None:
        choice = self.query_one(ChoiceList).choice
        regions = split_regions([self.query_one("#regions", Input).value])
        place = Place(None if choice in ("", _DEFAULT) else choice, regions)
        try:
            await self._switching.try_out(place)
        except UserError as error:
            self.show_trouble(error)
            self.query_one("#state", Static).update(Content(""))
        else:
            self.dismiss(True)
        finally:
            self._busy = False
