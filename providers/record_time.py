"""When a stream record was written, from what the record itself says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from causality.records import StreamRecord

# DynamoDB gives whole seconds; an item's own `ts` is finer and trusted when it is this near.
_AGREEMENT_S: Final = 5.0


def created_s(record: StreamRecord) -> float | None:
    """Give ApproximateCreationDateTime as epoch seconds; the service cuts off the fraction.

    The service sends a number; command-line tools print it as an ISO 8601 time.
    """
    value = record.dynamodb.ApproximateCreationDateTime
    if value is None or isinstance(value, float):
        return value
    try:
        return float(value)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    # A time without an offset is taken as UTC, never as this machine's local time.
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return aware.timestamp()


def record_time_s(record: StreamRecord) -> float | None:
    """Give the best known time of writing as epoch seconds, None when the record has none."""
    created = created_s(record)
    written = _item_time_s(record)
    if created is None:
        return written
    if written is not None and abs(written - created) <= _AGREEMENT_S:
        return written
    return created


def _item_time_s(record: StreamRecord) -> float | None:
    image = record.dynamodb.NewImage
    if image is None:
        return None
    try:
        return int(image.ts.N) / 1000
    except ValueError:
        return None
