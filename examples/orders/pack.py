"""PackOrder: packs an order; a step of its fulfilment."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    bill = event["bill"]
    print(f"order {bill['order']} packed")
    return {**bill, "parcel": f"parcel-{bill['order']}"}
