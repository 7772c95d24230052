"""Deploying an application: its manifest turned into pieces, and the pieces made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from providers.attachment import function_of
from providers.deploy_events import EventRule, FunctionUrl, HttpApi, rule_arn
from providers.deploy_functions import DeployedFunction, Layer, LogGroup
from providers.deploy_machines import DeployedMachine, machine_role
from providers.deploy_queue_api import QueueApi, queue_api_role
from providers.deploy_role import functions_role
from providers.deploy_storage import (
    DeployedBucket,
    DeployedObject,
    DeployedQueue,
    DeployedStream,
    DeployedTopic,
)
from providers.deploy_triggers import BucketNotifications, SourceMapping, Subscription
from providers.errors import UserError
from providers.manifest import LoadedApplication
from providers.manifest_parts import (
    ApiTrigger,
    DynamoDbTrigger,
    EventTrigger,
    KinesisTrigger,
    Queue,
    S3Trigger,
    ScheduleTrigger,
    SnsTrigger,
    SqsTrigger,
    Trigger,
)
from providers.operations import Plan, Report, Step
from providers.pieces import Piece, run_pieces
from providers.place import Place, open_place
from providers.session import AwsSession
from providers.tables import Table, record_table


async def plan(
    session: AwsSession,
    application: LoadedApplication,
    environment: Mapping[str, str] | None = None,
    *,
    regions: Sequence[str] = (),
) -> Plan:
    """Say what `deploy` would do; change nothing.

    Returns:
        A step for each resource: "waiting" with what would be done, or "skipped" when it is as
        it should be.

    Raises:
        UserError: AWS refuses, something of the same name is in the way, or nothing of the
            application belongs to these regions.
    """
    async with _place(session, application, environment) as place:
        pieces = within(pieces_of(place, application), regions or application.only_in, application)
        steps = await run_pieces(pieces, lambda _step: None, only_look=True)
    return Plan(application.id, (*_remarks(application), *steps))


async def deploy(
    session: AwsSession,
    application: LoadedApplication,
    report: Report,
    environment: Mapping[str, str] | None = None,
    *,
    regions: Sequence[str] = (),
) -> None:
    """Make everything as the manifest says, in all its regions, side by side.

    Idempotent: what is as it should be is left alone, and a run that was stopped half-way is
    completed by the next. The record table of each region belongs to it.

    Args:
        session: whose account.
        application: what to deploy.
        report: told of each step.
        environment: what every function gets beside what the manifest says.
        regions: only what belongs there, with what that needs; () for everything.

    Raises:
        UserError: of the first resource that failed; the others are done nevertheless. Or
            nothing of the application belongs to these regions.
    """
    async with _place(session, application, environment) as place:
        pieces = within(pieces_of(place, application), regions or application.only_in, application)
        for remark in _remarks(application):
            report(remark)
        await run_pieces(pieces, report, only_look=False)


def _remarks(application: LoadedApplication) -> list[Step]:
    """Tell whose code it is, where it is not what the user's file names."""
    if not application.stands_for:
        return []
    text = f"sources of {application.stands_for}"
    why = f"none is beside it: those of {application.name}, which come with this tool"
    return [Step("sources", text, "", "skipped", why)]


def _place(
    session: AwsSession, application: LoadedApplication, environment: Mapping[str, str] | None
) -> AbstractAsyncContextManager[Place]:
    return open_place(
        session,
        application.manifest.functions[0].region,
        application.name,
        environment,
        configuration=application.configuration.letter,
    )


def pieces_of(place: Place, application: LoadedApplication) -> list[Piece]:
    """List the pieces of an application, those that others need first."""
    parts = _Parts(place, application)
    return [*parts.before, *parts.sources, *parts.functions.values(), *parts.triggers()]


def within(
    pieces: Sequence[Piece], regions: Sequence[str], application: LoadedApplication
) -> list[Piece]:
    """Leave the pieces that belong to some regions, with all that they need; () leaves all.

    Raises:
        UserError: nothing of the application belongs there (kind "no-such-region").
    """
    if not regions:
        return list(pieces)
    kept: set[str] = set()

    def keep(piece: Piece) -> None:
        kept.add(piece.id)
        for need in piece.needs:
            keep(need)

    for piece in pieces:
        if piece.region in regions:
            keep(piece)
    if not kept:
        raise UserError(
            f"Nothing of {application.id} belongs to {', '.join(regions)}",
            todo=f"Its parts belong to {', '.join(application.regions)}: name one of these, or "
            "no region for all of them.",
            kind="no-such-region",
        )
    return [piece for piece in pieces if piece.id in kept]


