"""Pieces of a deployment: buckets and objects, topics and queues."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from providers.manifest_parts import Bucket, Object, Queue, Topic
from providers.pieces import Change, Piece, found
from providers.place import Place
from providers.tags import as_list

_MISSING: Final = ("404", "NoSuchBucket", "NoSuchKey", "NotFound")


class DeployedBucket(Piece):
    """A bucket of ours.

    Attributes:
        name: its name, with the account in it where the manifest says so.
    """

    def __init__(self, place: Place, bucket: Bucket) -> None:
        self.name = place.filled(bucket.name, bucket.region)
        super().__init__(place, bucket.region, f"bucket {self.name}")

    async def look(self) -> Change:
        """Look for the bucket and its tags."""
        client = await self.client("s3")
        if await found(client.head_bucket(Bucket=self.name), *_MISSING) is None:
            return Change("create")
        tags = await found(client.get_bucket_tagging(Bucket=self.name), "NoSuchTagSet")
        # Its name shows that it is ours: a run that was stopped half-way left it untagged.
        return Change("leave") if tags else Change("update", "tags")

    async def make(self, change: Change) -> None:
        """Create the bucket."""
        client = await self.client("s3")
        tags = as_list(self.place.tags)
        if change.verb == "create":
            configuration: dict[str, Any] = {"Tags": tags}
            if self.region != "us-east-1":
                configuration["LocationConstraint"] = self.region
            await client.create_bucket(Bucket=self.name, CreateBucketConfiguration=configuration)
        # Once more, for endpoints that do not know tags at creation yet.
        await client.put_bucket_tagging(Bucket=self.name, Tagging={"TagSet": tags})


class DeployedObject(Piece):
    """An object from a file of the application."""

    def __init__(self, bucket: DeployedBucket, folder: Path, item: Object) -> None:
        super().__init__(bucket.place, bucket.region, f"object {item.key} in {bucket.name}", bucket)
        self._bucket = bucket.name
        self._item = item
        self._body = (folder / item.file).read_bytes()

    async def look(self) -> Change:
        """Compare the object's content with the file's."""
        client = await self.client("s3")
        head = await found(client.head_object(Bucket=self._bucket, Key=self._item.key), *_MISSING)
        if head is None:
            return Change("create")
        # The ETag of an object that was put in one piece is its MD5.
        same = head["ETag"].strip('"') == hashlib.md5(self._body, usedforsecurity=False).hexdigest()
        return Change("leave") if same else Change("update", "content")

    async def make(self, change: Change) -> None:
        """Put the object."""
        client = await self.client("s3")
        await client.put_object(
            Bucket=self._bucket,
            Key=self._item.key,
            Body=self._body,
            ContentType=self._item.content_type,
        )


class DeployedTopic(Piece):
    """An SNS topic.

    Attributes:
        arn: its ARN, known from its name.
    """

    def __init__(self, place: Place, topic: Topic) -> None:
        super().__init__(place, topic.region, f"topic {topic.name}")
        self.name = topic.name
        self.arn = f"arn:{place.partition}:sns:{topic.region}:{place.account}:{topic.name}"

    async def look(self) -> Change:
        """Look for the topic."""
        client = await self.client("sns")
        attributes = await found(
            client.get_topic_attributes(TopicArn=self.arn), "NotFound", "NotFoundException"
        )
        return Change("leave") if attributes else Change("create")

    async def make(self, change: Change) -> None:
        """Create the topic."""
        client = await self.client("sns")
        await client.create_topic(Name=self.name, Tags=as_list(self.place.tags))


class DeployedQueue(Piece):
    """An SQS queue.

    Attributes:
        arn: its ARN, known from its name.
    """

    def __init__(self, place: Place, queue: Queue, visibility_timeout_s: int) -> None:
        super().__init__(place, queue.region, f"queue {queue.name}")
        self.name = queue.name
        self.arn = f"arn:{place.partition}:sqs:{queue.region}:{place.account}:{queue.name}"
        self._visibility_timeout_s = visibility_timeout_s

    async def look(self) -> Change:
        """Look for the queue."""
        client = await self.client("sqs")
        url = await found(
            client.get_queue_url(QueueName=self.name),
            "AWS.SimpleQueueService.NonExistentQueue",
            "QueueDoesNotExist",
        )
        return Change("leave") if url else Change("create")

    async def make(self, change: Change) -> None:
        """Create the queue."""
        client = await self.client("sqs")
        await client.create_queue(
            QueueName=self.name,
            # Lambda refuses a queue whose messages reappear while they are being processed.
            Attributes={"VisibilityTimeout": str(self._visibility_timeout_s)},
            tags=self.place.tags,
        )
