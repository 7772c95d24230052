"""What a manifest is made of; examples/README.md describes every key."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

BUCKET_PREFIX: Final = "gammaray-"
"""Buckets are named for the whole world: this shows whose they are."""

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_BUCKET_NAME: Final = re.compile(rf"{BUCKET_PREFIX}[a-z0-9.{{}}-]+")
_ROUTE: Final = re.compile(r"(ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT) /[^ ]*")
_SCHEDULE: Final = re.compile(r"(rate|cron)\([^()]+\)")

Letter: TypeAlias = Literal["C", "T", "F", "S", "D", "B"]
BatchSize: TypeAlias = Annotated[int, Meta(ge=1, le=10000)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key that it does not know is an error."""


class Placed(Part, frozen=True, kw_only=True):
    """A part that has a name, in a region."""

    name: str
    region: str

    def __post_init__(self) -> None:
        """Check name and region.

        Raises:
            ValueError: with the reason; msgspec adds where.
        """
        self._check_name()
        if not _REGION.fullmatch(self.region):
            raise ValueError(f"there is no region {self.region!r}; they look like us-west-2")

    def _check_name(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be a name: letters, digits and . _ - can")


class Permission(Part, frozen=True, kw_only=True):
    """What a function or state machine may do beside what its triggers and records need."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]


class Function(Placed, frozen=True, kw_only=True):
    """A Python function; the recorder is attached to it from outside.

    Attributes:
        handler: its own handler, "module.function".
        files: source files or folders, beside the manifest.
        tracing: whether X-Ray traces it; None: as the configuration says.
        url: whether it has a function URL, for signed requests.
    """

    handler: str
    files: tuple[str, ...]
    memory_mb: Annotated[int, Meta(ge=128, le=10240)] = 256
    timeout_s: Annotated[int, Meta(ge=1, le=900)] = 30
    runtime: str = "python3.12"
    tracing: bool | None = None
    url: bool = False
    environment: dict[str, str] = {}
    permissions: tuple[Permission, ...] = ()


class Table(Placed, frozen=True, kw_only=True):
    """A DynamoDB table with string keys."""

    hash_key: str
    range_key: str | None = None
    stream: bool = True


class Object(Part, frozen=True, kw_only=True):
    """An object to put into a bucket, from a file beside the manifest."""

    key: str
    file: str
    content_type: str = "application/octet-stream"


class Bucket(Placed, frozen=True, kw_only=True):
    """An S3 bucket; its name begins with "gammaray-"."""

    objects: tuple[Object, ...] = ()

    def _check_name(self) -> None:
        if not _BUCKET_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r}: names of buckets begin with {BUCKET_PREFIX}")


class Topic(Placed, frozen=True, kw_only=True):
    """An SNS topic."""


class Queue(Placed, frozen=True, kw_only=True):
    """An SQS queue.

    Attributes:
        dead_letters: the queue that gets messages which were received in vain.
        attempts: how often a message is received before that.
        retry_after_s: when a message is received again; by default six times as long as the
            slowest function may take, as Lambda's guide advises.
    """

    dead_letters: str | None = None
    attempts: Annotated[int, Meta(ge=1, le=1000)] = 3
    retry_after_s: Annotated[int, Meta(ge=1, le=43200)] | None = None


class Stream(Placed, frozen=True, kw_only=True):
    """A Kinesis data stream."""

    shards: Annotated[int, Meta(ge=1, le=100)] = 1


class StateMachine(Placed, frozen=True, kw_only=True):
    """A Step Functions state machine.

    Attributes:
        definition: file with its definition in the Amazon States Language, beside the manifest.
    """

    definition: str
    permissions: tuple[Permission, ...] = ()


class _Trigger(Part, frozen=True, kw_only=True, tag_field="kind"):
    function: str


class DynamoDbTrigger(_Trigger, frozen=True, kw_only=True, tag="dynamodb"):
    """A table's stream invokes a function."""

    table: str
    batch_size: BatchSize = 1

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"DynamoDB stream {self.table}"


class S3Trigger(_Trigger, frozen=True, kw_only=True, tag="s3"):
    """Objects that are put into a bucket invoke a function."""

    bucket: str
    prefix: str = ""
    suffix: str = ""
    events: tuple[str, ...] = ("s3:ObjectCreated:*",)

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"S3 bucket {self.bucket}/{self.prefix}"


class SnsTrigger(_Trigger, frozen=True, kw_only=True, tag="sns"):
    """Messages that are published to a topic invoke a function."""

    topic: str

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"SNS topic {self.topic}"


class SqsTrigger(_Trigger, frozen=True, kw_only=True, tag="sqs"):
    """Messages that are sent to a queue invoke a function."""

    queue: str
    batch_size: BatchSize = 1

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"SQS queue {self.queue}"


class KinesisTrigger(_Trigger, frozen=True, kw_only=True, tag="kinesis"):
    """Records that are put into a Kinesis stream invoke a function."""

    stream: str
    batch_size: BatchSize = 1

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"Kinesis stream {self.stream}"


class EventTrigger(Part, frozen=True, kw_only=True, tag_field="kind", tag="events"):
    """Events on the region's default bus that match a pattern go to a function or a queue.

    Attributes:
        rule: name of the EventBridge rule.
    """

    rule: str
    pattern: dict[str, Any]
    function: str | None = None
    queue: str | None = None

    def __post_init__(self) -> None:
        """Check that there is one target.

        Raises:
            ValueError: there is none, or there are two.
        """
        if (self.function is None) is (self.queue is None):
            raise ValueError(f"rule {self.rule}: give either a function or a queue")

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"EventBridge rule {self.rule}"


class ScheduleTrigger(_Trigger, frozen=True, kw_only=True, tag="schedule"):
    """A function is invoked again and again: "rate(5 minutes)", "cron(0 12 * * ? *)"."""

    rule: str
    expression: str

    def __post_init__(self) -> None:
        """Check the expression's form.

        Raises:
            ValueError: it is neither a rate nor a cron expression.
        """
        if not _SCHEDULE.fullmatch(self.expression):
            raise ValueError(f"{self.expression!r} is neither rate(...) nor cron(...)")

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"schedule {self.expression}"


class ApiTrigger(Part, frozen=True, kw_only=True, tag_field="kind", tag="api"):
    """Requests to an API Gateway API invoke a function, or become messages of a queue.

    Attributes:
        api: name of the API; triggers that name the same one share it.
        route: "POST /orders".
        function: invoked by an HTTP API.
        queue: gets the request's body as a message, from a REST API and with no function between.
    """

    api: str
    route: str
    function: str | None = None
    queue: str | None = None

    def __post_init__(self) -> None:
        """Check that there is one target, and the route's form.

        Raises:
            ValueError: there is none, or there are two; or it is not a method and a path.
        """
        if (self.function is None) is (self.queue is None):
            raise ValueError(f"api {self.api}: give either a function or a queue")
        if not _ROUTE.fullmatch(self.route):
            raise ValueError(f'{self.route!r} is no route; they look like "POST /orders"')

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"API {self.api} {self.route}"


Trigger: TypeAlias = (
    DynamoDbTrigger
    | S3Trigger
    | SnsTrigger
    | SqsTrigger
    | KinesisTrigger
    | EventTrigger
    | ScheduleTrigger
    | ApiTrigger
)


class Fire(Part, frozen=True, kw_only=True):
    """How the application is fired: an asynchronous Invoke, or a request to an API.

    Attributes:
        function: is invoked with the payload.
        api: gets the payload as the body of a request, on `route`.
        text: what that does, for people.
    """

    function: str | None = None
    api: str | None = None
    route: str | None = None
    payload: dict[str, Any] = {}
    text: str = ""

    def __post_init__(self) -> None:
        """Check that it says one thing.

        Raises:
            ValueError: it names both a function and an API, or neither.
        """
        if (self.function is None) is (self.api is None) or (self.api is None) is not (
            self.route is None
        ):
            raise ValueError("give either a function, or an api and a route")

    @property
    def description(self) -> str:
        """What it does, for people."""
        return self.text or (f"invoke {self.function}" if self.function else f"{self.route}")


class Manifest(Part, frozen=True, kw_only=True):
    """One application.

    Attributes:
        configuration: letter of the one that it is deployed in when none is asked for.
    """

    title: str
    functions: Annotated[tuple[Function, ...], Meta(min_length=1)]
    fire: Fire
    configuration: Letter | None = None
    tables: tuple[Table, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    topics: tuple[Topic, ...] = ()
    queues: tuple[Queue, ...] = ()
    streams: tuple[Stream, ...] = ()
    state_machines: tuple[StateMachine, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    log_retention_days: int = 7
