"""What the recorder's attachment changes in a function's settings, and how that is put back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from providers.deploy_functions import LAYER_NAME
from providers.errors import UserError
from providers.layer import SWAPPED_HANDLER, handler_environment

ORIGINAL: Final = "GAMMARAY_ORIGINAL"
"""The variable that holds, as JSON, what the recorder's attachment replaced."""

_HANDLER: Final = "GAMMARAY_HANDLER"
_RUNTIME: Final = re.compile(r"python3\.(\d+)")
_OLDEST_MINOR: Final = 9
# AWS Lambda quotas: layers a function, and bytes of all its variables.
_MOST_LAYERS: Final = 5
_MOST_VARIABLES: Final = 4096
_PARTS: Final = {
    "Handler": "handler",
    "Layers": "recorder",
    "Environment": "environment",
    "TracingConfig": "tracing",
}


def attached(there: Mapping[str, Any], layer: str, table: str) -> dict[str, Any]:
    """Give the settings of a function with the recorder attached.

    Args:
        there: the function's configuration, as GetFunctionConfiguration gives it.
        layer: ARN of the recorder's layer version.
        table: where records go.

    Raises:
        UserError: the recorder cannot be attached to it; the message says why.
    """
    check_recordable(there)
    variables = dict(there.get("Environment", {}).get("Variables", {}))
    if there["Handler"] == SWAPPED_HANDLER and ORIGINAL in variables:
        original = json.loads(variables[ORIGINAL])
    else:
        by_hand = there["Handler"] == SWAPPED_HANDLER
        own = variables.get(_HANDLER, "") if by_hand else there["Handler"]
        ours = handler_environment(own, table)
        original = {
            "handler": own,
            "tracing": there.get("TracingConfig", {}).get("Mode", "PassThrough"),
            # What bears one of our names and is not ours.
            "variables": {} if by_hand else {k: v for k, v in variables.items() if k in ours},
        }
    variables |= handler_environment(original["handler"], table)
    variables[ORIGINAL] = json.dumps(original, separators=(",", ":"), ensure_ascii=False)
    size = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size > _MOST_VARIABLES:
        raise UserError(
            f"The variables of function {there['FunctionName']} would take {size} bytes, and "
            f"Lambda allows {_MOST_VARIABLES}",
            todo="Shorten some of them; nothing was changed.",
            kind="cannot-instrument",
        )
    return {
        "Handler": SWAPPED_HANDLER,
        "Layers": [*_other_layers(there), layer],
        "Environment": {"Variables": variables},
        "TracingConfig": {"Mode": "Active"},
    }


def is_attached(there: Mapping[str, Any]) -> bool:
    """Say whether anything of the recorder's attachment stands in a function's settings.

    Where nothing does, nothing must be restored either: a variable that bears one of our names
    is the user's own then.
    """
    variables = there.get("Environment", {}).get("Variables", {})
    layers = [layer["Arn"] for layer in there.get("Layers", [])]
    return (
        there.get("Handler") == SWAPPED_HANDLER
        or ORIGINAL in variables
        or len(_other_layers(there)) < len(layers)
    )


def changes_between(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Name the parts in which a function's settings differ from those that are wanted."""
    present = _present(there)
    return [text for key, text in _PARTS.items() if wanted[key] != present[key]]


def restored(there: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of a function as they were before `attached` changed them.

    What somebody changed meanwhile, other layers and variables, stays as it is now.
    """
    variables = dict(there.get("Environment", {}).get("Variables", {}))
    own = variables.get(_HANDLER, there["Handler"])
    original = json.loads(variables.get(ORIGINAL, "{}"))
    for name in (*handler_environment("", ""), ORIGINAL):
        variables.pop(name, None)
    variables |= original.get("variables", {})
    swapped = there["Handler"] == SWAPPED_HANDLER
    mode = there.get("TracingConfig", {}).get("Mode", "PassThrough")
    return {
        "Handler": original.get("handler", own) if swapped else there["Handler"],
        "Layers": _other_layers(there),
        "Environment": {"Variables": variables},
        "TracingConfig": {"Mode": original.get("tracing", mode)},
    }


def check_recordable(there: Mapping[str, Any]) -> None:
    """Check that the recorder can be attached to a function.

    Raises:
        UserError: it cannot (kind "cannot-instrument"); the message says why.
    """
    name = there["FunctionName"]
    runtime = there.get("Runtime", "")
    version = _RUNTIME.fullmatch(runtime)
    if there.get("PackageType", "Zip") == "Image":
        why = "is a container image, and layers cannot be added to one"
        todo = f"Install gammaray_recorder in the image, and let it start {SWAPPED_HANDLER}."
    elif version is None:
        why = f"runs on {runtime or 'a runtime of its own'}; the recorder is for Python"
        todo = "What it does is still seen where functions that are recorded call it."
    elif int(version.group(1)) < _OLDEST_MINOR:
        why = f"runs on {runtime}; the recorder needs Python 3.{_OLDEST_MINOR} or newer"
        todo = "Move it to a runtime that AWS still supports."
    elif len(_other_layers(there)) >= _MOST_LAYERS:
        why = f"has {_MOST_LAYERS} layers already, and Lambda allows no more"
        todo = "Take one away, or put two into one."
    else:
        return
    raise UserError(
        f"Function {name} cannot be recorded: it {why}",
        todo=f"{todo} Nothing was changed.",
        kind="cannot-instrument",
    )


def _present(there: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Handler": there["Handler"],
        "Layers": [layer["Arn"] for layer in there.get("Layers", [])],
        "Environment": {"Variables": there.get("Environment", {}).get("Variables", {})},
        "TracingConfig": {"Mode": there.get("TracingConfig", {}).get("Mode", "PassThrough")},
    }


def _other_layers(there: Mapping[str, Any]) -> list[str]:
    arns = [str(layer["Arn"]) for layer in there.get("Layers", [])]
    return [arn for arn in arns if arn.split(":")[6:7] != [LAYER_NAME]]
