"""Pieces of a deployment: EventBridge rules, HTTP APIs and function URLs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from providers.deploy_functions import DeployedFunction
from providers.deploy_storage import DeployedQueue
from providers.deploy_triggers import allow_invoke
from providers.manifest_parts import ApiTrigger, EventTrigger, ScheduleTrigger
from providers.pieces import Change, Piece, found, wait_until
from providers.tags import as_list, is_managed

_MISSING: Final = ("ResourceNotFoundException", "NotFoundException")
_TARGET_ID: Final = "gammaray"
_READY_TIMEOUT_S: Final = 60.0


def rule_arn(partition: str, region: str, account: str, rule: str) -> str:
    """Give the ARN of a rule on a region's default bus."""
    return f"arn:{partition}:events:{region}:{account}:rule/{rule}"


class EventRule(Piece):
    """A rule on the default bus: events that match, or a schedule, go to one target."""

    def __init__(
        self, trigger: EventTrigger | ScheduleTrigger, target: DeployedFunction | DeployedQueue
    ) -> None:
        text = f"trigger {trigger.source} → {target.name}"
        super().__init__(target.place, target.region, text, target)
        self._rule = trigger.rule
        self._target = target
        self._pattern: dict[str, Any] | None = None
        if isinstance(trigger, EventTrigger):
            text = self.place.filled(json.dumps(trigger.pattern), self.region)
            self._pattern = json.loads(text)
        self._schedule = trigger.expression if isinstance(trigger, ScheduleTrigger) else None

    async def look(self) -> Change:
        """Compare the rule and its target."""
        client = await self.client("events")
        there = await found(client.describe_rule(Name=self._rule), *_MISSING)
        if there is None:
            return Change("create")
        targets = await client.list_targets_by_rule(Rule=self._rule)
        pattern = json.loads(there["EventPattern"]) if there.get("EventPattern") else None
        changed = [
            text
            for text, differs in (
                ("pattern", pattern != self._pattern),
                ("schedule", (there.get("ScheduleExpression") or None) != self._schedule),
                ("enabled", there.get("State") != "ENABLED"),
                ("target", self._target.arn not in [item["Arn"] for item in targets["Targets"]]),
            )
            if differs
        ]
        return Change("update", ", ".join(changed)) if changed else Change("leave")

    async def make(self, change: Change) -> None:
        """Put rule and target, and wait until it is enabled."""
        client = await self.client("events")
        what: dict[str, Any] = (
            {"EventPattern": json.dumps(self._pattern)}
            if self._pattern is not None
            else {"ScheduleExpression": self._schedule}
        )
        if change.verb == "create":  # an existing rule refuses tags
            what["Tags"] = as_list(self.place.tags)
        await client.put_rule(Name=self._rule, State="ENABLED", **what)
        if isinstance(self._target, DeployedFunction):  # a queue's own policy lets the rule send
            place = self.place
            arn = rule_arn(place.partition, self.region, place.account, self._rule)
            await allow_invoke(self._target, "events", arn)
        await client.put_targets(
            Rule=self._rule, Targets=[{"Id": _TARGET_ID, "Arn": self._target.arn}]
        )

        async def enabled() -> bool:
            there = await client.describe_rule(Name=self._rule)
            return bool(there["State"] == "ENABLED")

        await wait_until(enabled, self.text, timeout_s=_READY_TIMEOUT_S)


class HttpApi(Piece):
    """An API Gateway HTTP API with all its routes; a change is live at once."""

    def __init__(self, name: str, routes: Sequence[tuple[ApiTrigger, DeployedFunction]]) -> None:
        functions = {function.name: function for _route, function in routes}
        first = next(iter(functions.values()))
        text = f"trigger API {name} → {', '.join(functions)}"
        super().__init__(first.place, first.region, text, *functions.values())
        self._name = name
        self._routes = {trigger.route: function for trigger, function in routes}
        self._functions = functions

    async def look(self) -> Change:
        """Compare the API's routes."""
        client = await self.client("apigatewayv2")
        api = await find_api(client, self._name)
        if api is None:
            return Change("create")
        wanted = {route: function.arn for route, function in self._routes.items()}
        there = await self._there(client, api)
        stages = await client.get_stages(ApiId=api)
        if there == wanted and stages["Items"]:
            return Change("leave")
        return Change("update", "routes")

    async def make(self, change: Change) -> None:
        """Create the API or the routes that it lacks, and take away those of before."""
        client = await self.client("apigatewayv2")
        api = await find_api(client, self._name)
        if api is None:
            created = await client.create_api(
                Name=self._name, ProtocolType="HTTP", Tags=self.place.tags
            )
            api = str(created["ApiId"])
        there = await self._there(client, api)
        for item in (await client.get_routes(ApiId=api))["Items"]:
            function = self._routes.get(item["RouteKey"])
            if function is None or there.get(item["RouteKey"]) != function.arn:
                await client.delete_route(ApiId=api, RouteId=item["RouteId"])
                there.pop(item["RouteKey"], None)
        place = self.place
        source = f"arn:{place.partition}:execute-api:{self.region}:{place.account}:{api}/*"
        for function in self._functions.values():
            await allow_invoke(function, "apigateway", source)
        for route, function in self._routes.items():
            if route not in there:
                integration = await client.create_integration(
                    ApiId=api,
                    IntegrationType="AWS_PROXY",
                    IntegrationUri=function.arn,
                    PayloadFormatVersion="2.0",
                )
                await client.create_route(
                    ApiId=api,
                    RouteKey=route,
                    # Not for the whole world: whoever calls it signs, as with a function URL.
                    AuthorizationType="AWS_IAM",
                    Target=f"integrations/{integration['IntegrationId']}",
                )
        if not (await client.get_stages(ApiId=api))["Items"]:
            await client.create_stage(
                ApiId=api, StageName="$default", AutoDeploy=True, Tags=self.place.tags
            )

    async def _there(self, client: Any, api: str) -> dict[str, str]:
        """Give the function that each route leads to."""
        integrations = {
            item["IntegrationId"]: item.get("IntegrationUri", "")
            for item in (await client.get_integrations(ApiId=api))["Items"]
        }
        return {
            item["RouteKey"]: integrations.get(item.get("Target", "").rpartition("/")[2], "")
            for item in (await client.get_routes(ApiId=api))["Items"]
        }


class FunctionUrl(Piece):
    """A function's URL; only signed requests of those who may invoke it are let in."""

    def __init__(self, function: DeployedFunction) -> None:
        text = f"trigger URL → {function.name}"
        super().__init__(function.place, function.region, text, function)
        self._function = function.name

    async def look(self) -> Change:
        """Look for the URL."""
        client = await self.client("lambda")
        there = await found(client.get_function_url_config(FunctionName=self._function), *_MISSING)
        return Change("leave") if there else Change("create")

    async def make(self, change: Change) -> None:
        """Create the URL."""
        client = await self.client("lambda")
        await client.create_function_url_config(FunctionName=self._function, AuthType="AWS_IAM")


async def find_api(client: Any, name: str) -> str | None:
    """Find the id of an HTTP API of ours; names of APIs are not unique, our tag tells it."""
    async for page in client.get_paginator("get_apis").paginate():
        for api in page["Items"]:
            if api["Name"] == name and is_managed(api.get("Tags", {})):
                return str(api["ApiId"])
    return None
