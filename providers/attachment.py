"""What a function is deployed with, so that its configuration observes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from providers.bundles import files_in
from providers.deploy_functions import WantedFunction
from providers.manifest import LoadedApplication
from providers.manifest_parts import Function
from providers.place import Place

PROBE_HANDLER: Final = "gammaray_probe.handler"
_PROBED: Final = "GAMMARAY_PROBED"
_PROBE_FILE: Final = Path(__file__).parent / "overhead" / "probe.py"


@dataclass(frozen=True, slots=True)
class Attachment:
    """How a function gets its configuration.

    Attributes:
        handler: what its `Handler` is set to.
        environment: variables beside its own.
        files: what its zip holds, its own files first: what it brings itself stays.
    """

    handler: str
    environment: Mapping[str, str]
    files: Mapping[str, bytes]


def attachment_of(application: LoadedApplication, function: Function, table: str) -> Attachment:
    """Attach an application's configuration to one of its functions.

    Args:
        application: in its configuration.
        function: one of its functions.
        table: the record table's name.

    Raises:
        UserError: a package that belongs to the configuration is not installed.
    """
    configuration = application.configuration
    handler = configuration.handler(function.handler)
    environment = configuration.environment(function.handler, table)
    own = files_in(application.folder, function.files, by_own_name=application.files_by_own_name)
    files = {**configuration.files(), **own}
    if application.probed:
        # Around all else, so that it sees what the configuration adds.
        environment[_PROBED] = handler
        handler = PROBE_HANDLER
        files["gammaray_probe.py"] = _PROBE_FILE.read_bytes()
    return Attachment(handler, environment, files)


def function_of(place: Place, application: LoadedApplication, function: Function) -> WantedFunction:
    """Say what a function of an application is to be, in its configuration.

    Raises:
        UserError: a package that belongs to the configuration is not installed.
    """
    attachment = attachment_of(application, function, place.table)
    own = {k: place.filled(v, function.region) for k, v in function.environment.items()}
    return WantedFunction(
        name=function.name,
        region=function.region,
        runtime=function.runtime,
        handler=attachment.handler,
        memory_mb=function.memory_mb,
        timeout_s=function.timeout_s,
        environment={**own, **place.environment, **attachment.environment},
        files=attachment.files,
        traced=application.traces(function),
    )
