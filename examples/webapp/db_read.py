"""VisitsPy: says what has changed in the table of visits."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        keys = record["dynamodb"]["Keys"]
        print(f"{record['eventName']}: {keys['visitor']['S']} on {keys['page']['S']}")
