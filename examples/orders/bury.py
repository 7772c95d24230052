"""CallOperator: looks after the dead letters: orders whose stock could not be reserved."""

from __future__ import annotations

import json
from typing import Any


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        order = json.loads(record["body"])["detail"]
        print(f"order {order['order']} needs a person")
