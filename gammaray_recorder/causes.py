"""Reads from an event what caused it.

Which ids prove what is told in docs/records.md. Events are the outside world's: any part of
one may be missing or of another type, and what cannot be read has an unknown cause.
"""

from __future__ import annotations

import json

from gammaray_recorder import wire
from gammaray_recorder.cause import UNKNOWN, cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from gammaray_recorder.cause import Cause
    from gammaray_recorder.invocation import Invocation

# How the original recorder names the function that called Invoke, and its request id.
_ORIGINAL = "lib:invokeCLI:"

# A larger event is not hashed: that would take longer than all else together.
HASHED_CHARS = 1_000_000


def read(event: Any, invocation: Invocation) -> List[Cause]:
    """Give the causes of an event, in the order of its records; never raises."""
    try:
        return _known(event, invocation.account) or [_direct(event, invocation)]
    except Exception:
        return [{wire.SERVICE: UNKNOWN}]


def _known(event: Any, account: str) -> List[Cause]:
    # EventBridge Pipes delivers the records themselves, without an event around them.
    records = event.get("Records") if isinstance(event, dict) else event
    if isinstance(records, list):
        # Either of these is imported when its kind of event comes: most functions get but one.
        from gammaray_recorder import cause_records

        causes = cause_records.read(records, account)
        if causes:
            return causes
    if not isinstance(event, dict) or not event:
        return []
    from gammaray_recorder import cause_shapes

    return cause_shapes.read(event)


def _direct(event: Any, invocation: Invocation) -> Cause:
    """Take an event of no known kind for the payload of an Invoke.

    State machines and schedules invoke as anybody does; they are known by their ARN, if at all.
    """
    service: str = "lambda"
    ids: Dict[str, Any] = {}
    if isinstance(event, dict) and event:
        from gammaray_recorder import cause_shapes

        service, ids = cause_shapes.invoker(event)
    ids[wire.ID_LAMBDA_REQUEST] = invocation.request_id
    found = cause(service, invocation.function, digest=_hash(event), ids=ids)
    source = event.get("eventSource") if isinstance(event, dict) else None
    if isinstance(source, str) and source.startswith(_ORIGINAL):
        found[wire.CALLER] = source.rpartition(":")[2]
    return found


def _hash(event: Any) -> Optional[str]:
    if _size_left(event, HASHED_CHARS) <= 0:
        return None
    # An event that is text was quoted in the payload, which payload_hash() cannot know.
    return wire.payload_hash(json.dumps(event) if isinstance(event, str) else event)


def _size_left(value: Any, left: int) -> int:
    """Subtract from `left` about as many characters as the value has in JSON, and then stop."""
    if isinstance(value, str):
        return left - len(value)
    left -= 8
    if isinstance(value, dict):
        for name, entry in value.items():
            if left <= 0:
                break
            left = _size_left(entry, left - len(name))
    elif isinstance(value, list):
        for entry in value:
            if left <= 0:
                break
            left = _size_left(entry, left)
    return left
