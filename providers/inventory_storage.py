"""What of ours keeps data in a region or passes it on: tables, buckets, queues, topics."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from providers.inventory_listing import MISSING, RegionListing
from providers.manifest_parts import BUCKET_PREFIX
from providers.operations import Resource
from providers.pieces import found
from providers.tags import as_mapping, our_tags


class StorageInventory(RegionListing):
    """Lists the tables, buckets, queues and topics of one region that are ours.

    Tables and buckets are listed as soon as they exist. Queues need a moment, so those are asked
    for by each name that they may have, and so are topics.
    """

    def listings(self) -> list[Coroutine[Any, Any, list[Resource]]]:
        """Give one listing a kind, to be awaited; each may be refused alone."""
        return [
            self._topics(),
            self._each(self._queue, self._named.names["queue"]),
            self._tables(),
            self._buckets(),
        ]

    async def _tables(self) -> list[Resource]:
        client = await self._client("dynamodb")
        there = {
            name
            async for page in client.get_paginator("list_tables").paginate()
            for name in page["TableNames"]
        }
        return await self._each(self._table, self._named.names["table"] & there)

    async def _buckets(self) -> list[Resource]:
        names = self._named.names["bucket"]
        if not names:
            return []
        client = await self._client("s3")
        # An account with more than 10,000 buckets must ask page by page (S3 API Reference).
        pages = client.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1000})
        there = {bucket["Name"] async for page in pages for bucket in page["Buckets"]}
        return await self._each(self._bucket, names & there)

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

    async def _topics(self) -> list[Resource]:
        """List our topics with all subscriptions, and our functions' to others' topics."""
        client = await self._client("sns")
        topics = {
            topic.id: topic for topic in await self._each(self._topic, self._named.names["topic"])
        }
        functions = {
            self._arn("lambda", f"function:{name}"): item
            for name, item in self._named.functions.items()
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


def _counted(number: int, noun: str, more: str = "") -> str:
    plural = "" if number == 1 and not more else "s"
    return f"{number}{more} {noun}{plural}"