class _Parts:
    """The pieces of one application, and which triggers connect them."""

    def __init__(self, place: Place, application: LoadedApplication) -> None:
        manifest = application.manifest
        self._manifest = manifest
        regions = dict.fromkeys(function.region for function in manifest.functions)
        role = functions_role(place, application)
        recorder = application.configuration.recorder
        layers = {region: Layer(place, region) for region in regions if recorder == "layer"}
        groups = {
            function.name: LogGroup(
                place, function.name, function.region, manifest.log_retention_days
            )
            for function in manifest.functions
        }
        self.functions = {
            function.name: DeployedFunction(
                place,
                function_of(place, application, function),
                role,
                layers.get(function.region),
                groups[function.name],
            )
            for function in manifest.functions
        }
        records = [record_table(place, region) for region in regions if recorder is not None]
        buckets = {bucket.name: DeployedBucket(place, bucket) for bucket in manifest.buckets}
        objects = [
            DeployedObject(buckets[bucket.name], application.folder, item)
            for bucket in manifest.buckets
            for item in bucket.objects
        ]
        self._buckets = buckets
        self._tables = {
            table.name: Table(
                place,
                table.region,
                table.name,
                hash_key=table.hash_key,
                range_key=table.range_key,
                stream=table.stream,
            )
            for table in manifest.tables
        }
        self._topics = {topic.name: DeployedTopic(place, topic) for topic in manifest.topics}
        self._streams = {item.name: DeployedStream(place, item) for item in manifest.streams}
        self._queues: dict[str, DeployedQueue] = {}
        for queue in manifest.queues:
            self._add_queue(place, queue)
        machines = [
            DeployedMachine(place, item, application.definition(item), machine_role(place, item))
            for item in manifest.state_machines
        ]
        self.before: list[Piece] = [
            *records,
            role,
            *layers.values(),
            *groups.values(),
            *(need for machine in machines for need in machine.needs),
        ]
        self.sources: list[Piece] = [
            *self._tables.values(),
            *buckets.values(),
            *objects,
            *self._topics.values(),
            *self._streams.values(),
            *self._queues.values(),
            *machines,
        ]

    def _add_queue(self, place: Place, queue: Queue) -> None:
        """Describe a queue, its dead letters' first."""
        if queue.name in self._queues:
            return
        dead_letters = None
        for other in self._manifest.queues:
            if other.name == queue.dead_letters:
                self._add_queue(place, other)
                dead_letters = self._queues[other.name]
        longest_s = max(function.timeout_s for function in self._manifest.functions)
        self._queues[queue.name] = DeployedQueue(
            place,
            queue,
            retry_after_s=queue.retry_after_s or 6 * longest_s,
            senders=[
                rule_arn(place.partition, queue.region, place.account, trigger.rule)
                for trigger in self._manifest.triggers
                if isinstance(trigger, EventTrigger) and trigger.queue == queue.name
            ],
            dead_letters=dead_letters,
        )

    def triggers(self) -> list[Piece]:
        """List the pieces that connect sources with functions."""
        made: list[Piece] = []
        of_buckets: dict[str, list[tuple[S3Trigger, DeployedFunction]]] = {}
        of_apis: dict[str, list[tuple[ApiTrigger, DeployedFunction]]] = {}
        of_queue_apis: dict[str, list[tuple[ApiTrigger, DeployedQueue]]] = {}
        for trigger in self._manifest.triggers:
            if isinstance(trigger, S3Trigger):
                function = self.functions[trigger.function]
                of_buckets.setdefault(trigger.bucket, []).append((trigger, function))
            elif isinstance(trigger, ApiTrigger) and trigger.queue is not None:
                queue = self._queues[trigger.queue]
                of_queue_apis.setdefault(trigger.api, []).append((trigger, queue))
            elif isinstance(trigger, ApiTrigger):
                function = self.functions[trigger.function or ""]
                of_apis.setdefault(trigger.api, []).append((trigger, function))
            else:
                made.append(self._trigger(trigger))
        made += [
            BucketNotifications(self._buckets[name], triggers)
            for name, triggers in of_buckets.items()
        ]
        made += [HttpApi(name, routes) for name, routes in of_apis.items()]
        for name, to_queues in of_queue_apis.items():
            queues = [queue for _trigger, queue in to_queues]
            role = queue_api_role(queues[0].place, name, queues)
            made += [role, QueueApi(name, to_queues, role)]
        made += [
            FunctionUrl(self.functions[function.name])
            for function in self._manifest.functions
            if function.url
        ]
        return made

    def _trigger(self, trigger: Trigger) -> Piece:
        """Describe a trigger that shares its document with no other."""
        if isinstance(trigger, EventTrigger) and trigger.queue is not None:
            return EventRule(trigger, self._queues[trigger.queue])
        function = self.functions[trigger.function or ""]
        match trigger:
            case DynamoDbTrigger():
                return SourceMapping(trigger, self._tables[trigger.table], function)
            case SqsTrigger():
                return SourceMapping(trigger, self._queues[trigger.queue], function)
            case KinesisTrigger():
                return SourceMapping(trigger, self._streams[trigger.stream], function)
            case SnsTrigger():
                return Subscription(self._topics[trigger.topic], function)
            case EventTrigger() | ScheduleTrigger():
                return EventRule(trigger, function)
        raise TypeError(f"{type(trigger).__name__} has a piece of its own kind")
