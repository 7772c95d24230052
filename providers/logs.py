"""Logs of invocations: the lines between START and END of one request, and what REPORT says."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

from providers.aws_errors import error_code, user_error
from providers.clients import Clients
from providers.deploy_functions import LOG_GROUP_PREFIX
from providers.operations import LogLine, LogReport, LogsOf
from providers.place import AWS_ERRORS
from providers.session import AwsSession
from providers.together import together

_MISSING: Final = "ResourceNotFoundException"
# FilterLogEvents is allowed five times a second in a region (CloudWatch Logs quotas).
_AT_ONCE: Final = 4
# Lines come with the function's clock, and END a little after the function's own end.
_BEFORE_S, _AFTER_S = 30.0, 60.0
_FIELD: Final = re.compile(r"(Billed Duration|Duration|Memory Size|Max Memory Used|Init Duration)"
                           r": ([\d.]+) (ms|MB)")  # fmt: skip
_TAIL_EVERY_S: Final = 2.0
# Which lines are reports: of a log as text, and as JSON.
_REPORT_PATTERNS: Final = ('"REPORT RequestId:"', '{ $.type = "platform.report" }')
_MOST_REPORTS: Final = 1000


async def logs_of(session: AwsSession, wanted: Sequence[LogsOf]) -> list[LogLine]:
    """Give the lines of invocations, in the order in which these were given.

    An invocation whose log group is gone, or whose lines have not arrived yet, has none.

    Raises:
        UserError: AWS refuses; the message names the permission that is missing.
    """
    limit = asyncio.Semaphore(_AT_ONCE)
    async with Clients(session) as clients:

        async def lines(one: LogsOf) -> list[LogLine]:
            async with limit:
                try:
                    return await _lines(await clients.of("logs", one.region), one)
                except AWS_ERRORS as error:
                    raise user_error(
                        error,
                        profile=session.profile,
                        region=one.region,
                        resource=f"logs of {one.function}",
                    ) from error

        found = await together(lines(one) for one in wanted)
    return [line for lines_of_one in found for line in lines_of_one]


async def tail(
    session: AwsSession, functions: Sequence[tuple[str, str]], since_s: float, *, follow: bool
) -> AsyncGenerator[LogLine, None]:
    """Give the lines of functions, (name, region) each, as they come; without `follow`, once.

    Args:
        session: whose account.
        functions: whose logs.
        since_s: epoch second to begin at.
        follow: go on for ever.

    Raises:
        UserError: AWS refuses.
    """
    seen: set[str] = set()
    async with Clients(session) as clients:
        while True:
            began_s = time.time()
            try:
                pages = await together(
                    _filtered(clients, name, region, since_s) for name, region in functions
                )
            except AWS_ERRORS as error:
                raise user_error(error, profile=session.profile, region=None) from error
            new = [item for page in pages for item in page if item[0] not in seen]
            seen.update(id for id, _line in new)
            for _id, line in sorted(new, key=lambda item: item[1].at_s):
                yield line
            if not follow:
                return
            # Lines arrive late and out of order: each look goes back over the last minute.
            since_s = max(since_s, began_s - _AFTER_S)
            await asyncio.sleep(_TAIL_EVERY_S)


async def regions_of(session: AwsSession, function: str) -> list[str]:
    """Give the regions of the session in which a function has logs.

    Raises:
        UserError: AWS refuses.
    """
    name = LOG_GROUP_PREFIX + function
    async with Clients(session) as clients:

        async def has(region: str) -> bool:
            client = await clients.of("logs", region)
            described = await client.describe_log_groups(logGroupNamePrefix=name)
            return any(group["logGroupName"] == name for group in described["logGroups"])

        try:
            there = await together(has(region) for region in session.regions)
        except AWS_ERRORS as error:
            raise user_error(error, profile=session.profile, region=None) from error
    return [region for region, has_it in zip(session.regions, there, strict=True) if has_it]


async def reports_of(session: AwsSession, wanted: Sequence[LogsOf]) -> list[LogReport]:
    """Give what the REPORT lines say of invocations, as far as they have come.

    One search a function, however many of its invocations are wanted; a second one where its log
    is written as JSON.

    Raises:
        UserError: AWS refuses; the message names the permission that is missing.
    """
    groups: dict[tuple[str, str], list[LogsOf]] = {}
    for one in wanted:
        groups.setdefault((one.region, one.function), []).append(one)
    limit = asyncio.Semaphore(_AT_ONCE)
    async with Clients(session) as clients:

        async def reports(region: str, function: str) -> list[LogReport]:
            asked = groups[region, function]
            ids = {one.request_id for one in asked}
            async with limit:
                for pattern in _REPORT_PATTERNS:
                    events = await _events(
                        await clients.of("logs", region),
                        logGroupName=LOG_GROUP_PREFIX + function,
                        filterPattern=pattern,
                        PaginationConfig={"MaxItems": _MOST_REPORTS},
                        **_window(asked),
                    )
                    parsed = (parse_report(event["message"]) for event in events)
                    mine = [one for one in parsed if one is not None and one.request_id in ids]
                    if mine:
                        return mine
            return []

        try:
            found = await together(reports(*group) for group in groups)
        except AWS_ERRORS as error:
            raise user_error(
                error, profile=session.profile, region=None, resource="logs"
            ) from error
    return [report for reports_of_one in found for report in reports_of_one]


def parse_report(text: str) -> LogReport | None:
    """Read what Lambda reports of an invocation; None when the line is no report.

    Source: AWS Lambda Developer Guide, "Understanding the log format".
    """
    if text.startswith("REPORT RequestId: "):
        request_id = text.removeprefix("REPORT RequestId: ").split(None, 1)[0]
        fields = {name: float(value) for name, value, _unit in _FIELD.findall(text)}
        return _report(
            request_id,
            fields.get("Duration"),
            fields.get("Billed Duration"),
            fields.get("Init Duration"),
            fields.get("Memory Size"),
            fields.get("Max Memory Used"),
        )
    if '"platform.report"' not in text:
        return None
    try:
        record = json.loads(text)["record"]
        metrics = record["metrics"]
        return _report(
            str(record["requestId"]),
            metrics.get("durationMs"),
            metrics.get("billedDurationMs"),
            metrics.get("initDurationMs"),
            metrics.get("memorySizeMB"),
            metrics.get("maxMemoryUsedMB"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # a line of the function's own that looks like one


def _report(
    request_id: str,
    duration_ms: float | None,
    billed_ms: float | None,
    init_ms: float | None,
    memory_mb: float | None,
    used_mb: float | None,
) -> LogReport:
    def seconds(value: float | None) -> float | None:
        return value / 1000 if value is not None else None

    return LogReport(
        request_id,
        duration_s=seconds(duration_ms),
        billed_s=seconds(billed_ms),
        init_s=seconds(init_ms),
        memory_mb=int(memory_mb) if memory_mb is not None else None,
        # Nothing runs in 0 MB: a local AWS writes that because it does not measure.
        used_mb=int(used_mb) if used_mb else None,
    )


async def _lines(client: Any, wanted: LogsOf) -> list[LogLine]:
    """Find the stream that an invocation wrote to, and cut its lines out of it."""
    group = LOG_GROUP_PREFIX + wanted.function
    named = await _events(
        client, logGroupName=group, filterPattern=f'"{wanted.request_id}"', **_window([wanted])
    )
    lines: list[LogLine] = []
    # Attempts of one request id may have run in several containers, each with its stream.
    for stream in dict.fromkeys(event["logStreamName"] for event in named):
        times = [event["timestamp"] for event in named if event["logStreamName"] == stream]
        events = await _events(
            client,
            logGroupName=group,
            logStreamNames=[stream],
            startTime=min(times),
            endTime=max(times) + 1,
        )
        lines += [
            LogLine(
                event["timestamp"] / 1000,
                wanted.function,
                wanted.region,
                wanted.request_id,
                event["message"].rstrip("\n"),
            )
            for event in _cut(events, wanted.request_id)
        ]
    return lines


def _window(wanted: Sequence[LogsOf]) -> dict[str, int]:
    """Give the stretch in which lines of these invocations can stand; open where unknown."""
    starts = [one.started_at_s for one in wanted if one.started_at_s is not None]
    ends = [one.ended_at_s for one in wanted if one.ended_at_s is not None]
    window: dict[str, int] = {}
    if starts and len(starts) == len(wanted):
        window["startTime"] = int((min(starts) - _BEFORE_S) * 1000)
    if window and len(ends) == len(wanted):
        window["endTime"] = int((max(ends) + _AFTER_S) * 1000)
    return window


def _cut(events: Sequence[dict[str, Any]], request_id: str) -> list[dict[str, Any]]:
    """Give a request's lines: from its first that names it to its last, and none of others."""
    places = [at for at, event in enumerate(events) if request_id in event["message"]]
    return list(events[places[0] : places[-1] + 1]) if places else []


async def _filtered(
    clients: Clients, name: str, region: str, since_s: float
) -> list[tuple[str, LogLine]]:
    client = await clients.of("logs", region)
    events = await _events(
        client, logGroupName=LOG_GROUP_PREFIX + name, startTime=int(since_s * 1000)
    )
    return [
        (
            f"{region}/{event.get('eventId') or (event['logStreamName'], event['timestamp'], at)}",
            LogLine(event["timestamp"] / 1000, name, region, "", event["message"].rstrip("\n")),
        )
        for at, event in enumerate(events)
    ]


async def _events(client: Any, **arguments: Any) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    try:
        async for page in client.get_paginator("filter_log_events").paginate(**arguments):
            events += page["events"]
    except client.exceptions.ClientError as error:
        if error_code(error) != _MISSING:
            raise
    return events
