"""The collector's table in memory, with the little of DynamoDB's API that reading it takes."""

from __future__ import annotations

import base64
import json
from typing import Any

from causality.records import Image, Number, Text
from gammaray_collector.items import (
    BODY,
    EDGES,
    PK,
    SK,
    Attempt,
    Candidate,
    Edge,
    Item,
    attempts_key,
    effect_item,
    invocation_partition,
    record_item,
    text_of,
)
from gammaray_collector.rollups import (
    EdgeName,
    FunctionName,
    Name,
    ProblemName,
    Rollup,
    RollupKind,
    bucket_name,
    example_name,
    power_of,
    read_rollups,
    rollup_key,
    rollup_ranges,
)
from gammaray_recorder import wire
from tests.fakes.services import Refusal

WEST, EAST = "us-west-2", "us-east-1"
PAGE = 40  # items a page: several pages are the rule


class FakeCollected:
    """Holds items by partition.

    Attributes:
        missing: whether there is no such table.
        queries: the partitions that were asked for.
        refused: the code that every query is refused with; "" for none.
    """

    def __init__(self) -> None:
        self.missing = False
        self.refused = ""
        self.queries: list[str] = []
        self._once = False
        self._items: dict[str, dict[str, Item]] = {}

    def refuse_once(self, code: str) -> None:
        """Refuse the next query, and no other."""
        self.refused, self._once = code, True

    # --- what DynamoDB answers ----------------------------------------------------------------

    def answer(self, region: str, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        assert (region, operation, asked["TableName"]) == (WEST, "Query", "gammaRaysCollected")
        if self.missing:
            raise Refusal("ResourceNotFoundException")
        if self.refused:
            code = self.refused
            if self._once:
                self.refused = ""
            raise Refusal(code)
        values = {name: value["S"] for name, value in asked["ExpressionAttributeValues"].items()}
        self.queries.append(values[":p"])
        after = asked.get("ExclusiveStartKey", {}).get(SK, {}).get("S", "")
        partition = self._items.get(values[":p"], {})
        places = [p for p in sorted(partition) if values[":a"] <= p <= values[":z"] and p > after]
        page = places[:PAGE]
        more = {PK: {"S": values[":p"]}, SK: {"S": page[-1]}} if len(places) > PAGE else None
        found = [_typed(partition[place]) for place in page]
        if "ProjectionExpression" in asked:
            names = asked["ExpressionAttributeNames"]
            wanted = {names[name] for name in asked["ProjectionExpression"].split(", ")}
            found = [{n: v for n, v in item.items() if n in wanted} for item in found]
        answer: dict[str, Any] = {"Items": found}
        return {**answer, "LastEvaluatedKey": more} if more else answer

    def rollups(self, first: int, last: int) -> list[Rollup]:
        """Give the rollups of some minutes, as a reader has them."""
        found = []
        for partition, least, most in rollup_ranges(first, last):
            items = self._items.get(partition, {})
            found += [item for place, item in items.items() if least <= place <= most]
        return read_rollups(found)

    # --- what the collector writes ------------------------------------------------------------

    def put(self, item: Item) -> None:
        self._items.setdefault(str(item[PK]), {})[str(item[SK])] = item

    def count(
        self,
        kind: RollupKind,
        name: Name,
        minute: int,
        counts: dict[str, int],
        values_s: tuple[float, ...] = (),
        examples: dict[str, str] | None = None,
        split: int = 0,
    ) -> None:
        """Add to a rollup."""
        partition, place = rollup_key(minute, kind, name, split)
        empty: Item = {PK: partition, SK: place}
        item = self._items.setdefault(partition, {}).setdefault(place, empty)
        added = dict(counts)
        for value_s in values_s:
            added[bucket_name(value_s)] = added.get(bucket_name(value_s), 0) + 1
        for what, number in added.items():
            item[what] = int(item.get(what, 0)) + number
        for what, request_id in (examples or {}).items():
            item[example_name(what)] = request_id

    def ran(
        self,
        function: str,
        region: str,
        minute: int,
        *values_s: float,
        failed: str = "",
        **ids: str,
    ) -> None:
        """Count invocations of a function; `latest` and `slowest` name examples."""
        counts = {"started": len(values_s), "ended": len(values_s), "errors": int(bool(failed))}
        examples = {}
        if "latest" in ids:
            examples["latest"] = ids["latest"]
        if "slowest" in ids:
            examples[power_of(max(values_s))] = ids["slowest"]
        if failed:
            examples["error"] = failed
        self.count("f", FunctionName(region, function), minute, counts, values_s, examples)

    def caused(self, name: EdgeName, minute: int, grade: str, *values_s: float) -> None:
        """Count edges."""
        self.count("e", name, minute, {grade: len(values_s), "timed": len(values_s)}, values_s)

    def told(self, name: ProblemName, minute: int, count: int, latest: str) -> None:
        """Count a problem."""
        self.count("p", name, minute, {"count": count}, (), {"latest": latest})

    def invocation(
        self,
        request_id: str,
        function: str,
        at_s: float,
        *,
        calls: tuple[str, ...] = (),
        cause: str = "",
        parent: str = "",
        also: tuple[str, ...] = (),
        status: str = "ok",
        region: str = WEST,
    ) -> None:
        """Put an invocation of half a second with what is concluded of it.

        Args:
            request_id: its own.
            function: its name.
            at_s: when it began.
            calls: messages that it sent.
            cause: the message that it was given.
            parent: request id of the invocation that certainly sent it; "" for none.
            also: request ids of invocations that may have sent it instead.
            status: how it ended.
            region: where it ran.
        """
        source = {"s": "sqs", "res": f"arn:aws:sqs:{region}:1:jobs", "ids": {"sqs_message": cause}}
        events: list[dict[str, Any]] = [
            {
                "k": "s",
                "t": at_s,
                "arn": f"arn:aws:lambda:{region}:123456789012:function:{function}",
                "g": region,
                "src": [source] if cause else [],
            },
            *(
                {
                    "k": "c",
                    "i": f"{number:016x}",
                    "t": at_s + 0.1,
                    "d": 0.02,
                    "s": "sqs",
                    "o": "SendMessage",
                    "g": region,
                    "res": f"https://sqs.{region}.amazonaws.com/1/jobs",
                    "out": [{"ids": {"sqs_message": message}}],
                }
                for number, message in enumerate(calls)
            ),
            {"k": "e", "t": at_s + 0.5, "st": status},
        ]
        payload = json.dumps({"r": request_id, "a": "ab", "g": region, "e": events})
        image = Image(
            Text(f"{request_id}:ab:0"),
            Text(payload),
            Number(str(int((at_s + 0.6) * 1000))),
            Number(str(wire.VERSION)),
        )
        self.put(record_item(image, request_id, region, at_s))
        attempt = Attempt(request_id, "ab", function, region, at_s, ended_s=at_s + 0.5)
        home = {PK: invocation_partition(request_id)}
        self.put({**home, SK: attempts_key(request_id)[1], BODY: text_of({"ab": attempt})})
        if cause:
            possible = [parent] if parent else list(also)
            edge = Edge(
                request_id,
                "c1",
                "exact" if parent else "ambiguous" if also else "none",
                at_s,
                "sqs",
                parent or None,
                candidates=tuple(Candidate(one, "0" * 16) for one in possible),
            )
            self.put({**home, SK: f"{EDGES}c1", BODY: text_of(edge)})
            for one in possible:
                self.put(effect_item(one, edge))


def _typed(item: Item) -> dict[str, dict[str, str]]:
    typed = {}
    for name, value in item.items():
        if isinstance(value, bytes):
            typed[name] = {"B": base64.b64encode(value).decode()}
        else:
            typed[name] = {"N" if isinstance(value, int) else "S": str(value)}
    return typed
