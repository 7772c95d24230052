"""Checking the collector, where there is one: function, mapping, how far behind, what was lost."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from providers.aws_errors import user_error
from providers.collector import APPLICATION, CollectorNames, homes
from providers.operations import Check, CheckState
from providers.pieces import found
from providers.place import AWS_ERRORS, Place
from providers.together import together

_MISSING: Final = "ResourceNotFoundException"
_NO_QUEUE: Final = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_SET_UP: Final = "Run `gammaray-tui setup --collector`; it completes what is there."
_AGE_OVER: Final = timedelta(minutes=10)
_BEHIND_S: Final = 60.0  # beyond what a batch and its retries take
# Messages that wait, and those that are being read: what is over is deleted.
_WAITING: Final = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
_WELL: Final = ("OK", "No records processed")


async def check_collector(place: Place, tell: Callable[[Check], None]) -> None:
    """Check the collector's parts in all regions; nothing is told where there is no collector.

    Args:
        place: account and clients.
        tell: told of each part.
    """
    names = CollectorNames.of(place.table)
    try:
        there = await homes(place, names)
    except AWS_ERRORS as error:
        # Those who may not list functions are told so region by region.
        failure = user_error(error, profile=place.clients.session.profile, region=None)
        tell(Check("collector", "collector", "", "skipped", failure.what, failure.todo))
        return
    home = next((region for region in there.values() if region is not None), None)
    regions = list(there)
    if home is None:
        left = await together(_Region(place, region, names).left_over() for region in regions)
        for check in (check for checks in left for check in checks):
            tell(check)
        return
    doctors = [_Region(place, region, names) for region in regions]
    found_there = await together(
        [
            _Region(place, home, names).table(),
            *(doctor.examine() if there[doctor.region] else doctor.absent() for doctor in doctors),
        ]
    )
    for checks in found_there:
        for check in checks:
            tell(check)


class _Region:
    """The collector's parts in one region."""

    def __init__(self, place: Place, region: str, names: CollectorNames) -> None:
        self.region = region
        self._place = place
        self._names = names

    async def absent(self) -> list[Check]:
        """Tell that there is no collector here, while there is one elsewhere."""
        detail = "is not here: what this region records is not collected"
        return [self._check("collector", self._function_text, "failed", detail, _SET_UP)]

    async def left_over(self) -> list[Check]:
        """Tell of a table for what is found while nothing writes to it; nothing where none is."""
        text = f"table {self._names.table}"
        return await self._looking("collected", text, self._left_over(text))

    async def table(self) -> list[Check]:
        """Look at the table for what is found."""
        return await self._looking("collected", f"table {self._names.table}", self._table())

    async def examine(self) -> list[Check]:
        """Look at function and mapping, at how far behind they are, and at what was lost."""
        looked = await together(
            [
                self._looking("collector", self._function_text, self._function()),
                self._looking("collector-age", "collector's lag", self._age()),
                self._looking("collector-lost", f"queue {self._names.lost}", self._lost()),
            ]
        )
        return [check for checks in looked for check in checks]

    @property
    def _function_text(self) -> str:
        return f"collector {self._names.function}"

    async def _looking(
        self, id: str, text: str, look: Coroutine[Any, Any, Check | None]
    ) -> list[Check]:
        try:
            check = await look
        except AWS_ERRORS as error:
            profile = self._place.clients.session.profile
            failure = user_error(error, profile=profile, region=self.region)
            return [self._check(id, text, "warning", failure.what, failure.todo)]
        return [check] if check is not None else []

    async def _client(self, service: str) -> Any:
        return await self._place.clients.of(service, self.region)

    def _check(self, id: str, text: str, state: CheckState, detail: str, todo: str = "") -> Check:
        return Check(f"{self.region}/{id}", text, self.region, state, detail, todo)

    async def _left_over(self, text: str) -> Check | None:
        client = await self._client("dynamodb")
        if await found(client.describe_table(TableName=self._names.table), _MISSING) is None:
            return None
        todo = f"{_SET_UP} To take it away: `gammaray-tui cleanup --app {APPLICATION}`."
        detail = "is here, but no collector that writes to it"
        return self._check("collected", text, "warning", detail, todo)

    async def _table(self) -> Check:
        client = await self._client("dynamodb")
        text = f"table {self._names.table}"
        answer = await found(client.describe_table(TableName=self._names.table), _MISSING)
        if answer is None:
            detail = "is gone: nothing can be collected"
            return self._check("collected", text, "failed", detail, _SET_UP)
        table = answer["Table"]
        detail = f"{table['TableStatus'].lower()}, about {table.get('ItemCount', 0)} items"
        state: CheckState = "ok" if table["TableStatus"] in ("ACTIVE", "UPDATING") else "warning"
        todo = "" if state == "ok" else "Wait until it is active."
        return self._check("collected", text, state, detail, todo)

    async def _function(self) -> Check:
        """Look at the mapping: whether it reads the present stream, and how that goes."""
        text = self._function_text
        dynamodb = await self._client("dynamodb")
        answer = await found(dynamodb.describe_table(TableName=self._place.table), _MISSING)
        stream = (answer or {"Table": {}})["Table"].get("LatestStreamArn", "")
        client = await self._client("lambda")
        pages = client.get_paginator("list_event_source_mappings").paginate(
            FunctionName=self._names.function
        )
        mappings = [item async for page in pages for item in page["EventSourceMappings"]]
        streams = [item for item in mappings if "/stream/" in item["EventSourceArn"]]
        mapping = next((item for item in streams if item["EventSourceArn"] == stream), None)
        if mapping is None:
            old = " but that of a table which is gone" if streams else ""
            detail = f"reads no stream{old}: nothing is collected here"
            return self._check("collector", text, "failed", detail, _SET_UP)
        result = mapping.get("LastProcessingResult", "")
        if mapping["State"] not in ("Enabled", "Creating", "Enabling", "Updating"):
            reason = mapping.get("StateTransitionReason", "")
            detail = f"its mapping is {mapping['State'].lower()} {reason}".strip()
            return self._check("collector", text, "failed", detail, _SET_UP)
        if result and not result.startswith(_WELL):
            todo = (
                f"Its log says why: `gammaray-tui logs {self._names.function} --since 1h`. "
                "Batches are tried again for six hours."
            )
            return self._check("collector", text, "failed", f"its last batch: {result}", todo)
        if len(mappings) == len(streams):
            detail = "does not read the queue of what was given up: what is lost goes unnoticed"
            return self._check("collector", text, "warning", detail, _SET_UP)
        detail = f"mapping enabled, last batch: {result or 'none yet'}"
        return self._check("collector", text, "ok", detail)

    async def _age(self) -> Check | None:
        """Ask how old records were when they were read; None when nothing was read lately."""
        client = await self._client("cloudwatch")
        now = datetime.now(UTC)
        answer = await client.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="IteratorAge",
            Dimensions=[{"Name": "FunctionName", "Value": self._names.function}],
            StartTime=now - _AGE_OVER,
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )
        points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
        if not points:
            return None
        behind_s = points[-1]["Maximum"] / 1000
        detail = f"{behind_s:.0f} s behind the records at most, in the last minute that had any"
        if behind_s < _BEHIND_S:
            return self._check("collector-age", "collector's lag", "ok", detail)
        todo = (
            "It catches up by itself unless it grows: then look for throttling of the function "
            "(the account's concurrency) and of the table (its quota of write units)."
        )
        return self._check("collector-age", "collector's lag", "warning", detail, todo)

    async def _lost(self) -> Check:
        client = await self._client("sqs")
        text = f"queue {self._names.lost}"
        url = await found(client.get_queue_url(QueueName=self._names.lost), *_NO_QUEUE)
        if url is None:
            detail = "is gone: batches that are given up leave no trace"
            return self._check("collector-lost", text, "warning", detail, _SET_UP)
        answer = await client.get_queue_attributes(
            QueueUrl=url["QueueUrl"], AttributeNames=list(_WAITING)
        )
        count = sum(int(answer["Attributes"].get(name, 0)) for name in _WAITING)
        if not count:
            return self._check("collector-lost", text, "ok", "empty")
        batches = "A batch was" if count == 1 else f"{count} batches were"
        todo = (
            f"Why, says `gammaray-tui logs {self._names.function} --since 1h`; the collector keeps "
            "them as gaps. Once it is mended, have the stream read again, which keeps a day: "
            f'`gammaray-tui cleanup "table/{self._place.table} → {self._names.function}"`, then '
            "`gammaray-tui setup --collector`. Nothing is counted twice."
        )
        detail = f"{batches} given up: what they hold is missing from what was collected"
        return self._check("collector-lost", text, "failed", detail, todo)
