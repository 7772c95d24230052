"""What of ours there is in a region beside functions and storage: rules, schedules, APIs, ..."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from providers.inventory_listing import (
    INSTRUMENTED,
    MISSING,
    RECORDER_POLICY,
    Named,
    RegionListing,
)
from providers.operations import Resource
from providers.pieces import found
from providers.place import Place
from providers.tags import MANAGED, as_mapping, is_managed, our_tags
from providers.together import together

_OUR_PREFIX: Final = "gammaray-"
_AT_ONCE: Final = 6  # several of these services allow a handful of calls a second
_FEW: Final = 25  # so many of a kind may each be asked for their tags

T = TypeVar("T")


class ServiceInventory(RegionListing):
    """Lists what the services of one region hold of ours."""

    def __init__(self, place: Place, region: str, named: Named) -> None:
        super().__init__(place, region, named)
        self._limit = asyncio.Semaphore(_AT_ONCE)

    def listings(self) -> list[Coroutine[Any, Any, list[Resource]]]:
        """Give one listing a kind, to be awaited; each may be refused alone."""
        return [
            self._events(),
            self._schedules(),
            self._rest_apis(),
            self._http_apis(),
            self._machines(),
            self._streams(),
            self._recorders(),
        ]

    async def _events(self) -> list[Resource]:
        """List the event buses, and the rules of each."""
        client = await self._client("events")
        answer = await client.list_event_buses()
        buses = {bus["Name"]: bus["Arn"] for bus in answer["EventBuses"]}

        async def bus(name: str) -> Resource | None:
            tags = await self._limited(client.list_tags_for_resource(ResourceARN=buses[name]))
            return self._if_ours("event bus", name, as_mapping(tags["Tags"]))

        own = {name: arn for name, arn in buses.items() if name != "default"}
        listed = await together(
            [
                self._each(bus, self._candidates("event bus", own)),
                *(self._rules(client, name) for name in buses),
            ]
        )
        return [resource for resources in listed for resource in resources]

    async def _rules(self, client: Any, bus: str) -> list[Resource]:
        listed = await found(client.list_rules(EventBusName=bus), *MISSING)
        rules = {rule["Name"]: rule for rule in (listed or {}).get("Rules", [])}
        while listed and listed.get("NextToken"):
            listed = await client.list_rules(EventBusName=bus, NextToken=listed["NextToken"])
            rules |= {rule["Name"]: rule for rule in listed["Rules"]}
        if not rules:
            return []
        ours = await self._rules_of_ours(client, bus) | self._named.names.get("rule", set())

        async def rule(name: str) -> Resource | None:
            there = rules[name]
            listed = await self._limited(client.list_tags_for_resource(ResourceARN=there["Arn"]))
            tags = as_mapping(listed["Tags"])
            if name not in ours and not is_managed(tags):
                return None
            return self._resource(
                "rule",
                name,
                tags,
                id=name if bus == "default" else f"{bus}/{name}",
                detail=there.get("ScheduleExpression") or there.get("State", "").lower(),
            )

        return await self._each(rule, (self._candidates("rule", rules) | ours) & set(rules))

    async def _rules_of_ours(self, client: Any, bus: str) -> set[str]:
        """Give the rules whose target is a function of ours: tags are listed a while later."""

        async def names(function: Resource) -> list[str]:
            arn = self._arn("lambda", f"function:{function.name}")
            answer = await self._limited(
                client.list_rule_names_by_target(TargetArn=arn, EventBusName=bus)
            )
            return list(answer["RuleNames"])

        found_names = await together(names(item) for item in self._named.functions.values())
        return {name for names_of_one in found_names for name in names_of_one}

    async def _schedules(self) -> list[Resource]:
        client = await self._client("scheduler")
        functions = {
            self._arn("lambda", f"function:{name}"): function
            for name, function in self._named.functions.items()
        }
        resources = []
        async for page in client.get_paginator("list_schedules").paginate():
            for schedule in page["Schedules"]:
                # Schedules have no tags; their targets and names tell whose they are.
                target = functions.get(schedule.get("Target", {}).get("Arn", ""))
                name, group = schedule["Name"], schedule.get("GroupName", "default")
                named = name in self._named.names.get("schedule", ())
                if target is None and not named and not name.startswith(_OUR_PREFIX):
                    continue
                tags = our_tags(target.application) if target is not None else our_tags()
                resources.append(
                    self._resource(
                        "schedule",
                        name,
                        tags if target is not None or name.startswith(_OUR_PREFIX) else {},
                        id=f"{group}/{name}",
                        detail=schedule.get("State", "").lower(),
                    )
                )
        return resources

    async def _rest_apis(self) -> list[Resource]:
        client = await self._client("apigateway")
        return [
            self._resource("REST API", api["name"], api.get("tags", {}), id=api["id"])
            async for page in client.get_paginator("get_rest_apis").paginate()
            for api in page.get("items", [])
            if MANAGED in api.get("tags", {}) or api["name"] in self._named.names.get("api", ())
        ]

    async def _http_apis(self) -> list[Resource]:
        client = await self._client("apigatewayv2")
        return [
            self._resource(
                "HTTP API",
                api["Name"],
                api.get("Tags", {}),
                id=api["ApiId"],
                detail=api.get("ApiEndpoint", ""),
            )
            async for page in client.get_paginator("get_apis").paginate()
            for api in page.get("Items", [])
            if MANAGED in api.get("Tags", {}) or api["Name"] in self._named.names.get("api", ())
        ]

    async def _machines(self) -> list[Resource]:
        client = await self._client("stepfunctions")
        machines = {
            machine["name"]: machine
            async for page in client.get_paginator("list_state_machines").paginate()
            for machine in page["stateMachines"]
        }

        async def machine(name: str) -> Resource | None:
            arn = machines[name]["stateMachineArn"]
            answer = await self._limited(client.list_tags_for_resource(resourceArn=arn))
            tags = {tag["key"]: tag["value"] for tag in answer.get("tags", [])}
            return self._if_ours(
                "state machine",
                name,
                tags,
                id=arn,
                created_at_s=machines[name]["creationDate"].timestamp(),
            )

        return await self._each(machine, self._candidates("state machine", machines))

    async def _streams(self) -> list[Resource]:
        client = await self._client("kinesis")
        names = [
            name
            async for page in client.get_paginator("list_streams").paginate()
            for name in page["StreamNames"]
        ]

        async def stream(name: str) -> Resource | None:
            answer = await self._limited(client.list_tags_for_stream(StreamName=name))
            return self._if_ours("stream", name, as_mapping(answer["Tags"]))

        return await self._each(stream, self._candidates("stream", dict.fromkeys(names)))

    async def _recorders(self) -> list[Resource]:
        """List the functions of others that have our recorder attached.

        A run that was stopped half-way may have left no more than the tag, and the role's policy.
        """
        client = await self._client("lambda")
        attached = self._named.names["recorder"]

        async def recorder(name: str) -> Resource | None:
            answer = await found(client.get_function(FunctionName=name), *MISSING)
            tags = answer.get("Tags", {}) if answer is not None else {}
            if answer is None or INSTRUMENTED not in tags or is_managed(tags):
                return None
            roles.add(answer["Configuration"]["Role"].rpartition("/")[2])
            return self._resource(
                "recorder", name, our_tags(), detail="detached; the function itself stays"
            )

        roles: set[str] = set()
        recorders = await self._each(recorder, attached - set(self._named.functions))
        return [*recorders, *await self._each(self._role_policy, roles)]

    async def _role_policy(self, role: str) -> Resource | None:
        iam = await self._client("iam")
        there = await found(
            iam.get_role_policy(RoleName=role, PolicyName=RECORDER_POLICY), *MISSING
        )
        if there is None:
            return None
        return self._resource("role policy", f"{RECORDER_POLICY} of {role}", our_tags(), id=role)

    def _candidates(self, kind: str, listed: Mapping[str, Any]) -> set[str]:
        """Choose what is worth asking for its tags: all if they are few, else what has a name."""
        if len(listed) <= _FEW:
            return set(listed)
        ours = self._named.names.get(kind, set())
        return {name for name in listed if name in ours or name.startswith(_OUR_PREFIX)}

    async def _limited(self, call: Awaitable[T]) -> T:
        async with self._limit:
            return await call

    def _if_ours(
        self, kind: str, name: str, tags: Mapping[str, str], **more: Any
    ) -> Resource | None:
        """Give a resource that has our tag, or a name of ours."""
        named = name in self._named.names.get(kind, ())
        return self._resource(kind, name, tags, **more) if is_managed(tags) or named else None
