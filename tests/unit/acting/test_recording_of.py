"""What the doctor makes of a function's settings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from providers.configurations import CONFIGURATIONS, configuration_of
from providers.doctor_functions import recording_of
from providers.instrument_settings import ORIGINAL
from providers.layer import EXEC_WRAPPER, SWAPPED_HANDLER
from providers.operations import CheckState
from providers.tags import our_tags

LAYER = {"Arn": "arn:aws:lambda:us-west-2:123456789012:layer:gammaray-recorder:7"}
WRAPPED = {"AWS_LAMBDA_EXEC_WRAPPER": EXEC_WRAPPER}
INSTRUMENTED = {ORIGINAL: "{}"}


def function(
    handler: str, variables: Mapping[str, str] = MappingProxyType({}), *, layer: bool = False
) -> dict[str, Any]:
    return {
        "FunctionName": "Sync",
        "Handler": handler,
        "Layers": [LAYER] if layer else [],
        "Environment": {"Variables": {**variables}},
    }


@pytest.mark.parametrize(
    "letter", ["", *(c.letter for c in CONFIGURATIONS.values() if c.recorder is not None)]
)
def test_every_configuration_that_records_is_in_order(letter: str) -> None:
    configuration = configuration_of(letter)
    deployed = function(
        configuration.handler("sync.handler"), layer=configuration.recorder == "layer"
    )

    recording = recording_of(deployed, our_tags("imageproc", letter))

    assert recording.state == "ok", recording


@pytest.mark.parametrize(
    ("there", "tags", "state", "todo"),
    [
        (function("app.handler", WRAPPED, layer=True), {}, "ok", ""),
        # In the zip, or by the decorator: nothing but the code shows it.
        (function(SWAPPED_HANDLER), {}, "warning", "instrument Sync"),
        (function("app.handler", layer=True), {}, "warning", "instrument Sync"),
        # What was attached, and taken apart by somebody.
        (function(SWAPPED_HANDLER, INSTRUMENTED), {}, "failed", "instrument Sync"),
        (function("app.handler", INSTRUMENTED, layer=True), {}, "failed", "instrument Sync"),
        (function(SWAPPED_HANDLER), our_tags("imageproc"), "failed", "Deploy it again"),
        (function("sync.handler", layer=True), our_tags("imageproc", "B"), "failed", "Deploy"),
    ],
)
def test_what_was_attached_otherwise_or_taken_apart(
    there: dict[str, Any], tags: dict[str, str], state: CheckState, todo: str
) -> None:
    recording = recording_of(there, tags)

    assert recording.state == state
    assert todo in recording.todo
