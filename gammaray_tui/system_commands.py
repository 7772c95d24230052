"""What the palette offers: the registry's actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from gammaray_tui.actions import ACTIONS

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp


def system_commands(app: GammarayApp) -> Iterator[SystemCommand]:
    """Give those actions that make sense in this session, each with its key."""
    for action in ACTIONS:
        offered = action.is_offered(
            can_operate=app.operations is not None, replaying=app.player is not None
        )
        if not action.in_palette or not offered:
            continue

        def run(action_id: str = action.id) -> None:
            app.call_later(app.action_act, action_id)

        # People look for the word that the footer has.
        known = action.label.casefold() in action.text.casefold()
        name = action.text if known else f"{action.label}: {action.text}"
        name = name[0].upper() + name[1:]
        yield SystemCommand(name, f"key {app.keymap.shown(action)}", run)
