"""TellCustomer: tells the customer that a parcel is on its way; a step of the fulfilment."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    parcel = event["bill"]["parcel"]
    print(f"{parcel} is on its way")
    return {"told": parcel}
