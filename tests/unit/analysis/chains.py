"""Small graphs made of our recorder's records: what calls what, and when."""

from __future__ import annotations

import json
from typing import Any

from causality.engine import Engine
from causality.graph import Invocation
from causality.records import Change, Image, Number, StreamRecord, Text

Json = dict[str, Any]
EPOCH_S = 1_790_000_000.0


class World:
    """Collects records; times are seconds since the world began."""

    def __init__(self) -> None:
        self.records: list[StreamRecord] = []
        self._documents: list[str] = []

    def run(
        self,
        request_id: str,
        function: str,
        began_s: float,
        ended_s: float | None,
        *calls: Json,
        causes: tuple[Json, ...] = (),
        init_s: float | None = None,
        attempt: str = "a",
        status: str = "ok",
        account: str = "123456789012",
    ) -> None:
        """Add one attempt of an invocation; one without an end still runs."""
        start: Json = {
            "k": "s",
            "t": EPOCH_S + began_s,
            "arn": f"arn:aws:lambda:us-east-1:{account}:function:{function}",
            "g": "us-east-1",
            "src": list(causes) or [{"s": "lambda", "res": function}],
        }
        if init_s is not None:
            start |= {"cold": True, "init": init_s}
        events = [start, *calls]
        if ended_s is not None:
            events.append({"k": "e", "t": EPOCH_S + ended_s, "st": status})
        payload = {"r": request_id, "a": attempt, "e": events}
        self.records.append(
            StreamRecord(
                Change(
                    str(len(self.records)),
                    Image(
                        Text(f"{request_id}:{attempt}:0"),
                        Text(json.dumps(payload)),
                        Number(str(int((EPOCH_S + (ended_s or began_s)) * 1000))),
                        Number("2"),
                    ),
                )
            )
        )

    def lose_start(self, request_id: str) -> None:
        """Let the part of an invocation's records be lost that tells of its start."""
        for record in self.records:
            image = record.dynamodb.NewImage
            assert image is not None
            payload = json.loads(image.payload.S)
            if payload["r"] == request_id:
                payload["e"] = [event for event in payload["e"] if event["k"] != "s"]
                image.payload.S = json.dumps(payload)

    def queued(self, request_id: str, function: str, queued_s: float, dwell_s: float) -> None:
        """Add X-Ray's word on how long a request waited in Lambda's queue."""
        dwell = {
            "id": "d" * 16,
            "name": "Dwell Time",
            "start_time": EPOCH_S + queued_s,
            "end_time": EPOCH_S + queued_s + dwell_s,
        }
        document = {
            "id": "5" * 16,
            "trace_id": "1-6b02fb49-a714bdd317cd48fbb76dead8",
            "name": function,
            "origin": "AWS::Lambda",
            "start_time": EPOCH_S + queued_s,
            "end_time": EPOCH_S + queued_s + dwell_s + 1.0,
            "aws": {"request_id": request_id},
            "subsegments": [dwell],
        }
        self._documents.append(json.dumps(document))

    def engine(self, *, ended: bool = True) -> Engine:
        """Give the settled graph, of input that has ended or may go on."""
        engine = Engine()
        engine.apply_records(self.records)
        engine.apply_documents(self._documents)
        if ended:
            engine.finish()
        engine.settle()
        return engine

    def invocations(self) -> dict[str, Invocation]:
        """Give the graph's invocations by request id."""
        return self.engine().invocations


def send(call_id: str, made_s: float, took_s: float, message: str, queue: str = "jobs") -> Json:
    """Make a call that sends one message, with the id that SQS gave it."""
    return {
        "k": "c",
        "i": call_id,
        "t": EPOCH_S + made_s,
        "d": took_s,
        "s": "sqs",
        "o": "SendMessage",
        "g": "us-east-1",
        "res": queue,
        "out": [{"res": queue, "ids": {"sqs_message": message}}],
    }


def received(message: str, queue: str = "jobs") -> Json:
    """Make the cause that says that a message was received."""
    return {"s": "sqs", "res": queue, "ids": {"sqs_message": message}}


def invoke(call_id: str, made_s: float, took_s: float, function: str, request_id: str) -> Json:
    """Make a call that invokes a function and learns its request id."""
    return {
        "k": "c",
        "i": call_id,
        "t": EPOCH_S + made_s,
        "d": took_s,
        "s": "lambda",
        "o": "Invoke",
        "g": "us-east-1",
        "res": function,
        "out": [{"res": function, "ids": {"lambda_request": request_id}}],
    }


def invoked(function: str, request_id: str) -> Json:
    """Make the cause of an invocation by Invoke."""
    return {"s": "lambda", "res": function, "ids": {"lambda_request": request_id}}


def read(call_id: str, made_s: float, took_s: float) -> Json:
    """Make a call that starts nothing."""
    return {
        "k": "c",
        "i": call_id,
        "t": EPOCH_S + made_s,
        "d": took_s,
        "s": "dynamodb",
        "o": "GetItem",
        "g": "us-east-1",
        "res": "table",
    }


def update(call_id: str, made_s: float, key: str = "a", table: str = "orders") -> Json:
    """Make a call that updates an item; order alone tells what it led to."""
    return {
        "k": "c",
        "i": call_id,
        "t": EPOCH_S + made_s,
        "d": 0.01,
        "s": "dynamodb",
        "o": "UpdateItem",
        "g": "us-east-1",
        "res": table,
        "out": [{"res": table, "key": f'[["id","S","{key}"]]'}],
    }


def updated(key: str = "a", table: str = "orders") -> Json:
    """Make the cause that says that an item was updated."""
    return {"s": "dynamodb", "res": table, "key": f'[["id","S","{key}"]]', "name": "MODIFY"}
