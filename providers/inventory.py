"""What of ours there is in an account: everything that cleanup can remove.

Two ways lead to a resource: the tags, which the Resource Groups Tagging API lists for a whole
region at once but some time after the fact, and the names in the manifests, which find what was
made a second ago. Whether a resource is managed is always read from the resource itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from providers.collector import CollectorNames
from providers.deploy_functions import LAYER_NAME, LOG_GROUP_PREFIX, layer_versions
from providers.errors import UserError
from providers.inventory_iam import policies, roles
from providers.inventory_listing import INSTRUMENTED, MISSING, Named, RegionListing
from providers.inventory_regions import Regions, scope_of, tagged_arns
from providers.inventory_services import ServiceInventory
from providers.inventory_storage import StorageInventory
from providers.manifest import LoadedApplication, deployable_names
from providers.operations import Resource, Scope
from providers.pieces import found
from providers.place import AWS_ERRORS, Place, open_place
from providers.session import AwsSession, user_error
from providers.tags import MANAGED, our_tags
from providers.together import together

TAGGED_ARNS: Final = {
    kind: re.compile(rf"arn:[\w-]+:{pattern}")
    for kind, pattern in (
        ("function", r"lambda:[^:]*:\d+:function:([^:]+)"),
        ("mapping", r"lambda:[^:]*:\d+:event-source-mapping:([^:]+)"),
        ("table", r"dynamodb:[^:]*:\d+:table/([^/]+)"),
        ("bucket", r"s3:::([^/]+)"),
        ("topic", r"sns:[^:]*:\d+:([^:]+)"),
        ("queue", r"sqs:[^:]*:\d+:([^:]+)"),
        ("log group", r"logs:[^:]*:\d+:log-group:([^:]+)(?::\*)?"),
        ("rule", r"events:[^:]*:\d+:rule/(?:[^/]+/)?([^/]+)"),
        ("event bus", r"events:[^:]*:\d+:event-bus/(.+)"),
        ("state machine", r"states:[^:]*:\d+:stateMachine:([^:]+)"),
        ("stream", r"kinesis:[^:]*:\d+:stream/([^/]+)"),
    )
}

_ATTACHED: Final = f":layer:{LAYER_NAME}:"
OnRefused: TypeAlias = Callable[[UserError], None]


async def find_resources(
    session: AwsSession,
    applications: Sequence[LoadedApplication],
    on_refused: OnRefused | None = None,
    *,
    regions: Regions = (),
    on_scope: Callable[[Scope], None] | None = None,
) -> list[Resource]:
    """List everything of ours: in the session's regions, those of the applications, and others.

    A resource that has the name of one of ours and not our tag is listed too, as not managed.

    Args:
        session: whose account.
        applications: their names and regions are looked at as well.
        on_refused: told of each listing that is refused, which is then left out; without it, the
            first one ends the search.
        regions: which others, or only which.
        on_scope: told where it is looked.

    Raises:
        UserError: a listing is refused; the message names the permission that is missing.
    """
    async with open_place(session, session.regions[0]) as place:
        known = dict.fromkeys(session.regions)
        if place.partition == "aws":  # the applications' regions are of that one
            for application in applications:
                known.update(dict.fromkeys(application.regions))
        scope = await scope_of(place, tuple(known), regions)
        if on_scope is not None:
            on_scope(scope)
        lists = await together(
            [
                *(
                    _Region(place, region, applications, on_refused).resources()
                    for region in scope.looked
                ),
                _told(place, "", on_refused, roles(place, session.regions[0])),
                _told(place, "", on_refused, policies(place, session.regions[0])),
            ]
        )
    return [resource for resources in lists for resource in resources]


class _Region(RegionListing):
    """What of ours there is in one region."""

    def __init__(
        self,
        place: Place,
        region: str,
        applications: Sequence[LoadedApplication],
        on_refused: OnRefused | None,
    ) -> None:
        names: dict[str, set[str]] = {kind: set() for kind in (*TAGGED_ARNS, "recorder")}
        collector = CollectorNames.of(place.table)
        names["table"] |= {place.table, collector.table}
        names["function"].add(collector.function)
        names["queue"].add(collector.lost)
        for application in applications:
            for kind, places in deployable_names(application).items():
                names.setdefault(kind, set()).update(
                    place.filled(name, region) for name, where in places.items() if where == region
                )
        super().__init__(place, region, Named(names, {}))
        self._names = names
        self._named_functions: frozenset[str] = frozenset()  # whether or not they are there
        self._functions_there: set[str] | None = None  # whosever they are; None: may not be listed
        self._log_groups: dict[str, dict[str, Any]] = {}  # of all functions, by name
        self._on_refused = on_refused

    async def resources(self) -> list[Resource]:
        """List them all, of all kinds.

        Raises:
            UserError: a listing is refused, and nobody wants to be told.
        """
        await together(
            self._told(look)
            for look in (
                self._add_tagged(MANAGED),
                self._add_tagged(INSTRUMENTED),
                self._look_for_functions(),
                self._look_for_log_groups(),
            )
        )
        self._named_functions = frozenset(self._names["function"])
        groups = {LOG_GROUP_PREFIX + name for name in self._named_functions}
        groups = (groups | self._names["log group"]) & set(self._log_groups)
        # First the functions: log groups, mappings and others belong to them.
        there = self._named_functions
        if self._functions_there is not None:
            there &= self._functions_there
        functions = await self._told(self._each(self._function, there))
        managed = {function.name: function for function in functions if function.managed}
        self._named = named = Named(self._names, managed)
        others = await together(
            self._told(listing)
            for listing in (
                self._mappings(),
                self._each(self._log_group, groups),
                self._layers(),
                *StorageInventory(self._place, self._region, named).listings(),
                *ServiceInventory(self._place, self._region, named).listings(),
            )
        )
        return [*functions, *(resource for kind in others for resource in kind)]

    async def _told(self, listing: Coroutine[Any, Any, list[Resource]]) -> list[Resource]:
        return await _told(self._place, self._region, self._on_refused, listing)

    async def _add_tagged(self, tag: str) -> list[Resource]:
        """Note the names of what has a tag of ours; what it is, is read from each itself."""
        client = await self._client("resourcegroupstaggingapi")
        patterns = TAGGED_ARNS
        if tag == INSTRUMENTED:
            patterns = {"recorder": TAGGED_ARNS["function"]}
        for arn in await tagged_arns(client, tag):
            for kind, pattern in patterns.items():
                match = pattern.fullmatch(arn)
                if match is not None:
                    self._names[kind].add(match.group(1))
        return []

    # Applications have seven names for each function, one for each configuration: to ask for all
    # of them one by one, and for all their log groups, takes hundreds of calls.

    async def _look_for_functions(self) -> list[Resource]:
        """Note which functions there are, and which of them have our recorder attached."""
        client = await self._client("lambda")
        there = {
            function["FunctionName"]: function
            async for page in client.get_paginator("list_functions").paginate()
            for function in page["Functions"]
        }
        self._functions_there = set(there)
        self._names["recorder"] |= {
            name
            for name, function in there.items()
            if any(_ATTACHED in layer["Arn"] for layer in function.get("Layers", []))
        }
        return []

    async def _look_for_log_groups(self) -> list[Resource]:
        """Note which log groups of functions there are."""
        client = await self._client("logs")
        pages = client.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix=LOG_GROUP_PREFIX
        )
        async for page in pages:
            self._log_groups.update({group["logGroupName"]: group for group in page["logGroups"]})
        return []

    async def _function(self, name: str) -> Resource | None:
        client = await self._client("lambda")
        answer = await found(client.get_function(FunctionName=name), *MISSING)
        if answer is None:
            return None
        there = answer["Configuration"]
        return self._resource(
            "function",
            name,
            answer.get("Tags", {}),
            created_at_s=datetime.fromisoformat(there["LastModified"]).timestamp(),
            detail=there.get("Runtime", "image"),
            size_bytes=there["CodeSize"],
        )

    async def _log_group(self, name: str) -> Resource:
        client = await self._client("logs")
        group = self._log_groups[name]
        tagged = await found(
            client.list_tags_for_resource(resourceArn=self._arn("logs", f"log-group:{name}")),
            *MISSING,
        )
        tags = dict(tagged["tags"]) if tagged else {}
        function = self._named.functions.get(name.removeprefix(LOG_GROUP_PREFIX))
        if function is not None and not tags:
            tags = our_tags(function.application)  # made by Lambda itself, for our function
        return self._resource(
            "log group",
            name,
            tags,
            created_at_s=group["creationTime"] / 1000,
            size_bytes=group.get("storedBytes"),
        )

    async def _mappings(self) -> list[Resource]:
        client = await self._client("lambda")
        listed = [
            mapping
            async for page in client.get_paginator("list_event_source_mappings").paginate()
            for mapping in page["EventSourceMappings"]
            if mapping["State"] != "Deleting"
        ]
        resources = []
        for mapping in listed:
            function = mapping["FunctionArn"].split(":")[6]
            uuid = mapping["UUID"]
            if function in self._named.functions:
                tags = our_tags(self._named.functions[function].application)
            elif function in self._named_functions or uuid in self._names["mapping"]:
                arn = self._arn("lambda", f"event-source-mapping:{uuid}")
                answer = await found(client.list_tags(Resource=arn), *MISSING)
                tags = answer["Tags"] if answer else {}
            else:
                continue
            source = mapping["EventSourceArn"].split(":", 5)[5].partition("/stream/")[0]
            resources.append(
                self._resource(
                    "mapping", f"{source} → {function}", tags, id=uuid, detail=mapping["State"]
                )
            )
        return resources

    async def _layers(self) -> list[Resource]:
        """List the versions of the layer; layers have no tags, its name and text must do."""
        return [
            self._resource(
                "layer",
                f"{LAYER_NAME}:{version['Version']}",
                our_tags() if version.get("Description", "").startswith("gammaray-tui ") else {},
                id=version["LayerVersionArn"],
                created_at_s=datetime.fromisoformat(version["CreatedDate"]).timestamp(),
            )
            for version in await layer_versions(await self._client("lambda"))
        ]


async def _told(
    place: Place,
    region: str,
    on_refused: OnRefused | None,
    listing: Coroutine[Any, Any, list[Resource]],
) -> list[Resource]:
    """Await a listing; one that is refused is told of and left out, or raised."""
    try:
        return await listing
    except AWS_ERRORS as error:
        refused = user_error(error, profile=place.clients.session.profile, region=region or None)
        if on_refused is None:
            raise refused from error
        on_refused(refused)
        return []
