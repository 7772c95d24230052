"""Generation 2: our recorder's JSON payloads (docs/records.md)."""

from __future__ import annotations

import msgspec

from causality.clock import LAST_TIME_S
from causality.facts import Call, Fact, Facts, Start, UnreadablePayload
from gammaray_recorder import wire

_LONGEST_S = 1e9


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
    request_id: str
    attempt: str
    events: list[Fact]
    region: str | None = None


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

    Events of kinds that a newer recorder may write are skipped and counted; a known one that
    cannot be read costs nothing but itself.

    Raises:
        UnreadablePayload: the payload does not follow the format, or none of its events does.
    """
    try:
        decoded = _payload.decode(payload)
        for fact in decoded.events:
            _tidy(fact)
    except (msgspec.DecodeError, UnreadablePayload):
        return _decode_one_by_one(payload, written_at_s)
    if not decoded.request_id:
        raise UnreadablePayload("the request id is empty")
    return Facts(
        decoded.request_id,
        decoded.attempt,
        decoded.events,
        wire.VERSION,
        written_at_s,
        region=decoded.region or None,
    )


def _tidy(fact: Fact) -> None:
    """Leave out what cannot be, and name HTTP calls as the other generation and X-Ray do."""
    at_s = fact.at_s
    if at_s is not None and not 0.0 <= at_s < LAST_TIME_S:
        raise UnreadablePayload(f"{at_s!r} is no time")
    if isinstance(fact, Call):
        duration_s = fact.duration_s
        if duration_s is not None and not 0.0 <= duration_s < _LONGEST_S:
            fact.duration_s = None
        if not fact.id:
            raise UnreadablePayload("a call without an id")
        if fact.operation == "HTTP" and fact.resource is not None:
            # By its method and place, like the other generation and X-Ray.
            fact.operation, _, fact.resource = fact.resource.partition(" ")
    elif isinstance(fact, Start):
        init_s = fact.init_s
        if init_s is not None and not 0.0 <= init_s < _LONGEST_S:
            fact.init_s = None


def _decode_one_by_one(payload: str, written_at_s: float) -> Facts:
    try:
        decoded = _raw_payload.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadablePayload(str(error)) from None
    if not decoded.request_id:
        raise UnreadablePayload("the request id is empty")
    facts: list[Fact] = []
    unreadable: list[str] = []
    unknown = 0
    for raw in decoded.events:
        try:
            if _kind.decode(raw).kind not in _KNOWN:
                unknown += 1
                continue
            fact = _fact.decode(raw)
            _tidy(fact)
        except (msgspec.DecodeError, UnicodeDecodeError, UnreadablePayload) as error:
            unreadable.append(str(error))
        else:
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
