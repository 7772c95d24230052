"""The collector: a function of ours on AWS that joins the records of every region as they come.

It takes the same pieces as an application: a table for what it found (in the first region, its
home), and in each region the function, a mapping that reads the record table's stream, and a queue
of batches that were given up, which the function reads as well, to tell what is missing. At home a
schedule has it look once a minute at edges that wait for late calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gammaray_collector.items import ENV_REGION, ENV_TABLE, EXPIRES, PK, SK
from providers.collector_bundle import HANDLER, Bundle, bundle
from providers.deploy_events import EventRule
from providers.deploy_functions import DeployedFunction, LogGroup, WantedFunction
from providers.deploy_role import Role
from providers.deploy_storage import DeployedQueue
from providers.deploy_triggers import SourceMapping
from providers.errors import UserError
from providers.manifest_parts import DynamoDbTrigger, Queue, ScheduleTrigger, SqsTrigger
from providers.pieces import Piece, found
from providers.place import AWS_ERRORS, Place
from providers.session import is_local, user_error
from providers.setup_policies import Owner, collector_policy
from providers.tables import Table, record_table
from providers.together import together

APPLICATION: Final = "gammaray-collector"
"""Value of the tag on all that belongs to the collector."""

_DEFAULT_TABLE: Final = "gammaRays"
_MISSING: Final = "ResourceNotFoundException"
MEMORY_MB: Final = 1_769  # one core: most of its time goes into requests to its table
_TIMEOUT_S: Final = 60
_LOGS_KEPT_DAYS: Final = 7
_LOST_KEPT_S: Final = 14 * 86_400  # as long as SQS keeps messages
BATCH_SIZE: Final = 500
_LOST_BATCH_SIZE: Final = 10
_PARTIAL: Final = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
MAPPING: Final[dict[str, Any]] = {
    # From the oldest record that the stream has (a day): with LATEST, what is written until the
    # mapping is polled for the first time would be missed, and edges whose first half it is.
    "StartingPosition": "TRIM_HORIZON",
    # So many batches of a shard at a time, gathered for so long: nearly twice what a full shard
    # takes. All batches add to the same rollups; if they were more and smaller, they would get
    # into each other's way (benchmarks/collector.py).
    "ParallelizationFactor": 6,
    "MaximumBatchingWindowInSeconds": 2,
    **_PARTIAL,
    "BisectBatchOnFunctionError": True,
    # What fails for longer than that is told of in the queue, and the shard goes on: a record
    # that cannot be taken holds up what comes after it in its shard until then.
    "MaximumRetryAttempts": 100,
    "MaximumRecordAgeInSeconds": 6 * 3600,
    # Not what expires from the record table, which is as many records again.
    "FilterCriteria": {"Filters": [{"Pattern": '{"eventName":["INSERT","MODIFY"]}'}]},
}
"""How the streams are read, as CreateEventSourceMapping takes it."""


@dataclass(frozen=True, slots=True)
class CollectorNames:
    """What the parts of the collector of one record table are called.

    Attributes:
        function: in every region; its role has the same name.
        lost: the queue in every region that tells of batches which were given up.
        table: in the home region.
    """

    function: str
    lost: str
    table: str

    @classmethod
    def of(cls, table: str) -> CollectorNames:
        """Give the names by that of the record table."""
        own = "" if table == _DEFAULT_TABLE else f"-{table.replace('.', '-')}"
        function = f"{APPLICATION}{own}"
        return cls(function, f"{function}-lost", f"{table}Collected")


async def collector_pieces(place: Place, wheel: Path | None = None) -> list[Piece]:
    """List the pieces of the collector, with the record tables, for all regions of the session.

    Args:
        place: with APPLICATION as its application.
        wheel: of msgspec, when the one that is installed does not run on Lambda.

    Raises:
        UserError: there is a collector that keeps what it finds in another region, its code
            cannot be put together here, or AWS refuses.
    """
    session = place.clients.session
    names = CollectorNames.of(place.table)
    await _only_home(place, names)
    local = session.endpoint_url is not None and is_local(session.endpoint_url)
    code = await asyncio.to_thread(bundle, wheel=wheel, anywhere=local)
    return list(_pieces(place, names, code))


def _pieces(place: Place, names: CollectorNames, code: Bundle) -> Iterator[Piece]:
    regions = place.clients.session.regions
    home = regions[0]
    owner = Owner(place.partition, place.account, place.table)
    policy = collector_policy(owner, names.function, names.lost, names.table, home)
    role = Role(place, names.function, "lambda.amazonaws.com", policy, asked_in=home)
    collected = Table(
        place, home, names.table, hash_key=PK, range_key=SK, stream=False, expires=EXPIRES
    )
    yield collected
    yield role
    for region in regions:
        records = record_table(place, region)
        queue = Queue(name=names.lost, region=region)
        lost = DeployedQueue(place, queue, retry_after_s=6 * _TIMEOUT_S, kept_s=_LOST_KEPT_S)
        log_group = LogGroup(place, names.function, region, _LOGS_KEPT_DAYS)
        wanted = WantedFunction(
            name=names.function,
            region=region,
            runtime=code.runtime,
            handler=HANDLER,
            memory_mb=MEMORY_MB,
            timeout_s=_TIMEOUT_S,
            environment={ENV_REGION: home, ENV_TABLE: names.table},
            files=code.files,
            architecture=code.architecture,
        )
        function = DeployedFunction(place, wanted, role, None, log_group)
        trigger = DynamoDbTrigger(table=place.table, function=names.function, batch_size=BATCH_SIZE)
        settings = MAPPING | {"DestinationConfig": {"OnFailure": {"Destination": lost.arn}}}
        yield from (records, lost, log_group, function)
        yield SourceMapping(trigger, records, function, lost, collected, settings=settings)
        gone = SqsTrigger(queue=names.lost, function=names.function, batch_size=_LOST_BATCH_SIZE)
        yield SourceMapping(gone, lost, function, collected, settings=_PARTIAL)
        if region == home:
            clock = ScheduleTrigger(
                rule=names.function, function=names.function, expression="rate(1 minute)"
            )
            yield EventRule(clock, function)


async def homes(place: Place, names: CollectorNames) -> dict[str, str | None]:
    """Give for each region of the session in which one its collector keeps what it finds.

    None stands for a region without a collector.
    """

    async def home(region: str) -> str | None:
        client = await place.clients.of("lambda", region)
        there = await found(
            client.get_function_configuration(FunctionName=names.function), _MISSING
        )
        if there is None:
            return None
        return str(there.get("Environment", {}).get("Variables", {}).get(ENV_REGION, region))

    regions = place.clients.session.regions
    return dict(zip(regions, await together(home(region) for region in regions), strict=True))


async def _only_home(place: Place, names: CollectorNames) -> None:
    """See that no collector keeps what it finds elsewhere: halves in two tables never meet."""
    session = place.clients.session
    try:
        there = await homes(place, names)
    except AWS_ERRORS as error:
        raise user_error(error, profile=session.profile, region=None) from error
    for region, home in there.items():
        if home not in (None, session.regions[0]):
            raise UserError(
                f"The collector of {region} keeps what it finds in {home}, not in "
                f"{session.regions[0]}",
                on=f"function {names.function}",
                todo=f"Name {home} as the first region, or take the collector away first: "
                f"gammaray-tui cleanup --app {APPLICATION}.",
                kind="collector-elsewhere",
            )
