"""Applications as choices, for the dialogs that fire and deploy them."""

from __future__ import annotations

from collections.abc import Sequence

from providers.operations import Application
from widgets.choice_list import Choice

_STANDING = {True: "deployed", False: "not deployed", None: ""}


def application_choices(applications: Sequence[Application]) -> list[Choice]:
    """Offer applications, each with its title and whether it is deployed."""
    choices = []
    for application in applications:
        regions = ", ".join(regions_of(application))
        notes = [_STANDING[application.deployed], application.title, regions]
        choices.append(
            Choice(application.name, application.name, " · ".join(note for note in notes if note))
        )
    return choices


def regions_of(application: Application) -> list[str]:
    """Give the regions of an application's functions, in order."""
    return sorted({region for _, region in application.functions})
