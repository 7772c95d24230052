"""What a function was before a deployment changed it, kept until the deployment has succeeded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from providers.errors import UserError

_DOWNLOAD_TIMEOUT_S: Final = 120.0
# What UpdateFunctionConfiguration can set, of what a deployment changes.
_SETTINGS: Final = ("Role", "Handler", "Runtime", "MemorySize", "Timeout")


@dataclass(frozen=True, slots=True)
class Previous:
    """A function's code and settings at one moment.

    Attributes:
        code: its zip; None when the code is not about to change.
        architectures: what its compiled code is for, as UpdateFunctionCode takes it.
        settings: as UpdateFunctionConfiguration takes them.
    """

    code: bytes | None
    architectures: Sequence[str]
    settings: Mapping[str, Any]

    async def restore(
        self, client: Any, name: str, until_ready: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Put code and settings back.

        Args:
            client: of Lambda, in the function's region.
            name: the function's.
            until_ready: waits until the function can be changed again.
        """
        await until_ready(client)
        if self.code is not None:
            await client.update_function_code(
                FunctionName=name, ZipFile=self.code, Architectures=list(self.architectures)
            )
            await until_ready(client)
        await client.update_function_configuration(FunctionName=name, **self.settings)
        await until_ready(client)


async def previous_of(client: Any, name: str, *, with_code: bool) -> Previous:
    """Keep what a function is now; its code is downloaded only if it is about to change.

    Raises:
        UserError: the code cannot be had, so that it could not be put back.
    """
    described = await client.get_function(FunctionName=name)
    there = described["Configuration"]
    settings = {key: there[key] for key in _SETTINGS if key in there}
    settings["Environment"] = {"Variables": there.get("Environment", {}).get("Variables", {})}
    settings["Layers"] = [layer["Arn"] for layer in there.get("Layers", [])]
    settings["TracingConfig"] = {"Mode": there.get("TracingConfig", {}).get("Mode", "PassThrough")}
    code = await _downloaded(described["Code"]["Location"], name) if with_code else None
    return Previous(code, there.get("Architectures", ["x86_64"]), settings)


async def _downloaded(url: str, name: str) -> bytes:
    """Download a function's zip from the address, signed for minutes, that GetFunction gives."""
    timeout = aiohttp.ClientTimeout(total=_DOWNLOAD_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(url) as answer,
        ):
            answer.raise_for_status()
            return await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise UserError(
            f"The present code of function {name} cannot be downloaded: {error}",
            todo="Nothing was changed: without it, a failure could not be rolled back.",
            kind="no-rollback",
        ) from error
