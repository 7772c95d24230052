"""Generation 2: our recorder's JSON payloads (docs/records.md)."""

from __future__ import annotations

import msgspec

from causality.facts import Call, Fact, Facts, UnreadablePayload
from gammaray_recorder import wire


class _Payload(
    msgspec.Struct,
    gc=False,
    rename={"request_id": wire.REQUEST_ID, "attempt": wire.ATTEMPT, "events": wire.EVENTS},
):
    request_id: str
    attempt: str
    events: list[Fact]


class _RawPayload(
    msgspec.Struct,
    gc=False,
    rename={"request_id": wire.REQUEST_ID, "attempt": wire.ATTEMPT, "events": wire.EVENTS},
):
    request_id: str
    attempt: str
    events: list[msgspec.Raw]


class _Kind(msgspec.Struct, gc=False, rename={"kind": wire.KIND}):
    kind: str = ""


_payload = msgspec.json.Decoder(_Payload)
_raw_payload = msgspec.json.Decoder(_RawPayload)
_fact: msgspec.json.Decoder[Fact] = msgspec.json.Decoder(Fact)
_kind = msgspec.json.Decoder(_Kind)
_KNOWN = (wire.KIND_START, wire.KIND_CALL, wire.KIND_END)


def decode(payload: str, written_at_s: float) -> Facts:
    """Decode the payload of one item.

    Events of kinds that a newer recorder may write are skipped and counted.

    Raises:
        UnreadablePayload: the JSON or one of the known events does not follow the format.
    """
    try:
        decoded = _payload.decode(payload)
    except msgspec.DecodeError:
        return _decode_one_by_one(payload, written_at_s)
    return Facts(
        decoded.request_id,
        decoded.attempt,
        [_read(fact) for fact in decoded.events],
        2,
        written_at_s,
    )


def _read(fact: Fact) -> Fact:
    """Name an HTTP call by its method and place, as the other generation and X-Ray do."""
    if isinstance(fact, Call) and fact.operation == "HTTP" and fact.resource is not None:
        fact.operation, _, fact.resource = fact.resource.partition(" ")
    return fact


def _decode_one_by_one(payload: str, written_at_s: float) -> Facts:
    try:
        decoded = _raw_payload.decode(payload)
        facts: list[Fact] = []
        unknown = 0
        for raw in decoded.events:
            if _kind.decode(raw).kind in _KNOWN:
                facts.append(_read(_fact.decode(raw)))
            else:
                unknown += 1
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadablePayload(str(error)) from None
    return Facts(decoded.request_id, decoded.attempt, facts, 2, written_at_s, unknown)
