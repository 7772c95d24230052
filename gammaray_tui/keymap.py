"""Which keys do what: those of the registry, and those that the user has put in their place."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from gammaray_tui.actions import ACTIONS, BY_ID, Action, key_sign
from providers.errors import UserError

_EVERYWHERE = ("", "list")  # what is bound there is reached from every pane


class Keymap:
    """The keys of every action in one session."""

    def __init__(self, changes: Mapping[str, str] | None = None) -> None:
        """Take the user's changes.

        Args:
            changes: by action's id, its keys as Textual writes them, joined by commas.

        Raises:
            UserError: there is no such action, or a key would do two things in one place.
        """
        changes = changes or {}
        for name in changes:
            if name not in BY_ID:
                raise UserError(
                    f'There is no action "{name}" to bind keys to.',
                    on="`keys` in the configuration",
                    todo=_meant(name),
                    kind="config",
                )
        self.changes = {
            name: ",".join(key.strip() for key in text.split(",") if key.strip())
            for name, text in changes.items()
        }
        self._refuse_clashes()

    def keys(self, action: Action) -> tuple[str, ...]:
        """Give the keys of an action; none when the user took them all away."""
        changed = self.changes.get(action.id)
        if changed is None:
            return action.keys
        return tuple(changed.split(",")) if changed else ()

    def shown(self, action: Action) -> str:
        """Give the keys of an action as a user reads them."""
        return " ".join(key_sign(key) for key in self.keys(action))

    def _refuse_clashes(self) -> None:
        bound: dict[tuple[str, str], Action] = {}
        for action in ACTIONS:
            place = "" if action.widget in _EVERYWHERE else action.widget
            for key in self.keys(action):
                other = bound.setdefault((place, key), action)
                if other is not action and (action.id in self.changes or other.id in self.changes):
                    raise UserError(
                        f'The key {key_sign(key)} would do both "{other.id}" and "{action.id}".',
                        on="`keys` in the configuration",
                        todo="Give one of the two another key.",
                        kind="config",
                    )


def _meant(name: str) -> str:
    close = get_close_matches(name, BY_ID, n=1)
    hint = f'Did you mean "{close[0]}"? ' if close else ""
    return f"{hint}`gammaray-tui keys` lists all actions and their keys."
