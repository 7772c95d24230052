"""How a cause is written, and the careful reading of values that may be of any type."""

from __future__ import annotations

from gammaray_recorder import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Optional

    Cause = Dict[str, Any]

UNKNOWN = "unknown"


def cause(
    service: str,
    resource: Any = None,
    *,
    key: Any = None,
    digest: Any = None,
    name: Any = None,
    region: Any = None,
    ids: Optional[Mapping[str, Any]] = None,
) -> Cause:
    """Make a cause of what was found; what is missing or not text is left out."""
    made: Cause = {wire.SERVICE: service}
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


def present(ids: Mapping[str, Any]) -> Dict[str, str]:
    """Keep the ids that are there."""
    return {kind: value for kind, value in ids.items() if isinstance(value, str) and value}


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
