"""Pieces of a deployment: REST APIs whose requests go straight into queues, without a function.

HTTP APIs could do it, too, but not those of the local AWS; REST APIs are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.deploy_role import Role, allow
from providers.deploy_storage import DeployedQueue
from providers.manifest_parts import ApiTrigger
from providers.pieces import Change, Piece, found
from providers.place import Place
from providers.tags import is_managed

STAGE: Final = "live"
"""Under this name the API is called; a REST API has no stage without one."""

_MISSING: Final = ("NotFoundException", "ResourceNotFoundException")
# How an integration calls a service (Amazon API Gateway Developer Guide, "Mapping template
# reference"): SQS's query API, with the request's body as the message.
_TEMPLATE: Final = "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"
_FORM: Final = {
    "integration.request.header.Content-Type": "'application/x-www-form-urlencoded'",
}


def queue_api_role(place: Place, name: str, queues: Sequence[DeployedQueue]) -> Role:
    """Describe the role with which an API sends to its queues."""
    statement = allow(["sqs:SendMessage"], [queue.arn for queue in queues])
    return Role(
        place,
        f"gammaray-{place.own}-api-{name}",
        "apigateway.amazonaws.com",
        {"Version": "2012-10-17", "Statement": [statement]},
        asked_in=queues[0].region,
    )


class QueueApi(Piece):
    """An API Gateway REST API with all its routes, each leading to a queue."""

    def __init__(
        self, name: str, routes: Sequence[tuple[ApiTrigger, DeployedQueue]], role: Role
    ) -> None:
        queues = {queue.name: queue for _route, queue in routes}
        first = next(iter(queues.values()))
        text = f"trigger API {name} → {', '.join(queues)}"
        super().__init__(first.place, first.region, text, role, *queues.values())
        self._name = name
        self._role = role
        self._routes = {
            (path, method): queue
            for trigger, queue in routes
            for method, _, path in [trigger.route.partition(" ")]
        }

    async def look(self) -> Change:
        """Compare the API's routes, and look whether they are live."""
        client = await self.client("apigateway")
        api = await find_rest_api(client, self._name)
        if api is None:
            return Change("create")
        there = {key: uri for key, (_id, uri) in (await self._there(client, api)).items()}
        wanted = {key: self._uri(queue) for key, queue in self._routes.items()}
        stage = await found(client.get_stage(restApiId=api, stageName=STAGE), *_MISSING)
        return Change("leave") if there == wanted and stage else Change("update", "routes")

    async def make(self, change: Change) -> None:
        """Create the API or the routes that it lacks, take away those of before, and go live."""
        client = await self.client("apigateway")
        api = await find_rest_api(client, self._name)
        if api is None:
            created = await client.create_rest_api(name=self._name, tags=self.place.tags)
            api = str(created["id"])
        for (path, method), (resource, uri) in (await self._there(client, api)).items():
            queue = self._routes.get((path, method))
            if queue is None or uri != self._uri(queue):
                await client.delete_method(restApiId=api, resourceId=resource, httpMethod=method)
        there = await self._there(client, api)
        for (path, method), queue in self._routes.items():
            if (path, method) not in there:
                await self._connect(client, api, path, method, queue)
        await client.create_deployment(restApiId=api, stageName=STAGE)

    async def _connect(
        self, client: Any, api: str, path: str, method: str, queue: DeployedQueue
    ) -> None:
        where = {
            "restApiId": api,
            "resourceId": await self._resource(client, api, path),
            "httpMethod": method,
        }
        # Not for the whole world: whoever calls it signs, as with a function URL.
        await client.put_method(**where, authorizationType="AWS_IAM")
        await client.put_method_response(**where, statusCode="200")
        await client.put_integration(
            **where,
            type="AWS",
            integrationHttpMethod="POST",
            uri=self._uri(queue),
            credentials=self._role.arn,
            requestParameters=_FORM,
            requestTemplates={"application/json": _TEMPLATE},
            passthroughBehavior="NEVER",
        )
        await client.put_integration_response(**where, statusCode="200")

    async def _resource(self, client: Any, api: str, path: str) -> str:
        """Give the id of a path's resource; what it lacks from the root on is made."""
        resources = await self._resources(client, api)
        known = {item["path"]: str(item["id"]) for item in resources}
        at, parent = "", known["/"]
        for part in filter(None, path.split("/")):
            at = f"{at}/{part}"
            if at not in known:
                made = await client.create_resource(restApiId=api, parentId=parent, pathPart=part)
                known[at] = str(made["id"])
            parent = known[at]
        return parent

    async def _there(self, client: Any, api: str) -> dict[tuple[str, str], tuple[str, str]]:
        """Give the resource and the integration's URI of each route (path, method)."""
        there = {}
        for item in await self._resources(client, api):
            for method in item.get("resourceMethods", {}):
                integration = await found(
                    client.get_integration(restApiId=api, resourceId=item["id"], httpMethod=method),
                    *_MISSING,
                )
                uri = str((integration or {}).get("uri", ""))
                there[item["path"], method] = (str(item["id"]), uri)
        return there

    async def _resources(self, client: Any, api: str) -> list[Mapping[str, Any]]:
        pages = client.get_paginator("get_resources").paginate(restApiId=api)
        return [item async for page in pages for item in page["items"]]

    def _uri(self, queue: DeployedQueue) -> str:
        place = self.place
        return (
            f"arn:{place.partition}:apigateway:{self.region}:sqs:path/{place.account}/{queue.name}"
        )


async def find_rest_api(client: Any, name: str) -> str | None:
    """Find the id of a REST API of ours; names of APIs are not unique, our tag tells it."""
    async for page in client.get_paginator("get_rest_apis").paginate():
        for api in page["items"]:
            if api["name"] == name and is_managed(api.get("tags", {})):
                return str(api["id"])
    return None
