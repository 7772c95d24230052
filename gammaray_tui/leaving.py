"""Leaving the program, and asking first where that would stop something half-way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp

ACTS: Final = "acts"
"""The group of the workers that change AWS in many steps; each has what it does as its name."""


def under_way(app: GammarayApp) -> list[str]:
    """Say what goes on that leaving would stop half-way."""
    return sorted({one.name for one in app.workers if one.group == ACTS and not one.is_finished})


def leave(app: GammarayApp) -> None:
    """Leave the program, or the place that is watched for the one that was chosen.

    Asks first while an act goes on; who stays, stays in the same place.
    """
    busy = under_way(app)
    if not busy:
        app.exit()
        return
    from gammaray_tui.screens.confirm import ConfirmScreen

    def answered(agreed: bool | None) -> None:
        if agreed:
            app.exit()
        elif app.switching is not None:
            app.switching.chosen = None

    question = ConfirmScreen(
        app.look,
        "leave?",
        f"Still under way: {', '.join(busy)}. Leaving stops it half-way; the next start tells "
        "of it, and finishes or undoes it.",
        agree="leave",
        refuse="stay",
        destructive=True,
    )
    app.push_screen(question, answered)
