"""Pieces of a deployment: buckets and objects, topics, queues and Kinesis streams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from providers.manifest_parts import Bucket, Object, Queue, Stream, Topic
from providers.pieces import Change, Piece, found, wait_until
from providers.place import Place
from providers.tags import as_list

_STREAM_TIMEOUT_S: Final = 120.0
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
        name: the queue's name.
        arn: its ARN, known from its name.
    """

    def __init__(
        self,
        place: Place,
        queue: Queue,
        *,
        retry_after_s: int,
        senders: Sequence[str] = (),
        dead_letters: DeployedQueue | None = None,
        kept_s: int | None = None,
    ) -> None:
        """Describe the queue.

        Args:
            place: where it is made.
            queue: the manifest's.
            retry_after_s: when a message that was not deleted is received again. Lambda refuses
                a queue whose messages reappear while they are being processed.
            senders: ARNs of the rules that may send to it.
            dead_letters: where messages go that were received in vain.
            kept_s: after so long a message is gone; None for what SQS does by default.
        """
        needs = [dead_letters] if dead_letters else []
        super().__init__(place, queue.region, f"queue {queue.name}", *needs)
        self.name = queue.name
        self.arn = f"arn:{place.partition}:sqs:{queue.region}:{place.account}:{queue.name}"
        self._attributes = {"VisibilityTimeout": str(retry_after_s)}
        if kept_s is not None:
            self._attributes["MessageRetentionPeriod"] = str(kept_s)
        if dead_letters is not None:
            self._attributes["RedrivePolicy"] = json.dumps(
                {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": queue.attempts}
            )
        if senders:
            self._attributes["Policy"] = json.dumps(_may_send(self.arn, senders))

    async def look(self) -> Change:
        """Look for the queue, and compare its attributes."""
        client = await self.client("sqs")
        url = await found(
            client.get_queue_url(QueueName=self.name),
            "AWS.SimpleQueueService.NonExistentQueue",
            "QueueDoesNotExist",
        )
        if url is None:
            return Change("create")
        answer = await client.get_queue_attributes(QueueUrl=url["QueueUrl"], AttributeNames=["All"])
        there = answer.get("Attributes", {})
        changed = [
            name
            for name, text in self._attributes.items()
            # Some are JSON, which comes back as it likes.
            if name not in there or json.loads(there[name]) != json.loads(text)
        ]
        return Change("update", ", ".join(changed)) if changed else Change("leave")

    async def make(self, change: Change) -> None:
        """Create the queue, or set its attributes."""
        client = await self.client("sqs")
        if change.verb == "create":
            await client.create_queue(
                QueueName=self.name, Attributes=self._attributes, tags=self.place.tags
            )
        else:
            url = (await client.get_queue_url(QueueName=self.name))["QueueUrl"]
            await client.set_queue_attributes(QueueUrl=url, Attributes=self._attributes)


class DeployedStream(Piece):
    """A Kinesis data stream.

    Attributes:
        name: the stream's name.
        arn: its ARN, known from its name.
    """

    def __init__(self, place: Place, stream: Stream) -> None:
        super().__init__(place, stream.region, f"stream {stream.name}")
        self.name = stream.name
        self.arn = (
            f"arn:{place.partition}:kinesis:{stream.region}:{place.account}:stream/{self.name}"
        )
        self._shards = stream.shards

    async def look(self) -> Change:
        """Look for the stream and its tags."""
        client = await self.client("kinesis")
        there = await found(
            client.describe_stream_summary(StreamName=self.name), "ResourceNotFoundException"
        )
        if there is None:
            return Change("create")
        # Tags come after the stream: a run that was stopped half-way left it without.
        tags = await client.list_tags_for_stream(StreamName=self.name)
        return Change("leave") if tags["Tags"] else Change("update", "tags")

    async def make(self, change: Change) -> None:
        """Create the stream, and wait until records can be put."""
        client = await self.client("kinesis")
        if change.verb == "create":
            await client.create_stream(StreamName=self.name, ShardCount=self._shards)

        async def active() -> bool:
            there = await client.describe_stream_summary(StreamName=self.name)
            return bool(there["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")

        await wait_until(active, self.text, timeout_s=_STREAM_TIMEOUT_S)
        await client.add_tags_to_stream(StreamName=self.name, Tags=self.place.tags)


def _may_send(queue_arn: str, rule_arns: Sequence[str]) -> dict[str, Any]:
    """Write the policy that lets rules send to a queue."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": list(rule_arns)}},
            }
        ],
    }
