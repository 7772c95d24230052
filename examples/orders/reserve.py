"""ReserveStock: takes an order's pieces from the stock, which now and then cannot be reached.

Every third order fails whenever it is tried, and ends among the dead letters; of the others,
every second fails once and succeeds when it is tried again.
"""

from __future__ import annotations

import json
from typing import Any


class StockUnreachable(Exception):
    """The stock does not answer."""


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        order = json.loads(record["body"])["detail"]
        attempt = int(record["attributes"]["ApproximateReceiveCount"])
        number = int(order["number"])
        if number % 3 == 0 or (number % 2 == 0 and attempt == 1):
            raise StockUnreachable(f"order {order['order']}, attempt {attempt}")
        print(f"order {order['order']}: {order['pieces']} pieces reserved at attempt {attempt}")
