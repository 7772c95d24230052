"""Invocations of generation 2, told one by one to an engine."""

from __future__ import annotations

from typing import Any

from causality.engine import Engine
from causality.graph import Edge
from causality.records import decode_page
from causality.snapshot import Why
from causality.why import explain
from gammaray_recorder import wire
from tests.unit.causality import world_records

T = 1_795_000_000.0


class Story:
    """Records of invocations, in the order in which they are told."""

    def __init__(self) -> None:
        self.engine = Engine()

    def invocation(
        self,
        request_id: str,
        at_s: float,
        *events: dict[str, Any],
        causes: tuple[dict[str, Any], ...] = (),
        function: str = "fn",
        account: str = "123456789012",
    ) -> None:
        arn = f"arn:aws:lambda:us-west-2:{account}:function:{function}"
        start = {"k": "s", "t": at_s, "arn": arn, "g": "us-west-2", "src": list(causes)}
        item = wire.encode_item(request_id, "n", 0, [start, *events], at_s, 3600, "us-west-2")
        page = world_records.page([{"dynamodb": {"NewImage": item}}])
        self.engine.apply_records(decode_page(page).records)
        self.engine.settle()

    def edge(self, request_id: str) -> Edge:
        (cause,) = self.engine.invocations[request_id].causes
        assert cause.edge is not None
        return cause.edge

    def why(self, request_id: str) -> Why:
        return explain(self.engine.matcher, self.edge(request_id))


def update(name: str, at_s: float, key: str = "a", **fields: Any) -> dict[str, Any]:
    output = {"res": "orders", "key": f'[["id","S","{key}"]]'}
    call = {"k": "c", "i": name, "t": at_s, "d": 0.01, "s": "dynamodb", "o": "UpdateItem"}
    return {**call, "g": "us-west-2", "res": "orders", "out": [output], **fields}


def changed(key: str = "a", **fields: Any) -> dict[str, Any]:
    return {
        "s": "dynamodb",
        "res": "orders",
        "key": f'[["id","S","{key}"]]',
        "name": "MODIFY",
        **fields,
    }


def request(name: str, at_s: float, to: str, parent: str = "t1", **fields: Any) -> dict[str, Any]:
    call = {"k": "c", "i": name, "t": at_s, "d": 0.1, "s": "http", "o": "HTTP", "res": to}
    return {**call, "out": [{"res": to, "ids": {"traceparent": parent}}], **fields}


def received(at: str, parent: str = "t1", **ids: str) -> dict[str, Any]:
    return {"s": "http", "res": at, "name": "http-api", "ids": {"traceparent": parent, **ids}}
