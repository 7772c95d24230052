"""Checking one region: record table, stream, expiry, recorder layer, functions, traces, logs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gammaray_recorder.wire import ITEM_EXPIRES, ITEM_KEY
from providers.aws_errors import user_error
from providers.collector import CollectorNames
from providers.deploy_functions import LAYER_NAME, layer_versions
from providers.doctor_functions import recorder_layer, recording_of, starts_recorder
from providers.errors import UserError
from providers.layer import layer_version_description
from providers.operations import Check, CheckState
from providers.pieces import found
from providers.place import AWS_ERRORS, Place
from providers.session import is_local
from providers.setup_policies import Owner, recorder_policy

_MISSING: Final = "ResourceNotFoundException"
_BOTH_IMAGES: Final = "NEW_AND_OLD_IMAGES"
_AT_ONCE: Final = 8
_SORTS: Final = ("table", "stream", "expiry", "layer", "functions", "function", "traces", "logs")
_SET_UP: Final = "Run `gammaray-tui setup`; it completes what is there."


class RegionDoctor:
    """Looks at one region; every look that fails is a check that says so."""

    def __init__(self, place: Place, region: str, tell: Callable[[Check], None]) -> None:
        self._place = place
        self._region = region
        self._report = tell
        self._found: list[Check] = []
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._roles: dict[str, asyncio.Task[bool | None]] = {}

    async def examine(self) -> None:
        """Do all checks of the region side by side, and report them together, in order."""
        try:
            async with asyncio.TaskGroup() as group:
                for id, text, work in (
                    ("table", self._table_text, self._table()),
                    ("functions", "recorded functions", self._functions()),
                    ("traces", "X-Ray", self._traces()),
                    ("logs", "logs", self._logs()),
                ):
                    group.create_task(self._looking(id, text, work))
        finally:  # also what was found before a region stopped answering
            for check in sorted(self._found, key=_place_in_list):
                self._report(check)

    @property
    def _table_text(self) -> str:
        return f"table {self._place.table}"

    def _tell(self, id: str, text: str, state: CheckState, detail: str, todo: str = "") -> None:
        self._found.append(Check(f"{self._region}/{id}", text, self._region, state, detail, todo))

    async def _looking(self, id: str, text: str, work: Awaitable[None]) -> None:
        try:
            await work
        except (UserError, *AWS_ERRORS) as error:
            failure = user_error(
                error, profile=self._place.clients.session.profile, region=self._region
            )
            # Traces and logs add to what is on screen; records are what it is made of.
            state: CheckState = "warning" if id in ("traces", "logs") else "failed"
            self._tell(id, text, state, failure.what, failure.todo)

    async def _client(self, service: str) -> Any:
        return await self._place.clients.of(service, self._region)

    async def _table(self) -> None:
        name, text = self._place.table, self._table_text
        client = await self._client("dynamodb")
        answer = await found(client.describe_table(TableName=name), _MISSING)
        if answer is None:
            todo = "Run `gammaray-tui setup`, deploy an application here, or leave the region out."
            self._tell("table", text, "failed", "there is none", todo)
            return
        table = answer["Table"]
        keys = [key["AttributeName"] for key in table["KeySchema"]]
        if keys != [ITEM_KEY]:
            self._tell(
                "table", text, "failed", f"its key is {', '.join(keys)}, not {ITEM_KEY}",
                "It is another program's: choose another name with --table.",
            )  # fmt: skip
            return
        billing = table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        detail = f"{table['TableStatus'].lower()}, about {table.get('ItemCount', 0)} items"
        if table["TableStatus"] not in ("ACTIVE", "UPDATING"):
            self._tell("table", text, "warning", detail, "Wait until it is active.")
        elif billing == "PROVISIONED":
            todo = "Bursts of invocations lose records there: change it to on-demand billing."
            self._tell("table", text, "warning", f"{detail}, provisioned capacity", todo)
        else:
            self._tell("table", text, "ok", f"{detail}, billed on demand")
        await self._stream(table)
        await self._expiry(client)

    async def _stream(self, table: dict[str, Any]) -> None:
        text = f"stream of {self._table_text}"
        settings = table.get("StreamSpecification", {})
        if not settings.get("StreamEnabled"):
            self._tell("stream", text, "failed", "is not enabled: nothing can be read", _SET_UP)
            return
        view = settings.get("StreamViewType", "")
        if view not in (_BOTH_IMAGES, "NEW_IMAGE"):
            todo = "Disable the stream, then run `gammaray-tui setup`: it enables the right one."
            self._tell("stream", text, "failed", f"{view} leaves out the items themselves", todo)
            return
        client = await self._client("dynamodbstreams")
        described = await client.describe_stream(StreamArn=table["LatestStreamArn"])
        shards = described["StreamDescription"]["Shards"]
        if shards:
            iterator = await client.get_shard_iterator(
                StreamArn=table["LatestStreamArn"],
                ShardId=shards[-1]["ShardId"],
                ShardIteratorType="LATEST",
            )
            await client.get_records(ShardIterator=iterator["ShardIterator"], Limit=1)
        detail = f"{view}, can be read, {len(shards)} shard{'' if len(shards) == 1 else 's'}"
        if view == _BOTH_IMAGES:
            self._tell("stream", text, "ok", detail)
        else:
            todo = "The original's tools need both images; this one reads it as it is."
            self._tell("stream", text, "warning", detail, todo)

    async def _expiry(self, client: Any) -> None:
        answer = await client.describe_time_to_live(TableName=self._place.table)
        described = answer["TimeToLiveDescription"]
        status = described.get("TimeToLiveStatus", "DISABLED")
        text = f"expiry of {self._table_text}"
        attribute = described.get("AttributeName")
        if status in ("ENABLED", "ENABLING") and attribute == ITEM_EXPIRES:
            self._tell("expiry", text, "ok", f"items leave by {ITEM_EXPIRES}")
        elif status in ("ENABLED", "ENABLING"):
            todo = f"Set the table's time to live to {ITEM_EXPIRES} in the console."
            self._tell("expiry", text, "warning", f"items leave by {attribute}", todo)
        else:
            self._tell("expiry", text, "warning", "off: records are kept, and paid, for ever",
                       _SET_UP)  # fmt: skip

    async def _functions(self) -> None:
        client = await self._client("lambda")
        present = layer_version_description()
        versions = {
            version["LayerVersionArn"]: version.get("Description", "")
            for version in await layer_versions(client)
        }
        current = next((arn for arn, text in versions.items() if text == present), None)
        recorded: list[dict[str, Any]] = []
        count, collector = 0, CollectorNames.of(self._place.table).function
        async for page in client.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                count += function["FunctionName"] != collector
                if recorder_layer(function) or starts_recorder(function):
                    recorded.append(function)
        if not versions:
            self._tell("layer", f"layer {LAYER_NAME}", "skipped", "is not published here yet",
                       "Deploying or instrumenting publishes it.")  # fmt: skip
        elif current is None:
            self._tell("layer", f"layer {LAYER_NAME}", "warning", "holds an older recorder",
                       "Deploy or instrument again; that publishes the present one.")  # fmt: skip
        else:
            number = current.rpartition(":")[2]
            self._tell("layer", f"layer {LAYER_NAME}", "ok", f"version {number} is the present one")
        if not recorded:
            self._tell(
                "functions", "recorded functions", "warning",
                f"none of {count} is recorded" if count else "there is no function here",
                "Run `gammaray-tui instrument FUNCTION`, or `gammaray-tui deploy imageproc`.",
            )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            for function in recorded:
                group.create_task(
                    self._looking(
                        f"function/{function['FunctionName']}",
                        f"function {function['FunctionName']}",
                        self._function(client, function, versions),
                    )
                )

    async def _function(
        self, client: Any, function: dict[str, Any], versions: dict[str, str]
    ) -> None:
        name = function["FunctionName"]
        variables = function.get("Environment", {}).get("Variables", {})
        layer = recorder_layer(function)
        tags: dict[str, str] = {}
        if not layer or not starts_recorder(function):
            tags = (await client.get_function(FunctionName=name)).get("Tags", {})
        recording = recording_of(function, tags)
        failed = recording.state == "failed"
        good, bad, todo = [], [], []
        if recording.state == "ok":
            good.append(recording.detail)
        else:
            bad.append(recording.detail)
            todo.append(recording.todo)
        if recording.state == "ok" and layer and versions.get(layer) != layer_version_description():
            bad.append("an older recorder")
            todo.append(f"Deploy it again, or run `gammaray-tui instrument {name}`.")
        table = variables.get("GAMMARAY_TABLE", self._place.table)
        if table != self._place.table:
            bad.append(f"records to table {table}")
            todo.append(f"Watch that one with --table {table}.")
        if function.get("TracingConfig", {}).get("Mode") != "Active":
            bad.append("not traced by X-Ray")
            todo.append("Turn active tracing on to see what AWS itself did.")
        if function.get("State", "Active") not in ("Active", "Inactive"):
            bad.append(f"state {function['State']}: {function.get('StateReason', '')}".strip(": "))
        async with self._limit:
            triggers, stuck = await self._triggers(client, name)
            may_write = await self._may_record(str(function["Role"]))
        if triggers:
            good.append(f"{triggers} trigger{'' if triggers == 1 else 's'} enabled")
        if stuck:
            bad += stuck
            todo.append(f"Deploy it again, or enable the triggers of {name} in the console.")
        if may_write is False:
            failed = True
            bad.append(f"its role may not write to {table}")
            todo.append(f"Run `gammaray-tui instrument {name} --grant`, or change the role.")
        elif may_write:
            good.append("its role may record")
        state: CheckState = "failed" if failed else "warning" if bad else "ok"
        id = f"function/{name}"
        self._tell(id, f"function {name}", state, ", ".join(bad or good), " ".join(todo))

    async def _triggers(self, client: Any, name: str) -> tuple[int, list[str]]:
        enabled, stuck = 0, []
        pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName=name)
        async for page in pages:
            for mapping in page["EventSourceMappings"]:
                source = mapping.get("EventSourceArn", "").split(":", 5)[-1].partition("/stream/")
                result = mapping.get("LastProcessingResult", "")
                if mapping["State"] != "Enabled":
                    reason = mapping.get("StateTransitionReason", "")
                    stuck.append(f"trigger {source[0]} is {mapping['State'].lower()} {reason}")
                elif result.startswith("PROBLEM"):
                    stuck.append(f"trigger {source[0]}: {result}")
                else:
                    enabled += 1
        return enabled, [text.strip() for text in stuck]

    async def _may_record(self, role: str) -> bool | None:
        """Ask, once a role, whether it may write records; None when IAM does not say."""
        if role not in self._roles:
            self._roles[role] = asyncio.ensure_future(may_record(self._place, role, self._region))
        return await asyncio.shield(self._roles[role])

    async def _traces(self) -> None:
        client = await self._client("xray")
        now = datetime.now(UTC)
        await client.get_trace_summaries(StartTime=now - timedelta(minutes=1), EndTime=now)
        self._tell("traces", "X-Ray", "ok", "traces can be read")

    async def _logs(self) -> None:
        client = await self._client("logs")
        await client.describe_log_groups(limit=1)
        self._tell("logs", "logs", "ok", "log groups can be listed")


def _place_in_list(check: Check) -> tuple[int, str]:
    sort = check.id.split("/")[1]
    return (_SORTS.index(sort), check.id)


async def may_record(place: Place, role: str, region: str) -> bool | None:
    """Ask IAM whether a role may write to the record table; None when it does not say."""
    endpoint = place.clients.session.endpoint_url
    if endpoint is not None and is_local(endpoint):
        return None  # a local AWS refuses nothing, whatever its simulation says
    iam = await place.clients.of("iam", region)
    owner = Owner(place.partition, place.account, place.table)
    actions = recorder_policy(owner)["Statement"][0]["Action"]
    table = f"arn:{place.partition}:dynamodb:{region}:{place.account}:table/{place.table}"
    try:
        answer = await iam.simulate_principal_policy(
            PolicySourceArn=role, ActionNames=actions, ResourceArns=[table]
        )
    except AWS_ERRORS:
        return None
    return all(item["EvalDecision"] == "allowed" for item in answer["EvaluationResults"])
