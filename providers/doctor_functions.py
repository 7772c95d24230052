"""Whether a function is recorded, as far as its settings tell.

The ways to attach the recorder are those of docs/recorder.md: what is in a zip, or written into
the code, no setting shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from providers.configurations import CONFIGURATIONS, RECORDING_HANDLERS
from providers.deploy_functions import LAYER_NAME
from providers.instrument_settings import ORIGINAL
from providers.layer import EXEC_WRAPPER
from providers.operations import CheckState
from providers.tags import CONFIGURATION, is_managed

_WRAPPER: Final = "AWS_LAMBDA_EXEC_WRAPPER"
_APART: Final = "layer and handler do not go together: nothing is recorded"


class Recording(NamedTuple):
    """Whether a function is recorded: what was found, and what to do."""

    state: CheckState
    detail: str
    todo: str = ""


def recorder_layer(function: Mapping[str, Any]) -> str:
    """Give the ARN of the recorder's layer that a function loads; "" when it loads none."""
    for layer in function.get("Layers", []):
        if layer["Arn"].split(":")[6:7] == [LAYER_NAME]:
            return str(layer["Arn"])
    return ""


def starts_recorder(function: Mapping[str, Any]) -> bool:
    """Say whether a function's handler, or the wrapper around it, is the recorder's."""
    variables = function.get("Environment", {}).get("Variables", {})
    return function.get("Handler") in RECORDING_HANDLERS or variables.get(_WRAPPER) == EXEC_WRAPPER


def recording_of(function: Mapping[str, Any], tags: Mapping[str, str]) -> Recording:
    """Say whether a function is recorded.

    Args:
        function: as ListFunctions gives it; it has the layer, or starts the recorder.
        tags: its tags; they matter only where not both are so.
    """
    layer, starts = recorder_layer(function), starts_recorder(function)
    if layer and starts:
        return Recording("ok", "recorder attached")
    name = function["FunctionName"]
    again = f"Run `gammaray-tui instrument {name}`."
    if is_managed(tags):
        configuration = CONFIGURATIONS.get(tags.get(CONFIGURATION, ""))
        if starts and configuration is not None and configuration.recorder == "zip":
            return Recording("ok", "recorder in its zip")
        return Recording("failed", _APART, "Deploy it again.")
    if ORIGINAL in function.get("Environment", {}).get("Variables", {}):
        return Recording("failed", _APART, again)
    if starts:
        detail = "it loads no layer: it is recorded only if the recorder is in its zip"
        return Recording("warning", detail, f"If it is not: {again}")
    detail = "its handler is its own: it is recorded only if its code uses the decorator"
    return Recording("warning", detail, f"If it does not: {again}")
