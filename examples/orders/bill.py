"""BillOrder: writes the bill, and has the order fulfilled."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

machines = boto3.client("stepfunctions")


def handler(event: dict[str, Any], context: Any) -> None:
    order = event["detail"]
    bill = {**order, "total": order["pieces"] * 12}
    machines.start_execution(stateMachineArn=os.environ["MACHINE"], input=json.dumps(bill))
    print(f"order {order['order']}: {bill['total']} to pay")
