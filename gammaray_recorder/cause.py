"""How a cause is written, and the careful reading of values that may be of any type."""

from __future__ import annotations

from gammaray_recorder import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional

    Cause = Dict[str, Any]

UNKNOWN = "unknown"
_LAST_S = 32503680000  # the year 3000: what is greater counts milliseconds


def cause(
    service: str,
    resource: Any = None,
    *,
    key: Any = None,
    digest: Any = None,
    name: Any = None,
    region: Any = None,
    at: Any = None,
    ids: Optional[Mapping[str, Any]] = None,
) -> Cause:
    """Make a cause of what was found; what is missing or not text is left out.

    `at` is when the service says that it happened, in any of the forms of `seconds`.
    """
    made: Cause = {wire.SERVICE: service}
    at_s = seconds(at)
    if at_s is not None:
        made[wire.AT] = at_s
    for field, value in (
        (wire.RESOURCE, resource),
        (wire.KEY, key),
        (wire.HASH, digest),
        (wire.NAME, name),
        (wire.REGION, region),
    ):
        if isinstance(value, str) and value:
            made[field] = value
    found = present(ids or {})
    if found:
        made[wire.IDS] = found
    return made


def bring_result(found: Cause, context: Mapping[str, Any]) -> Cause:
    """Say of which invocation a cause brings the result, by the `requestContext` in it."""
    found[wire.NAME] = "%s%s" % (wire.DESTINATION, context.get("condition"))
    request_id = context.get("requestId")
    if isinstance(request_id, str) and request_id:
        found[wire.CALLER] = request_id
    return found


def result_in(message: Mapping[str, Any]) -> Dict[str, Any]:
    """Give the `requestContext` of an invocation's result; nothing of anything else."""
    context = mapping(message.get("requestContext"))
    return context if "condition" in context and "functionArn" in context else {}


def present(ids: Mapping[str, Any]) -> Dict[str, str]:
    """Keep the ids that are there."""
    return {kind: value for kind, value in ids.items() if isinstance(value, str) and value}


def seconds(at: Any) -> Optional[float]:
    """Read a time as the services write it: epoch seconds or ms, or ISO 8601 in UTC."""
    try:
        if isinstance(at, str) and "T" in at:
            return _iso_seconds(at)
        if isinstance(at, bool) or at is None:
            return None
        number = float(at)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if number > _LAST_S:
        number /= 1000
    return round(number, 3) if 0 < number < _LAST_S else None


def _iso_seconds(text: str) -> float:
    """Give the epoch second of "2026-03-09T12:34:56.789Z", without importing a calendar."""
    date, _, clock = text.rstrip("Z").partition("+00:00")[0].partition("T")
    year, month, day = map(int, date.split("-"))
    hours, minutes, second = clock.split(":")
    # Years that begin with March put the leap day last, and months then follow one formula.
    year -= month < 3
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = 365 * year + year // 4 - year // 100 + year // 400 + in_year - 719468
    return round(days * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(second), 3)


def mapping(value: Any) -> Dict[str, Any]:
    """Give the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def trace_root(header: Any) -> Optional[str]:
    """Find the root in an X-Ray tracing header: "Root=1-...;Parent=...;Sampled=1"."""
    if not isinstance(header, str):
        return None
    for field in header.split(";"):
        name, _, value = field.strip().partition("=")
        if name.lower() == "root" and value.startswith("1-"):
            return value
    return None
