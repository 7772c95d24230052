"""The configurations that an application can be deployed in, as in the original's experiments.

A letter says how a function is observed; the deployed function's name ends with it. The user's
code is the same in all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from providers.bundles import package_files
from providers.errors import UserError
from providers.layer import SWAPPED_HANDLER, handler_environment

_TRACED_HANDLER: Final = "gammaray_recorder.traced.handler"
_HYBRID_HANDLER: Final = "gammaray_recorder.hybrid.handler"
RECORDING_HANDLERS: Final = frozenset({SWAPPED_HANDLER, _HYBRID_HANDLER})
"""What a function's `Handler` is where it starts the recorder."""

# What the handler of F needs of the recorder's package: nothing that records.
_TRACED_FILES: Final = ("__init__.py", "bootstrap.py", "traced.py", "xray.py")
_XRAY_PACKAGES: Final = ("aws_xray_sdk", "wrapt")


@dataclass(frozen=True, slots=True)
class Configuration:
    """How functions are observed.

    Attributes:
        letter: "" for what is deployed when none is asked for.
        text: what it is, for people.
        tracing: whether X-Ray traces the functions.
        xray_sdk: whether the X-Ray SDK is put into the zip and patches the libraries.
        recorder: how the recorder gets to the function; None: not at all.
        every_call: whether the recorder keeps calls that can trigger nothing, too.
    """

    letter: str
    text: str
    tracing: bool = False
    xray_sdk: bool = False
    recorder: Literal["zip", "layer"] | None = None
    every_call: bool = True

    def handler(self, own: str) -> str:
        """Give what a function's `Handler` is set to, whose own handler is `own`."""
        if self.recorder is None:
            return _TRACED_HANDLER if self.xray_sdk else own
        return _HYBRID_HANDLER if self.xray_sdk else SWAPPED_HANDLER

    def environment(self, own_handler: str, table: str) -> dict[str, str]:
        """Give the environment variables that a function needs beside its own."""
        if self.recorder is None:
            return {"GAMMARAY_HANDLER": own_handler} if self.xray_sdk else {}
        calls = {} if self.every_call else {"GAMMARAY_CALLS": "triggering"}
        return {**handler_environment(own_handler, table), **calls}

    def files(self) -> dict[str, bytes]:
        """Read what is put into the zip beside the function's own files.

        Raises:
            UserError: a package that belongs there is not installed.
        """
        packages = _XRAY_PACKAGES if self.xray_sdk else ()
        files = {name: text for item in packages for name, text in package_files(item).items()}
        if self.recorder == "zip":
            files |= package_files("gammaray_recorder")
        elif self.xray_sdk and self.recorder is None:
            recorder = package_files("gammaray_recorder")
            files |= {
                name: recorder[name]
                for name in (f"gammaray_recorder/{file}" for file in _TRACED_FILES)
            }
        return files


UNNAMED: Final = Configuration("", "the recorder by layer", recorder="layer", tracing=True)
"""What is deployed when no configuration is asked for: as D, and traced unless told otherwise."""

CONFIGURATIONS: Final = {
    configuration.letter: configuration
    for configuration in (
        Configuration("C", "clean: nothing observes the functions"),
        Configuration("T", "X-Ray's active tracing only", tracing=True),
        Configuration("F", "active tracing, and the X-Ray SDK patches the libraries",
                      tracing=True, xray_sdk=True),
        Configuration("S", "the recorder bundled into the zip, all calls", recorder="zip"),
        Configuration("D", "the recorder by layer, all calls", recorder="layer"),
        Configuration("B", "hybrid: X-Ray and its SDK for times, the recorder for the calls "
                      "that can trigger", tracing=True, xray_sdk=True, recorder="layer",
                      every_call=False),
    )
}  # fmt: skip
"""The original's six configurations, by letter."""


def configuration_of(letter: str) -> Configuration:
    """Give a configuration by its letter, in either case; `UNNAMED` for "".

    Raises:
        UserError: there is none (kind "unknown-configuration").
    """
    known = {"": UNNAMED, **CONFIGURATIONS}
    if letter.upper() not in known:
        listed = "; ".join(f"{item.letter} ({item.text})" for item in CONFIGURATIONS.values())
        raise UserError(
            f"There is no configuration {letter!r}",
            todo=f"There are {listed}.",
            kind="unknown-configuration",
        )
    return known[letter.upper()]
