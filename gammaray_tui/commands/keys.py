"""`gammaray-tui keys`: the actions of the screen, and the keys that do them."""

from __future__ import annotations

import json

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.output import ended_pipe_is_fine


def keys(
    context: typer.Context,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """List the screen's actions by id, with their keys.

    To change them, name actions and keys in the configuration file: [keys] fire = "f,ctrl+f"
    """
    from gammaray_tui.actions import ACTIONS
    from gammaray_tui.config import load_settings
    from gammaray_tui.keymap import Keymap

    given = options.Given(config=config).over(options.given_before(context))
    keymap = Keymap(load_settings(given).keys)
    with ended_pipe_is_fine():
        for action in ACTIONS:
            bound = keymap.keys(action)
            if as_json:
                line = json.dumps({"id": action.id, "keys": bound, "does": action.text})
            else:
                line = f"{action.id:<20} {', '.join(bound):<24} {action.text}"
            typer.echo(line)
