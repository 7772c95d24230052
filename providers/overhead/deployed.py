"""Measured functions on AWS: deployed, and invoked one at a time."""

from __future__ import annotations

import base64
import re
import uuid
from typing import Any, Final

import msgspec

from providers.errors import UserError
from providers.manifest_parts import Function
from providers.overhead.containers import Answer, Invoked
from providers.pieces import wait_until
from providers.place import Place

_READY_TIMEOUT_S: Final = 120.0
_STARTED: Final = "GAMMARAY_STARTED"
_FIGURE: Final = r"{}: ([\d.]+) (?:ms|MB)"


class DeployedContainer:
    """One deployed function; AWS starts another container for it when its settings change."""

    def __init__(self, place: Place, function: Function) -> None:
        self._place = place
        self._function = function

    async def start(self) -> None:
        """Change the function's environment: containers with the old one get no invocation."""
        client = await self._client()
        name = self._function.name
        there = await client.get_function_configuration(FunctionName=name)
        variables = {**there["Environment"]["Variables"], _STARTED: uuid.uuid4().hex}
        await client.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )

        async def ready() -> bool:
            now = await client.get_function_configuration(FunctionName=name)
            return bool(now.get("LastUpdateStatus") != "InProgress")

        await wait_until(ready, f"function {name}", timeout_s=_READY_TIMEOUT_S)

    async def invoke(self, event: dict[str, Any]) -> Invoked:
        """Invoke the function and wait for its answer.

        Raises:
            UserError: it failed.
        """
        client = await self._client()
        answer = await client.invoke(
            FunctionName=self._function.name,
            LogType="Tail",
            Payload=msgspec.json.encode(event),
        )
        async with answer["Payload"] as body:
            payload = await body.read()
        if answer.get("FunctionError"):
            raise UserError(
                f"Function {self._function.name} failed: {payload.decode('utf-8', 'replace')}",
                on=f"region {self._function.region}",
                kind="failed",
            )
        report = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
        return Invoked(
            answer=msgspec.json.decode(payload, type=Answer),
            billed_ms=_figure("Billed Duration", report),
            reported_mb=_figure("Max Memory Used", report),
            reported_init_ms=_figure("Init Duration", report),
        )

    async def stop(self) -> None:
        """Leave the function; it is deleted with the others in the end."""

    async def _client(self) -> Any:
        return await self._place.clients.of("lambda", self._function.region)


def _figure(name: str, report: str) -> float | None:
    """Find a figure in the REPORT line of an invocation's log."""
    match = re.search(_FIGURE.format(name), report)
    return float(match.group(1)) if match else None
