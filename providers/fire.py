"""Firing: starting chains of an application that is deployed."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import msgspec

from providers.deploy_events import find_api
from providers.errors import UserError
from providers.manifest import LoadedApplication
from providers.manifest_parts import Function
from providers.operations import Fired, Report, Step, StepState
from providers.place import AWS_ERRORS, Place, open_place
from providers.session import AwsSession, is_local, user_error

_AT_ONCE: Final = 32
# A local AWS starts a process for each invocation that finds the others busy, and drops what
# exceeds its limit instead of queueing it for hours as AWS does. So there we wait for the
# function's answer, which keeps a handful of warm processes busy.
_AT_ONCE_LOCALLY: Final = 4
_ATTEMPTS: Final = 3
_ANSWER_MARGIN_S: Final = 30.0
# API Gateway gives a function so long to answer.
_REQUEST_TIMEOUT_S: Final = 30.0
_API_REQUEST_ID: Final = "apigw-requestid"


@dataclass(frozen=True, slots=True)
class _Shot:
    """How one chain is started: takes the payload, gives the id that AWS answers with."""

    text: str
    region: str
    start: Callable[[bytes], Awaitable[str]]


async def fire(
    session: AwsSession, application: LoadedApplication, count: int, report: Report
) -> Fired:
    """Start `count` chains concurrently, in the way that the manifest says.

    On AWS an Invoke is asynchronous: this returns when they are accepted. A local AWS is waited
    for. Whether a function succeeds is not told here but by the records that it leaves.

    Returns:
        The request ids of those that were accepted, and an error text for each other one.

    Raises:
        UserError: none was accepted: not deployed, no credentials, ...
    """
    local = session.endpoint_url is not None and is_local(session.endpoint_url)
    limit = asyncio.Semaphore(_AT_ONCE_LOCALLY if local else _AT_ONCE)
    accepted: dict[int, str] = {}
    errors: list[UserError] = []

    def tell(state: StepState) -> None:
        detail = f"{len(accepted)} of {count} accepted"
        if errors:
            detail += f", {len(errors)} failed: {errors[0].what}"
        report(Step("fire", shot.text, shot.region, state, detail))

    async with (
        open_place(session, application.regions[0], application.name) as place,
        _shot_of(session, place, application, local=local) as shot,
    ):

        async def shoot(number: int) -> None:
            run = uuid.uuid4().hex

            def fill(text: str) -> str:
                text = text.replace("{run}", run).replace("{number}", str(number))
                return place.filled(text, shot.region)

            payload = _filled(application.manifest.fire.payload, fill)
            async with limit:
                try:
                    accepted[number] = await shot.start(msgspec.json.encode(payload))
                except (UserError, aiohttp.ClientError, *AWS_ERRORS) as error:
                    errors.append(
                        user_error(
                            error,
                            profile=session.profile,
                            region=shot.region,
                            resource=shot.text,
                        )
                    )
            tell("running")

        tell("running")
        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                group.create_task(shoot(number))
    tell("failed" if errors else "done")
    if errors and not accepted:
        raise errors[0]
    return Fired(
        application.id,
        tuple(accepted[number] for number in sorted(accepted)),
        tuple(str(error) for error in errors),
    )


@asynccontextmanager
async def _shot_of(
    session: AwsSession, place: Place, application: LoadedApplication, *, local: bool
) -> AsyncIterator[_Shot]:
    """Get ready to start chains of an application.

    Raises:
        UserError: what starts them is not deployed.
    """
    fired = application.manifest.fire
    if fired.function is not None:
        function = application.function(fired.function)
        async with session.client(
            "lambda",
            function.region,
            # A second try after a slow answer would be a second chain.
            attempts=1 if local else _ATTEMPTS,
            read_timeout_s=function.timeout_s + _ANSWER_MARGIN_S,
        ) as client:
            yield _invoke(client, application, function, local=local)
        return
    region = application.region_of_api(fired.api or "")
    client = await place.clients.of("apigatewayv2", region)
    api = await find_api(client, fired.api or "")
    if api is None:
        raise _not_deployed(application, f"API {fired.api}", region)
    method, _, path = (fired.route or "").partition(" ")
    if session.endpoint_url is not None:  # there are no names for the APIs of a local AWS
        url = f"{session.endpoint_url}/_aws/execute-api/{api}/$default{path}"
    else:
        url = f"{(await client.get_api(ApiId=api))['ApiEndpoint']}{path}"
    timeout = aiohttp.ClientTimeout(total=_REQUEST_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=not local) as http:
        yield _request(session, http, f"{method} {path}", region, method, url)


def _invoke(
    client: Any, application: LoadedApplication, function: Function, *, local: bool
) -> _Shot:
    async def start(payload: bytes) -> str:
        try:
            answer = await client.invoke(
                FunctionName=function.name,
                InvocationType="RequestResponse" if local else "Event",
                Payload=payload,
            )
        except client.exceptions.ResourceNotFoundException as error:
            what = f"function {function.name}"
            raise _not_deployed(application, what, function.region) from error
        async with answer["Payload"] as body:  # the connection is free again then
            await body.read()
        return str(answer["ResponseMetadata"]["RequestId"])

    return _Shot(f"invoke {function.name}", function.region, start)


def _request(
    session: AwsSession, http: aiohttp.ClientSession, text: str, region: str, method: str, url: str
) -> _Shot:
    async def start(payload: bytes) -> str:
        headers = await session.signed_headers("execute-api", region, method, url, payload)
        async with http.request(method, url, data=payload, headers=headers) as answer:
            body = await answer.text()
            if answer.status >= 400:
                raise UserError(
                    f"{text} was answered with {answer.status}: {body[:200]}", kind="failed"
                )
            return answer.headers.get(_API_REQUEST_ID, "")

    return _Shot(f"request {text}", region, start)


def _not_deployed(application: LoadedApplication, what: str, region: str) -> UserError:
    return UserError(
        f"{application.id} is not deployed: there is no {what}",
        on=f"region {region}",
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
