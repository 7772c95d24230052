"""Firing: starting chains of an application that is deployed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any, Final

import msgspec

from providers.errors import UserError
from providers.manifest import LoadedApplication
from providers.manifest_parts import Function
from providers.operations import Fired, Report, Step, StepState
from providers.place import AWS_ERRORS, open_place
from providers.session import AwsSession, is_local, user_error

_AT_ONCE: Final = 32
# A local AWS starts a process for each invocation that finds the others busy, and drops what
# exceeds its limit instead of queueing it for hours as AWS does. So there we wait for the
# function's answer, which keeps a handful of warm processes busy.
_AT_ONCE_LOCALLY: Final = 4
_ATTEMPTS: Final = 3
_ANSWER_MARGIN_S: Final = 30.0


async def fire(
    session: AwsSession, application: LoadedApplication, count: int, report: Report
) -> Fired:
    """Invoke the function that starts a chain, `count` times, concurrently.

    On AWS the invocations are asynchronous: this returns when they are accepted. A local AWS is
    waited for. Whether a function succeeds is not told here but by the records that it leaves.

    Returns:
        The request ids of those that were accepted, and an error text for each other one.

    Raises:
        UserError: none was accepted: not deployed, no credentials, ...
    """
    function = application.function(application.manifest.fire.function)
    local = session.endpoint_url is not None and is_local(session.endpoint_url)
    limit = asyncio.Semaphore(_AT_ONCE_LOCALLY if local else _AT_ONCE)
    accepted: dict[int, str] = {}
    errors: list[UserError] = []

    def tell(state: StepState) -> None:
        detail = f"{len(accepted)} of {count} accepted"
        if errors:
            detail += f", {len(errors)} failed: {errors[0].what}"
        report(Step("fire", f"invoke {function.name}", function.region, state, detail))

    async with (
        open_place(session, function.region, application.name) as place,
        session.client(
            "lambda",
            function.region,
            # A second try after a slow answer would be a second chain.
            attempts=1 if local else _ATTEMPTS,
            read_timeout_s=function.timeout_s + _ANSWER_MARGIN_S,
        ) as client,
    ):

        async def invoke(number: int) -> None:
            run = uuid.uuid4().hex

            def fill(text: str) -> str:
                text = text.replace("{run}", run).replace("{number}", str(number))
                return place.filled(text, function.region)

            payload = _filled(application.manifest.fire.payload, fill)
            async with limit:
                try:
                    answer = await client.invoke(
                        FunctionName=function.name,
                        InvocationType="RequestResponse" if local else "Event",
                        Payload=msgspec.json.encode(payload),
                    )
                    async with answer["Payload"] as body:  # the connection is free again then
                        await body.read()
                except client.exceptions.ResourceNotFoundException:
                    errors.append(_not_deployed(application, function))
                except AWS_ERRORS as error:
                    errors.append(
                        user_error(
                            error,
                            profile=session.profile,
                            region=function.region,
                            resource=f"function {function.name}",
                        )
                    )
                else:
                    accepted[number] = answer["ResponseMetadata"]["RequestId"]
            tell("running")

        tell("running")
        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                group.create_task(invoke(number))
    tell("failed" if errors else "done")
    if errors and not accepted:
        raise errors[0]
    return Fired(
        application.id,
        tuple(accepted[number] for number in sorted(accepted)),
        tuple(str(error) for error in errors),
    )


def _not_deployed(application: LoadedApplication, function: Function) -> UserError:
    return UserError(
        f"{application.id} is not deployed: there is no function {function.name}",
        on=f"region {function.region}",
        todo="Deploy it first.",
        kind="not-deployed",
    )


def _filled(value: Any, fill: Callable[[str], str]) -> Any:
    """Fill the placeholders in all texts of a payload."""
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, dict):
        return {key: _filled(item, fill) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, fill) for item in value]
    return value
