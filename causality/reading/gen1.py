"""Generation 1: the original recorder's text records, read without guessing.

An entry's payload is `pl:<function arn>` and what the original wrote of the event's first
record; a call's is an X-Ray subsegment in JSON whose `gr_payload` holds the operation, region
and keyword arguments as text. Values hold colons, quotes and spaces, so a text can have more
than one reading: then every reading counts as a possible key, and the matcher decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

import msgspec

from causality import names
from causality.clock import LAST_TIME_S
from causality.facts import Call, Cause, End, Facts, Output, Start, UnreadablePayload
from causality.reading import keywords, literals
from gammaray_recorder import wire

_ENTRY_ARN = re.compile(r"pl:(arn:aws[\w-]*:lambda:[^:]*:[^:]*:function:[^:]+)")
_STRING = r"""[bu]?(?:'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+")"""
_TRIGGER = re.compile(r":(?:es|esARN):(?!es:|esARN:)")
# Most values are plain: no quotes in them, nothing to unescape.
_PLAIN = r"\{'(?P<kind>[SN])': '(?P<plain>[^'\\]++)'\}"
_DDB_KEY = re.compile(
    rf"(?P<name>.*?):(?:{_PLAIN}|(?P<value>\{{u?(?P<q>['\"])[SNB](?P=q): {_STRING}\}}))(?::|$)",
    re.DOTALL,
)
_TOPIC = re.compile(r"arn:[^:]*:sns:[^:]*:[^:]*:[^:]+$")
_CALL = re.compile(r"pl:([A-Za-z][A-Za-z0-9]*):(None|[a-z0-9-]*)(?=:|$)")
_EXTERNAL = "ext:invokeCLI"
_INVOKED = "lib:invokeCLI:"


class _Subsegment(msgspec.Struct, gc=False):
    id: str
    gr_payload: str
    start_time: float | None = None
    trace_id: str | None = None
    parent_id: str | None = None


_subsegment = msgspec.json.Decoder(_Subsegment)


def decode(item_key: str, payload: str, written_at_s: float) -> Facts:
    """Decode one record of the original.

    Args:
        item_key: the item's `reqID`.
        payload: the item's `payload`.
        written_at_s: the item's `ts` in seconds.

    Raises:
        UnreadablePayload: the text does not follow the grammar.
    """
    request_id, _, rest = item_key.partition(":")
    if not request_id or not rest:
        raise UnreadablePayload(f"item key {item_key[:80]!r} is not '<request id>:<suffix>'")
    if rest.startswith("entry"):
        nonce, _, further = rest.partition(":")
        if further.startswith("exit"):
            return Facts(request_id, nonce, [End(written_at_s)], 1, written_at_s)
        return Facts(request_id, nonce, [_entry(payload, written_at_s)], 1, written_at_s)
    try:
        segment = _subsegment.decode(payload)
    except msgspec.DecodeError as error:
        raise UnreadablePayload(f"call record: {error}") from None
    return Facts(request_id, None, [_call(segment, written_at_s)], 1, written_at_s)


def _entry(payload: str, written_at_s: float) -> Start:
    match = _ENTRY_ARN.match(payload)
    if match is None:
        raise UnreadablePayload(f"entry does not begin with a function's ARN: {payload[:120]!r}")
    arn, rest = match[1], payload[match.end() :]
    if rest and _TRIGGER.match(rest) is None:
        # An alias or version stands between the name and the trigger; an alias can be "es".
        qualifier, _, rest = rest[1:].partition(":")
        arn, rest = f"{arn}:{qualifier}", f":{rest}" if rest else ""
    parts = names.function_arn(arn)
    return Start(
        written_at_s,
        arn=arn,
        region=parts.region if parts else None,
        version=parts.qualifier if parts else None,
        causes=(_cause(rest, parts.name if parts else None),),
    )


def _cause(text: str, function: str | None) -> Cause:
    if not text:
        # Schedules and HTTP requests left no trace in the original's records.
        return Cause()
    if text.startswith(":esARN:"):
        return _cause_with_arn(text.removeprefix(":esARN:"))
    source = text.removeprefix(":es:")
    if source.startswith("sns:sub:"):
        subject, _, topic = source.removeprefix("sns:sub:").rpartition(":op:")
        if not _TOPIC.match(topic):
            raise UnreadablePayload(f"SNS entry names no topic: {text[:120]!r}")
        return Cause("sns", topic, subject=subject)
    if source.startswith("s3:bkt:"):
        bucket, found, rest = source.removeprefix("s3:bkt:").partition(":key:")
        key, found_too, name = rest.rpartition(":op:")
        if not bucket or not found or not found_too:
            raise UnreadablePayload(f"S3 entry cannot be read: {text[:120]!r}")
        return Cause("s3", bucket, key=unquote_plus(key), name=name or None)
    # What follows is of an event that was handed on with the records that somebody else was given.
    if source == _EXTERNAL or source.startswith(f"{_EXTERNAL}:"):
        return Cause("lambda", function, name="external")
    if source.startswith(_INVOKED):
        caller, _, rest = source.removeprefix(_INVOKED).partition(":")
        request_id = rest.partition(":")[0]
        if not caller or not request_id:
            raise UnreadablePayload(f"entry names no caller: {text[:120]!r}")
        return Cause("lambda", function, caller=request_id, caller_function=caller)
    return Cause("unknown", source or None)


def _cause_with_arn(text: str) -> Cause:
    arn, found, rest = text.partition(":es:ddb:keys:")
    if not found:
        service = (
            arn.split(":", 3)[2] if arn.startswith("arn:") and arn.count(":") > 2 else "unknown"
        )
        return Cause(service, names.table_of_stream(arn) if service == "dynamodb" else arn)
    keys_text, found, operation = rest.rpartition(":op:")
    if not found:
        raise UnreadablePayload(f"DynamoDB entry names no operation: {text[:120]!r}")
    key: dict[str, dict[str, str]] = {}
    position = 0
    while position < len(keys_text):
        match = _DDB_KEY.match(keys_text, position)
        if match is None:
            raise UnreadablePayload(f"DynamoDB entry's keys cannot be read: {keys_text[:120]!r}")
        name, kind, plain, value = match.group("name", "kind", "plain", "value")
        read = ({kind: plain}, 0) if kind else literals.parse(value)
        typed = literals.typed_items({name: read[0]}) if read is not None else {}
        if not typed:
            raise UnreadablePayload(f"DynamoDB entry's keys cannot be read: {keys_text[:120]!r}")
        key.update(typed)
        position = match.end()
    return Cause(
        "dynamodb", names.table_of_stream(arn), key=wire.canonical_key(key), name=operation
    )


def _call(segment: _Subsegment, written_at_s: float) -> Call:
    match = _CALL.match(segment.gr_payload)
    if match is None:
        raise UnreadablePayload(f"call record names no operation: {segment.gr_payload[:120]!r}")
    if not segment.id:
        raise UnreadablePayload("call record without an id")
    operation, region = match[1], None if match[2] == "None" else match[2] or None
    text = segment.gr_payload[match.end() :]
    at_s = segment.start_time
    call = Call(
        segment.id,
        at_s if at_s is not None and 0.0 < at_s < LAST_TIME_S else written_at_s,
        service=names.SERVICE_OF_OPERATION.get(operation, ""),
        operation=operation,
        region=region,
        trace_id=segment.trace_id,
    )
    if operation == "HTTP":
        call.operation, _, url = text[1:].partition(":")
        if not url:
            raise UnreadablePayload(f"HTTP call names no URL: {segment.gr_payload[:120]!r}")
        call.resource = names.place(url)
        return call
    readings = keywords.readings(operation, text)
    if readings:
        _describe(call, readings[0])
        if len(readings) > 1:
            _doubt(call, readings[1:])
    elif operation in keywords.KEYWORDS:
        raise UnreadablePayload(f"{operation}: keywords cannot be read: {text[:120]!r}")
    return call


def _describe(call: Call, reading: keywords.Reading) -> None:
    """Say what a call worked on, and what it triggers with, if its text is to be read so."""
    operation = call.operation
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        call.resource = table = names.table_of_stream(_text(reading, "TableName") or "") or None
        items = reading.get("Item" if operation == "PutItem" else "Key")
        call.outputs = (_item_output(operation, items, table),)
        call.key = call.outputs[0].key
    elif operation == "BatchWriteItem":
        call.outputs = tuple(_batch_outputs(reading.get("RequestItems")))
        tables = {output.resource for output in call.outputs}
        call.resource = tables.pop() if len(tables) == 1 else None
    elif call.service == "s3":
        call.resource = bucket = _text(reading, "Bucket")
        call.key = key = _text(reading, "Key")
        if key is not None:
            what = "delete" if operation == "DeleteObject" else "put"
            call.outputs = (Output(bucket, key, operation=what),)
    elif operation == "Publish":
        call.resource = topic = _text(reading, "TopicArn") or _text(reading, "TargetArn")
        if topic:
            call.outputs = (Output(topic, subject=_text(reading, "Subject") or "None"),)
    elif operation == "Invoke":
        call.resource = names.bare_function(_text(reading, "FunctionName") or "") or None
        kind = reading.get("InvocationType")
        if kind != "DryRun":
            later = wire.INVOKE_LATER if kind == "Event" else None
            call.outputs = (Output(call.resource, operation=later),)


def _doubt(call: Call, readings: list[keywords.Reading]) -> None:
    """Add what a call triggers with if its text is to be read in a less likely way."""
    resource, key, outputs = call.resource, call.key, call.outputs
    more: list[Output] = []
    for reading in readings:
        _describe(call, reading)
        for output in call.outputs:
            if output not in outputs and output not in more:
                more.append(output)
    for output in more:
        output.doubtful = True
    call.resource, call.key, call.outputs = resource, key, (*outputs, *more)


def _item_output(operation: str, items: literals.Value | None, table: str | None) -> Output:
    typed = literals.typed_items(items)
    if operation == "PutItem":
        hashes = {name: wire.attribute_hash(name, value) for name, value in typed.items()}
        return Output(table, attribute_hashes=hashes, operation="put")
    what = "delete" if operation == "DeleteItem" else "put"
    is_whole = isinstance(items, dict) and len(typed) == len(items) > 0
    return Output(table, wire.canonical_key(typed) if is_whole else None, operation=what)


def _batch_outputs(tables: literals.Value | None) -> Iterator[Output]:
    for table, requests in tables.items() if isinstance(tables, dict) else ():
        for request in requests if isinstance(requests, list) else ():
            for kind, body in request.items() if isinstance(request, dict) else ():
                if isinstance(body, dict):
                    name = names.table_of_stream(table)
                    if kind == "PutRequest":
                        yield _item_output("PutItem", body.get("Item"), name)
                    elif kind == "DeleteRequest":
                        yield _item_output("DeleteItem", body.get("Key"), name)


def _text(reading: keywords.Reading, name: str) -> str | None:
    value = reading.get(name)
    return value if isinstance(value, str) and value else None
