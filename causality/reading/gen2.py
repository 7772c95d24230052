"""Generation 2: our recorder's JSON payloads (docs/records.md)."""

from __future__ import annotations

from typing import Any

import msgspec

from causality.facts import LONGEST_S, Call, Fact, Facts, Id, UnreadablePayload
from gammaray_recorder import wire


class _Payload(
    msgspec.Struct,
    gc=False,
    rename={
        "request_id": wire.REQUEST_ID,
        "attempt": wire.ATTEMPT,
        "events": wire.EVENTS,
        "region": wire.REGION,
    },
):
    request_id: Id
    attempt: str
    events: list[Fact]
    region: str | None = None


class _RawPayload(
    msgspec.Struct,
    gc=False,
    rename={"request_id": wire.REQUEST_ID, "attempt": wire.ATTEMPT, "events": wire.EVENTS},
):
    request_id: Id
    attempt: str
    events: list[msgspec.Raw]


class _Kind(msgspec.Struct, gc=False, rename={"kind": wire.KIND}):
    kind: str = ""


_payload = msgspec.json.Decoder(_Payload)
_raw_payload = msgspec.json.Decoder(_RawPayload)
_fact: msgspec.json.Decoder[Fact] = msgspec.json.Decoder(Fact)
_members = msgspec.json.Decoder(dict[str, Any])
_kind = msgspec.json.Decoder(_Kind)
_KNOWN = (wire.KIND_START, wire.KIND_CALL, wire.KIND_END)


def decode(payload: str, written_at_s: float) -> Facts:
    """Decode the payload of one item.

    Events of kinds that a newer recorder may write are skipped and counted; a known one that
    cannot be read costs nothing but itself.

    Raises:
        UnreadablePayload: the payload does not follow the format, or none of its events does.
    """
    try:
        decoded = _payload.decode(payload)
    except msgspec.DecodeError:
        return _decode_one_by_one(payload, written_at_s)
    for fact in decoded.events:
        if type(fact) is Call and fact.operation == "HTTP":
            _name(fact)
    return Facts(
        decoded.request_id,
        decoded.attempt,
        decoded.events,
        wire.VERSION,
        written_at_s,
        region=decoded.region or None,
    )


def _name(call: Call) -> None:
    """Name an HTTP call by its method and place, like the other generation and X-Ray."""
    if call.resource is not None:
        call.operation, _, call.resource = call.resource.partition(" ")


def _decode_one_by_one(payload: str, written_at_s: float) -> Facts:
    try:
        decoded = _raw_payload.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadablePayload(str(error)) from None
    facts: list[Fact] = []
    unreadable: list[str] = []
    unknown = 0
    for raw in decoded.events:
        try:
            if _kind.decode(raw).kind not in _KNOWN:
                unknown += 1
                continue
            fact = _decode_fact(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            unreadable.append(str(error))
            continue
        if isinstance(fact, Call) and fact.operation == "HTTP":
            _name(fact)
        facts.append(fact)
    if unreadable and not facts:
        raise UnreadablePayload(unreadable[0])
    return Facts(
        decoded.request_id,
        decoded.attempt,
        facts,
        wire.VERSION,
        written_at_s,
        unknown,
        unreadable=tuple(unreadable),
    )


def _decode_fact(raw: msgspec.Raw) -> Fact:
    """Decode one event; a length of time that cannot be is left out, and the rest counts."""
    try:
        return _fact.decode(raw)
    except msgspec.ValidationError:
        members = _members.decode(raw)
        for name in (wire.DURATION_S, wire.INIT_S):
            length_s = members.get(name)
            if isinstance(length_s, float | int) and not 0.0 <= length_s < LONGEST_S:
                del members[name]
        fact: Fact = msgspec.convert(members, type=Fact)
        return fact
