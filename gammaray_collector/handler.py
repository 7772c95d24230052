"""The function's entry: a batch of a stream, a schedule, or the queue of batches given up."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from gammaray_collector.collecting import Collector
from gammaray_collector.dynamo import DynamoTable
from gammaray_collector.items import ENV_REGION, ENV_TABLE, TABLE
from gammaray_collector.reading import lost_of
from gammaray_collector.table import Busy
from gammaray_collector.waiting import DUE_SHARDS, DUE_TOGETHER

Answer = dict[str, list[dict[str, str]]]

# Written together. What is behind a slice stays done when a later one fails.
_SLICE: Final = 500
_LEFT_S: Final = 10.0  # what a slice may take
_QUEUE: Final = "aws:sqs"
_SWEPT: Final = 8  # items of several edges each
_log = logging.getLogger(__name__)


def handler(event: Any, context: Any) -> Answer:
    """Answer Lambda; what it names in `batchItemFailures` is handed over again.

    Args:
        event: of a stream's mapping, of the on-failure queue's, or, without records, a schedule's.
        context: Lambda's.
    """
    records = event.get("Records") if isinstance(event, dict) else None
    return answer(_collector(), records or [], lambda: left_s(context))


def left_s(context: Any) -> float:
    """Give the seconds that are left of an invocation."""
    return float(context.get_remaining_time_in_millis()) / 1000


def answer(
    collector: Collector,
    records: Sequence[Any],
    left: Callable[[], float],
    now: Callable[[], float] = time.time,
) -> Answer:
    """Take what was handed over.

    Args:
        collector: takes it.
        records: of the event; none of a schedule's.
        left: gives the seconds that are left.
        now: gives the time.
    """
    if not records:
        _sweep(collector, left, now)
        if left() > _LEFT_S:
            collector.tell_silence(now())
        return {"batchItemFailures": []}
    if isinstance(records[0], dict) and records[0].get("eventSource") == _QUEUE:
        return {"batchItemFailures": list(_lost(collector, records))}
    for first in range(0, len(records), _SLICE):
        part = records[first : first + _SLICE]
        try:
            if first and left() < _LEFT_S:
                raise Busy("no time is left")
            _take(collector, part, now)
        except Busy as busy:
            _log.warning("%d of %d records taken: %s", first, len(records), busy)
            return {"batchItemFailures": [{"itemIdentifier": _sequence(part[0])}]}
    if left() > _LEFT_S:
        _sweep_some(collector, len(records), now)
    return {"batchItemFailures": []}


def _sequence(record: Any) -> str:
    """Give a record's sequence number; "" has all of the batch handed over again."""
    try:
        return str(record["dynamodb"]["SequenceNumber"])
    except (KeyError, TypeError):
        return ""


@cache
def _collector() -> Collector:
    region = os.environ.get(ENV_REGION) or os.environ["AWS_REGION"]
    return Collector(DynamoTable(os.environ.get(ENV_TABLE, TABLE), region))


def _take(collector: Collector, records: Sequence[Any], now: Callable[[], float]) -> None:
    """Take records; one that cannot be taken for itself holds up no other. Raises Busy."""
    try:
        collector.take(records, now())
    except Busy:
        raise
    except Exception as error:
        _log.exception("%d records could not be taken together", len(records))
        if len(records) == 1:
            collector.refuse(records[0], repr(error), now())
            return
        middle = len(records) // 2
        _take(collector, records[:middle], now)
        _take(collector, records[middle:], now)


def _lost(collector: Collector, messages: Sequence[Any]) -> list[dict[str, str]]:
    failed = []
    for message in messages:
        lost = lost_of(message)
        if lost is None:
            _log.warning("a message of the queue does not tell of a batch: %.500r", message)
            continue
        try:
            collector.note_lost(lost)
        except Busy as busy:
            _log.warning("a lost batch is not noted yet: %s", busy)
            failed.append({"itemIdentifier": message["messageId"]})
    return failed


def _sweep(collector: Collector, left: Callable[[], float], now: Callable[[], float]) -> None:
    """Look again at all that waited long enough, as far as time is left."""
    shards = random.sample(range(DUE_SHARDS), DUE_SHARDS)
    while shards and left() > _LEFT_S:
        if collector.sweep(now(), shards[:1], _SWEPT) < _SWEPT:
            del shards[0]


def _sweep_some(collector: Collector, records: int, now: Callable[[], float]) -> None:
    """Do a share of the looking again: it grows with the records, as what has to be done does."""
    try:
        collector.sweep(
            now(), [random.randrange(DUE_SHARDS)], max(_SWEPT, 2 * records // DUE_TOGETHER)
        )
    except Busy as busy:
        _log.warning("not all was looked at again: %s", busy)
