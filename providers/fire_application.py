"""How chains of an application are started: an Invoke, or a request to its API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import aiohttp
import msgspec

from providers.deploy_events import find_api
from providers.deploy_queue_api import STAGE, find_rest_api
from providers.errors import UserError
from providers.manifest import LoadedApplication
from providers.manifest_parts import Function
from providers.place import Place
from providers.session import AwsSession

_ATTEMPTS: Final = 3
_ANSWER_MARGIN_S: Final = 30.0
# API Gateway gives a function so long to answer.
_REQUEST_TIMEOUT_S: Final = 30.0
_API_REQUEST_ID: Final = "apigw-requestid"


@dataclass(frozen=True, slots=True)
class Shot:
    """How one chain is started: takes the payload, gives the id that AWS answers with.

    Attributes:
        kind: "function", "http", or the service that is asked.
        resource: function, API, bucket, topic, queue, ... that is asked.
    """

    text: str
    region: str
    kind: str
    resource: str
    start: Callable[[bytes], Awaitable[str]]


@asynccontextmanager
async def shot_of(
    session: AwsSession, place: Place, application: LoadedApplication, *, local: bool
) -> AsyncIterator[Shot]:
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
    queue = application.queue_of_route(fired.api or "", fired.route or "")
    if queue is not None:
        async with _to_queue(session, place, application, queue, region) as shot:
            yield shot
        return
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


@asynccontextmanager
async def _to_queue(
    session: AwsSession, place: Place, application: LoadedApplication, queue: str, region: str
) -> AsyncIterator[Shot]:
    """Get ready to send requests to a REST API that passes them on to a queue."""
    fired = application.manifest.fire
    api = await find_rest_api(await place.clients.of("apigateway", region), fired.api or "")
    if api is None:
        raise _not_deployed(application, f"API {fired.api}", region)
    method, _, path = (fired.route or "").partition(" ")
    if session.endpoint_url is not None:
        url = f"{session.endpoint_url}/_aws/execute-api/{api}/{STAGE}{path}"
    else:
        domain = "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com"
        url = f"https://{api}.execute-api.{region}.{domain}/{STAGE}{path}"
    timeout = aiohttp.ClientTimeout(total=_REQUEST_TIMEOUT_S)
    trusts_proxies = session.endpoint_url is None
    async with aiohttp.ClientSession(timeout=timeout, trust_env=trusts_proxies) as http:
        asked = _request(session, http, f"{method} {path}", region, method, url, _message_id)
        # What comes of it shows the message's id, as after sending to the queue itself.
        yield replace(asked, kind="sqs", resource=queue)


def _message_id(_headers: Mapping[str, str], body: str) -> str:
    try:
        answer = msgspec.json.decode(body)["SendMessageResponse"]["SendMessageResult"]
        return str(answer["MessageId"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""


def _invoke(
    client: Any, application: LoadedApplication, function: Function, *, local: bool
) -> Shot:
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

    return Shot(f"invoke {function.name}", function.region, "function", function.name, start)


def _request_id(headers: Mapping[str, str], _body: str) -> str:
    return headers.get(_API_REQUEST_ID, "")


def _request(
    session: AwsSession,
    http: aiohttp.ClientSession,
    text: str,
    region: str,
    method: str,
    url: str,
    id_of: Callable[[Mapping[str, str], str], str] = _request_id,
) -> Shot:
    async def start(payload: bytes) -> str:
        headers = await session.signed_headers("execute-api", region, method, url, payload)
        async with http.request(method, url, data=payload, headers=headers) as answer:
            body = await answer.text()
            if answer.status >= 400:
                raise UserError(
                    f"{text} was answered with {answer.status}: {body[:200]}", kind="failed"
                )
            return id_of(answer.headers, body)

    return Shot(f"request {text}", region, "http", text, start)


def _not_deployed(application: LoadedApplication, what: str, region: str) -> UserError:
    return UserError(
        f"{application.id} is not deployed: there is no {what}",
        on=f"region {region}",
        todo="Deploy it first.",
        kind="not-deployed",
    )
