"""What of ours there is in an account: everything that cleanup can remove.

Two ways lead to a resource: the tags, which the Resource Groups Tagging API lists for a whole
region at once but some time after the fact, and the names in the manifests, which find what was
made a second ago. Whether a resource is managed is always read from the resource itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from providers.deploy_functions import LAYER_NAME, LOG_GROUP_PREFIX, layer_versions
from providers.errors import UserError
from providers.inventory_iam import policies, roles
from providers.inventory_services import MISSING, Named, ServiceInventory
from providers.manifest import LoadedApplication, deployable_names
from providers.manifest_parts import BUCKET_PREFIX
from providers.operations import Resource
from providers.pieces import found
from providers.place import AWS_ERRORS, Place, open_place
from providers.session import AwsSession, user_error
from providers.tags import APPLICATION, MANAGED, as_mapping, is_managed, our_tags
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


OnRefused: TypeAlias = Callable[[UserError], None]


async def find_resources(
    session: AwsSession,
    applications: Sequence[LoadedApplication],
    on_refused: OnRefused | None = None,
) -> list[Resource]:
    """List everything of ours in the session's regions and in those of the applications.

    A resource that has the name of one of ours and not our tag is listed too, as not managed.

    Args:
        session: whose account.
        applications: their names and regions are looked at as well.
        on_refused: told of each listing that is refused, which is then left out; without it, the
            first one ends the search.

    Raises:
        UserError: a listing is refused; the message names the permission that is missing.
    """
    async with open_place(session, session.regions[0]) as place:
        regions = dict.fromkeys(session.regions)
        if place.partition == "aws":  # the applications' regions are of that one
            for application in applications:
                regions.update(dict.fromkeys(application.regions))
        lists = await together(
            [
                *(
                    _Region(place, region, applications, on_refused).resources()
                    for region in regions
                ),
                _told(place, "", on_refused, roles(place, session.regions[0])),
                _told(place, "", on_refused, policies(place, session.regions[0])),
            ]
        )
    return [resource for resources in lists for resource in resources]


class _Region:
    """What of ours there is in one region."""

    def __init__(
        self,
        place: Place,
        region: str,
        applications: Sequence[LoadedApplication],
        on_refused: OnRefused | None,
    ) -> None:
        self._place = place
        self._on_refused = on_refused
        self._region = region
        self._names: dict[str, set[str]] = {kind: set() for kind in TAGGED_ARNS}
        self._names["table"].add(place.table)
        self._named_functions: frozenset[str] = frozenset()  # whether or not they are there
        for application in applications:
            for kind, places in deployable_names(application).items():
                self._names.setdefault(kind, set()).update(
                    place.filled(name, region) for name, where in places.items() if where == region
                )

    async def resources(self) -> list[Resource]:
        """List them all, of all kinds.

        Raises:
            UserError: a listing is refused, and nobody wants to be told.
        """
        await self._told(self._add_tagged())
        self._names["log group"].update(LOG_GROUP_PREFIX + name for name in self._names["function"])
        await self._told(self._leave_out_absent())
        # First the functions: log groups, mappings and others belong to them.
        functions = await self._told(self._each("function", self._function))
        managed = {function.name: function for function in functions if function.managed}
        services = ServiceInventory(self._place, self._region, Named(self._names, managed))
        others = await together(
            self._told(listing)
            for listing in (
                self._mappings(managed),
                self._topics(managed),
                self._each("queue", self._queue),
                self._each("table", self._table),
                self._each("bucket", self._bucket),
                self._each("log group", lambda name: self._log_group(name, managed)),
                self._layers(),
                *services.listings(),
            )
        )
        return [*functions, *(resource for kind in others for resource in kind)]

    async def _told(self, listing: Coroutine[Any, Any, list[Resource]]) -> list[Resource]:
        return await _told(self._place, self._region, self._on_refused, listing)

    async def _add_tagged(self) -> list[Resource]:
        """Note the names of what has our tag; what it is, is read from each itself."""
        client = await self._client("resourcegroupstaggingapi")
        pages = client.get_paginator("get_resources").paginate(
            TagFilters=[{"Key": MANAGED, "Values": ["true"]}]
        )
        async for page in pages:
            for mapping in page["ResourceTagMappingList"]:
                for kind, pattern in TAGGED_ARNS.items():
                    match = pattern.fullmatch(mapping["ResourceARN"])
                    if match is not None:
                        self._names[kind].add(match.group(1))
        return []

    async def _leave_out_absent(self) -> list[Resource]:
        """Leave the names of functions and log groups that exist.

        Applications have seven names for each, one for each configuration: to ask for all of
        them one by one takes hundreds of calls.
        """
        client = await self._client("lambda")
        self._named_functions = frozenset(self._names["function"])
        self._names["function"] &= {
            function["FunctionName"]
            async for page in client.get_paginator("list_functions").paginate()
            for function in page["Functions"]
        }
        client = await self._client("logs")
        self._names["log group"] &= {
            group["logGroupName"]
            async for page in client.get_paginator("describe_log_groups").paginate(
                logGroupNamePrefix=LOG_GROUP_PREFIX
            )
            for group in page["logGroups"]
        }
        return []

    async def _each(
        self, kind: str, look: Callable[[str], Coroutine[Any, Any, Resource | None]]
    ) -> list[Resource]:
        looked = await together(look(name) for name in sorted(self._names[kind]))
        return [resource for resource in looked if resource is not None]

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

    async def _table(self, name: str) -> Resource | None:
        client = await self._client("dynamodb")
        answer = await found(client.describe_table(TableName=name), *MISSING)
        if answer is None or answer["Table"]["TableStatus"] == "DELETING":
            return None
        table = answer["Table"]
        tags = await found(client.list_tags_of_resource(ResourceArn=table["TableArn"]), *MISSING)
        return self._resource(
            "table",
            name,
            as_mapping(tags["Tags"] if tags else None),
            created_at_s=table["CreationDateTime"].timestamp(),
            detail=_counted(table.get("ItemCount", 0), "item"),
            size_bytes=table.get("TableSizeBytes"),
        )

    async def _bucket(self, name: str) -> Resource | None:
        client = await self._client("s3")
        answer = await found(client.list_objects_v2(Bucket=name), *MISSING)
        if answer is None:
            return None
        tagged = await found(client.get_bucket_tagging(Bucket=name), "NoSuchTagSet", *MISSING)
        tags = as_mapping(tagged["TagSet"] if tagged else None)
        if not tags and name.startswith(BUCKET_PREFIX) and self._place.account in name:
            # Where a bucket cannot be created with its tags, a run that was stopped half-way
            # leaves one without. Its name says as surely whose it is.
            tags = our_tags()
        more = "+" if answer.get("IsTruncated") else ""
        return self._resource(
            "bucket",
            name,
            tags,
            detail=_counted(answer["KeyCount"], "object", more),
            size_bytes=sum(item["Size"] for item in answer.get("Contents", [])),
        )

    async def _topic(self, name: str) -> Resource | None:
        client = await self._client("sns")
        arn = self._arn("sns", name)
        answer = await found(client.list_tags_for_resource(ResourceArn=arn), *MISSING)
        if answer is None:
            return None
        return self._resource("topic", name, as_mapping(answer["Tags"]), id=arn)

    async def _topics(self, managed: Mapping[str, Resource]) -> list[Resource]:
        """List our topics with all subscriptions, and our functions' to others' topics."""
        client = await self._client("sns")
        topics = {topic.id: topic for topic in await self._each("topic", self._topic)}
        functions = {
            self._arn("lambda", f"function:{name}"): item for name, item in managed.items()
        }
        resources = [*topics.values()]
        async for page in client.get_paginator("list_subscriptions").paginate():
            for item in page["Subscriptions"]:
                owner = functions.get(item["Endpoint"]) or topics.get(item["TopicArn"])
                if owner is None:
                    continue
                ours = owner.managed
                endpoint = item["Endpoint"].rpartition(":")[2]
                resources.append(
                    self._resource(
                        "subscription",
                        f"{item['TopicArn'].rpartition(':')[2]} → {endpoint}",
                        our_tags(owner.application) if ours else {},
                        id=item["SubscriptionArn"],
                    )
                )
        return resources

    async def _queue(self, name: str) -> Resource | None:
        client = await self._client("sqs")
        answer = await found(client.get_queue_url(QueueName=name), *MISSING)
        if answer is None:
            return None
        url = answer["QueueUrl"]
        tags = await client.list_queue_tags(QueueUrl=url)
        return self._resource("queue", name, tags.get("Tags", {}), id=url)

    async def _log_group(self, name: str, managed: Mapping[str, Resource]) -> Resource | None:
        client = await self._client("logs")
        answer = await client.describe_log_groups(logGroupNamePrefix=name)
        group = next((item for item in answer["logGroups"] if item["logGroupName"] == name), None)
        if group is None:
            return None
        tagged = await found(
            client.list_tags_for_resource(resourceArn=self._arn("logs", f"log-group:{name}")),
            *MISSING,
        )
        tags = dict(tagged["tags"]) if tagged else {}
        function = managed.get(name.removeprefix(LOG_GROUP_PREFIX))
        if function is not None and not tags:
            tags = our_tags(function.application)  # made by Lambda itself, for our function
        return self._resource(
            "log group",
            name,
            tags,
            created_at_s=group["creationTime"] / 1000,
            size_bytes=group.get("storedBytes"),
        )

    async def _mappings(self, managed: Mapping[str, Resource]) -> list[Resource]:
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
            if function in managed:
                tags = our_tags(managed[function].application)
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

    def _resource(
        self,
        kind: str,
        name: str,
        tags: Mapping[str, str],
        *,
        id: str = "",
        created_at_s: float | None = None,
        detail: str = "",
        size_bytes: int | None = None,
    ) -> Resource:
        return Resource(
            kind=kind,
            id=id or name,
            name=name,
            region=self._region,
            managed=is_managed(tags),
            application=tags.get(APPLICATION, ""),
            created_at_s=created_at_s,
            detail=detail,
            size_bytes=size_bytes,
        )

    def _arn(self, service: str, rest: str) -> str:
        place = self._place
        return f"arn:{place.partition}:{service}:{self._region}:{place.account}:{rest}"

    async def _client(self, service: str) -> Any:
        return await self._place.clients.of(service, self._region)


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


def _counted(number: int, noun: str, more: str = "") -> str:
    plural = "" if number == 1 and not more else "s"
    return f"{number}{more} {noun}{plural}"
