"""Small runs of functions A and B, as records of our recorder."""

from __future__ import annotations

import json
from typing import Any

from causality.records import StreamRecord, decode_record
from gammaray_recorder import wire
from providers.events import RecordBatch

AT_S = 1_700_000_000.0
_ARN = "arn:aws:lambda:us-west-2:123456789012:function:"
START: dict[str, Any] = {"k": "s", "t": AT_S, "arn": _ARN + "A"}
END: dict[str, Any] = {"k": "e", "t": AT_S + 0.1, "st": "ok"}


def started_by(request_id: str, name: str, after_s: float) -> dict[str, Any]:
    """Give the start of a function that was invoked directly."""
    cause = {"s": "lambda", "res": name, "ids": {"lambda_request": request_id}}
    return {"k": "s", "t": AT_S + after_s, "arn": _ARN + name, "src": [cause]}


def invoke(request_id: str, name: str) -> dict[str, Any]:
    """Give a call that invokes a function; its answer names the request id."""
    output = {"res": name, "ids": {"lambda_request": request_id}}
    return {
        "k": "c", "i": "00000000000000c1", "t": AT_S + 0.01, "s": "lambda", "o": "Invoke",
        "res": name, "d": 0.02, "out": [output],
    }  # fmt: skip


def item(request_id: str, *events: dict[str, Any]) -> RecordBatch:
    """Give a page with one item of an invocation."""
    image = wire.encode_item(request_id, "ab", len(events), list(events), AT_S, 60, "us-west-2")
    line = {"eventID": request_id, "dynamodb": {"SequenceNumber": "1", "NewImage": image}}
    record = decode_record(json.dumps(line).encode())
    assert isinstance(record, StreamRecord)
    return RecordBatch("us-west-2", "shard", [record])
