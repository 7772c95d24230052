"""The two halves of an edge as rows: what a call put out, and what caused an invocation.

Their match keys are written with them (causality.matching.match_keys), so that any engine finds
edges by joining on equal keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Self, TypeAlias

import msgspec

from causality.facts import Cause
from causality.graph import CauseNode, Invocation, OutputNode
from causality.matching.match_keys import (
    CONTENT,
    ExactKey,
    Source,
    exact_cause_keys,
    exact_output_keys,
    group_cause_keys,
    group_output_keys,
    is_delete,
    key_names_of,
    source_of,
)
from causality.silence import SERVICES, place_of_cause, place_of_output

Row: TypeAlias = tuple[Any, ...]
# 72 bits: of 1,000,000,000 rows two get the same id with a chance of 1 in 10,000. As twelve
# letters DuckDB keeps them in place, without a pointer to them.
ID_BYTES: Final = 9
_encode = msgspec.json.Encoder().encode
_hash = blake2b(digest_size=ID_BYTES)


class Nested(NamedTuple):
    """What the maps and lists of rows hold, all in a row; each row says how many of it are its own.

    So nothing of a record is held but its texts.
    """

    ids: list[str]
    ids_values: list[str]
    attribute_hashes: list[str]
    attribute_hashes_values: list[str]
    match_ids: list[str]
    match_order: list[str]

    @classmethod
    def new(cls) -> Self:
        """Give one that holds nothing."""
        return cls([], [], [], [], [], [])

    def add_ids(self, ids: Mapping[str, str], keys: Iterable[ExactKey]) -> None:
        """Add the ids of one half, and the match keys that are made of them."""
        if ids:
            self.ids.extend(ids)
            self.ids_values.extend(ids.values())
        for key in keys:
            self.match_ids.append(key_text(key))


def key_text(key: tuple[str, ...]) -> str:
    """Write a match key as text, so that only equal keys have equal ones."""
    if key[0] == "key":
        kind, region, table, hashes, change = key
        # What is learned last stands at the end.
        return f"{_joined((kind, change, region, table))} {hashes}"
    return _joined(key)


def _joined(parts: tuple[str, ...]) -> str:
    text = " ".join(parts)
    if text.count(" ") == len(parts) - 1:
        return text
    return _encode(parts).decode()  # no kind of key begins as JSON does


def output_row(half: OutputNode, nested: Nested) -> Row:
    """Give the row of an output."""
    output, node, number = half.fact, half.call, half.number
    call, invocation = node.fact, node.invocation
    service, key = call.service, output.key
    table = change = names = None
    if service == "dynamodb" and output.resource:
        if key is not None:
            names = key_names_of(key) or None
        elif output.attribute_hashes:
            change = "delete" if is_delete(half) else "put"
        if names or change:
            table = (call.region or invocation.region or "", output.resource)
    content, ordered = None, 0
    if key is not None or output.item_hash or output.subject is not None:  # else there are none
        for level, group in group_output_keys(half, ()):
            if level == CONTENT:
                content = key_text(group)
            else:
                nested.match_order.append(key_text(group))
                ordered += 1
    hashes, ids, exact = output.attribute_hashes, output.ids, exact_output_keys(half)
    if hashes:
        nested.attribute_hashes.extend(hashes)
        nested.attribute_hashes_values.extend(hashes.values())
    nested.add_ids(ids, exact)
    return (
        id_of(f"{invocation.request_id}\n{call.id}\n{number}\n", _encode(output)),
        output.resource,
        key,
        output.item_hash,
        len(hashes),
        len(ids),
        output.subject,
        "\n".join(place_of_output(node, half)) if service in SERVICES else None,
        len(exact),
        content,
        ordered,
        _of_outputs(number, output.operation, output.doubtful, table, change, names),
    )


@lru_cache(maxsize=4096)
def _of_outputs(
    number: int,
    operation: str | None,
    doubtful: bool,
    table: tuple[str, str] | None,
    change: str | None,
    names: tuple[str, ...] | None,
) -> Row:
    stem = None
    if table is not None and change is not None:
        # What DynamoDB's causes tell of the table's key completes it.
        stem = key_text(("key", *table, "", change))
    place = _joined(table) if table is not None else None
    return (number, operation, doubtful, stem, place, names)


def cause_row(
    cause: Cause, number: int, invocation: Invocation, generation: int, nested: Nested
) -> Row:
    """Give the row of a cause, without what it has of its record."""
    half = CauseNode(invocation, cause, number)
    key, resource = cause.key, cause.resource
    content = order = source = table = names = None
    if key is not None or cause.item_hash or cause.subject is not None:  # else there are none
        for level, group in group_cause_keys(half):
            if source is None:
                source = _source_text(source_of(group))
            if level == CONTENT:
                content = key_text(group)
            else:
                order = key_text(group)
        if key is not None and resource and cause.service == "dynamodb":
            names = key_names_of(key) or None
            if names is not None:
                table = (invocation.region or cause.region or "", resource)
    place = place_of_cause(cause, invocation)
    ids, exact = cause.ids, exact_cause_keys(half)
    nested.add_ids(ids, exact)
    return (
        id_of(f"{invocation.request_id}\n{number}\n", _encode(cause)),
        resource,
        key,
        cause.item_hash,
        cause.at_s,
        len(ids),
        cause.caller,
        cause.subject,
        "\n".join(place) if place is not None else None,
        len(exact),
        content,
        order,
        source,
        _of_causes(
            generation,
            number,
            invocation,
            cause.service,
            cause.region,
            cause.name,
            cause.caller_function,
            table,
            names,
        ),
    )


@lru_cache(maxsize=4096)
def _of_causes(
    generation: int,
    number: int,
    invocation: Invocation,
    service: str,
    region: str | None,
    name: str | None,
    caller_function: str | None,
    table: tuple[str, str] | None,
    names: tuple[str, ...] | None,
) -> Row:
    place = _joined(table) if table is not None else None
    function = (invocation.arn, invocation.function, invocation.region)
    return (generation, number, *function, service, region, name, caller_function, place, names)


@lru_cache(maxsize=1024)
def _source_text(source: Source) -> str:
    return _joined(source)


def id_of(text: str, more: bytes = b"") -> bytes:
    """Give the id of what a text and bytes say."""
    found = _hash.copy()
    found.update(text.encode("utf-8", "replace") + more)
    return found.digest()
