"""A fan-out application's stream records, of both generations, for measuring the engine.

A tree has eight invocations: a root that publishes to three consumers, uploads, writes an item
and invokes, and a consumer that publishes on. Ids, keys and contents are each tree's own.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

from gammaray_recorder import wire

ACCOUNT = "123456789012"
REGION = "us-west-2"
INVOCATIONS_A_TREE = 8
START_S = 1_795_000_000.0
# Every id of a page that shall be copied begins so.
_STAMP = "f0f0f0f0"


def trees(
    count: int, *, generation: int | None = None, seed: int = 1, every_s: float = 0.02
) -> Iterator[dict[str, Any]]:
    """Give the records of some trees, in the order in which they are written.

    Args:
        count: how many trees, of INVOCATIONS_A_TREE invocations each.
        generation: which recorder writes; None for both by turns.
        seed: of the ids and keys.
        every_s: time between two of them.
    """
    source = random.Random(seed)
    for number in range(count):
        ours = number % 2 if generation is None else generation == 2
        recorder = (_Ours if ours else _Originals)(source, START_S + number * every_s)
        yield from recorder.tree()


def pairs(invocations: int, *, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Give the records of invocations that make one call each, every other one caused by it."""
    source = random.Random(seed)
    for _ in range(invocations // 2):
        recorder = _Ours(source, START_S, _STAMP)
        message = recorder.uuid()
        yield from recorder.invocation("First", _http(), [recorder.publish(message)])
        cause = {"s": "sns", "res": _arn("sns", "orders"), "ids": {"sns_message": message}}
        yield from recorder.invocation("Second", cause, [recorder.publish(recorder.uuid())])


def pages(found: Iterator[dict[str, Any]], size: int = 1000) -> Iterator[bytes]:
    """Give the bodies of GetRecords responses."""
    while page := list(islice(found, size)):
        yield json.dumps({"Records": page, "NextShardIterator": "AAAA" * 60}).encode()


def many_pairs(records: int) -> Iterator[bytes]:
    """Give pages with so many records of `pairs`, at next to no cost: copies with other ids."""
    (page,) = pages(pairs(500))
    stamp, began = _STAMP.encode(), b"%d" % START_S
    for number in range(records // 1000):
        copy = page.replace(stamp, b"%08x" % number)
        yield copy.replace(began, b"%d" % (START_S + number))


class _Recorder:
    """Writes the records of one tree."""

    def __init__(self, source: random.Random, at_s: float, stamp: str = "") -> None:
        self._random = source
        self._stamp = stamp
        self.now_s = at_s

    def uuid(self) -> str:
        text = (self._stamp + f"{self._random.getrandbits(128):032x}")[:32]
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def hex(self, digits: int) -> str:
        return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def later(self, by_s: float = 0.001) -> float:
        self.now_s += by_s
        return self.now_s

    def record(self, item: dict[str, Any], region: str = REGION) -> dict[str, Any]:
        return {
            "eventID": self.hex(32),
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": region,
            "dynamodb": {
                "ApproximateCreationDateTime": int(self.now_s),
                "Keys": {"reqID": item["reqID"]},
                "NewImage": item,
                "SequenceNumber": f"{self._random.getrandbits(80):025d}",
                "SizeBytes": 900,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }


class _Ours(_Recorder):
    """Generation 2."""

    def tree(self) -> Iterator[dict[str, Any]]:
        messages = [self.uuid() for _ in range(2)]
        upload, order, callee = self.hex(16), self.hex(12), self.uuid()
        item: dict[str, dict[str, str]] = {
            "id": {"S": order},
            "total": {"N": "12.50"},
            "state": {"S": "new"},
        }
        yield from self.invocation(
            "Api",
            _http(),
            [
                self.call("dynamodb", "GetItem", "orders", key=f'[["id","S","{order}"]]'),
                self.publish(messages[0]),
                self.call("s3", "PutObject", "uploads", self._object(upload)),
                self.call("dynamodb", "PutItem", "orders", _item("orders", item)),
                self.call(
                    "lambda",
                    "Invoke",
                    "Charge",
                    {"res": "Charge", "ids": {"lambda_request": callee}},
                ),
            ],
        )
        for function in ("Mail", "Stock", "Audit"):
            cause = {
                "s": "sns",
                "res": _arn("sns", "orders"),
                "ids": {"sns_message": messages[0]},
            }
            calls = [self.publish(messages[1])] if function == "Stock" else []
            yield from self.invocation(function, cause, calls)
        cause = {"s": "sns", "res": _arn("sns", "orders"), "ids": {"sns_message": messages[1]}}
        yield from self.invocation("Ship", cause, [])
        made = self._object(upload)
        cause = {
            "s": "s3",
            "name": "ObjectCreated:Put",
            **made,
            "ids": {**made["ids"], "s3_seq": self.hex(18)},
        }
        yield from self.invocation("Resize", cause, [])
        change: dict[str, Any] = {
            "s": "dynamodb",
            "res": "orders",
            "key": wire.canonical_key({"id": item["id"]}),
            "hash": wire.item_hash(item),
            "name": "INSERT",
            "t": int(self.now_s),
            "ids": {"ddb_event": self.hex(32), "ddb_seq": str(self._random.getrandbits(80))},
        }
        yield from self.invocation("Index", change, [])
        cause = {"s": "lambda", "res": "Charge", "ids": {"lambda_request": callee}}
        yield from self.invocation("Charge", cause, [], request_id=callee)

    def invocation(
        self,
        function: str,
        cause: dict[str, Any],
        calls: list[dict[str, Any]],
        request_id: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        request_id, nonce = request_id or self.uuid(), self.hex(8)
        start = {
            "k": "s",
            "t": self.later(),
            "arn": _arn("lambda", f"function:{function}"),
            "ver": "$LATEST",
            "mem": 128,
            "cold": False,
            "trace": f"1-{self.hex(8)}-{self.hex(24)}",
            "src": [cause],
        }
        yield self._item(request_id, nonce, 0, [start])
        for call in calls:
            call["t"] = self.later()
        end = {"k": "e", "t": self.later(), "st": "ok", "own": 412}
        yield self._item(request_id, nonce, 1, [*calls, end])

    def publish(self, message: str) -> dict[str, Any]:
        topic = _arn("sns", "orders")
        return self.call("sns", "Publish", topic, {"res": topic, "ids": {"sns_message": message}})

    def call(
        self, service: str, operation: str, resource: str, *outputs: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        call = {"k": "c", "i": self.hex(16), "t": 0.0, "s": service, "o": operation, "g": REGION}
        call |= {"d": 0.012345, "res": resource, **more}
        if outputs:
            call["out"] = list(outputs)
        return call

    def _object(self, name: str) -> dict[str, Any]:
        ids = {"s3_request": name.upper(), "s3_etag": name * 2}
        return {"res": "uploads", "key": f"in/{name}.jpg", "ids": ids}

    def _item(
        self, request_id: str, nonce: str, number: int, events: list[dict[str, Any]]
    ) -> dict[str, Any]:
        item = wire.encode_item(request_id, nonce, number, events, self.now_s, 604800, REGION)
        return self.record(item)


class _Originals(_Recorder):
    """Generation 1."""

    def tree(self) -> Iterator[dict[str, Any]]:
        order, upload = self.hex(12), self.hex(16)
        topic, stream = _arn("sns", "orders"), _arn("dynamodb", "table/orders/stream/2017")
        root = self.uuid()
        fan = f"order {order}"
        yield from self.invocation(
            root,
            "Api",
            ":es:ext:invokeCLI",
            [
                f"Publish:{REGION}:TopicArn:{topic}:Message:new:Subject:{fan}",
                f"PutObject:{REGION}:Bucket:uploads:Key:in/{upload}.jpg",
                f"PutItem:{REGION}:TableName:orders:Item:{{'id': '{order}', 'total': '12'}}",
                f"Invoke:{REGION}:FunctionName:Charge:InvocationType:Event",
            ],
        )
        for function in ("Mail", "Stock", "Audit"):
            calls = []
            if function == "Stock":
                calls = [f"Publish:{REGION}:TopicArn:{topic}:Message:sent:Subject:sent {order}"]
            yield from self.invocation(
                self.uuid(), function, f":es:sns:sub:{fan}:op:{topic}", calls
            )
        text = f":es:sns:sub:sent {order}:op:{topic}"
        yield from self.invocation(self.uuid(), "Ship", text, [])
        text = f":es:s3:bkt:uploads:key:in/{upload}.jpg:op:ObjectCreated:Put"
        yield from self.invocation(self.uuid(), "Resize", text, [])
        text = f":esARN:{stream}:es:ddb:keys:id:{{'S': '{order}'}}:op:INSERT"
        yield from self.invocation(self.uuid(), "Index", text, [])
        yield from self.invocation(self.uuid(), "Charge", f":es:lib:invokeCLI:Api:{root}", [])

    def invocation(
        self, request_id: str, function: str, trigger: str, calls: list[str]
    ) -> Iterator[dict[str, Any]]:
        entry = f"{request_id}:entry{self.hex(8)}"
        self.later()
        yield self._item(entry, f"pl:{_arn('lambda', f'function:{function}')}{trigger}")
        trace, segment = f"1-{self.hex(8)}-{self.hex(24)}", self.hex(16)
        for call in calls:
            payload = {
                "type": "subsegment",
                "id": self.hex(16),
                "trace_id": trace,
                "parent_id": segment,
                "start_time": self.later(),
                "gr_payload": f"pl:{call}",
            }
            yield self._item(f"{request_id}:{self.hex(8)}", json.dumps(payload))
        self.later()
        yield self._item(f"{entry}:exit{self.hex(8)}", "end")

    def _item(self, key: str, payload: str) -> dict[str, Any]:
        ts = str(int(self.now_s * 1000))
        return self.record({"reqID": {"S": key}, "payload": {"S": payload}, "ts": {"N": ts}})


def _arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


def _http() -> dict[str, Any]:
    return {"s": "http", "res": "POST api.example.com/orders"}


def _item(table: str, item: dict[str, Any]) -> dict[str, Any]:
    hashes = {name: wire.attribute_hash(name, typed) for name, typed in item.items()}
    return {"res": table, "hash": wire.item_hash(item), "ah": hashes}
