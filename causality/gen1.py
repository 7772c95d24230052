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

from causality import literals, names
from causality.facts import Call, Cause, End, Facts, Output, Start, UnreadablePayload
from gammaray_recorder import wire

_MAX_READINGS = 8

_ENTRY_ARN = re.compile(r"pl:(arn:aws[\w-]*:lambda:[^:]*:[^:]*:function:[^:]+)")
_STRING = r"""b?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_DDB_KEY = re.compile(rf"(?P<name>.*?):(?P<value>\{{'(?:S|N|B)': {_STRING}\}})(?::|$)", re.DOTALL)
_S3 = re.compile(r"bkt:(?P<bucket>[^:]*):key:(?P<key>.*):op:(?P<op>\w+(?::\w+)*)$", re.DOTALL)
_SNS = re.compile(r"sub:(?P<subject>.*):op:(?P<topic>arn:[^:]*:sns:[^:]*:[^:]*:[^:]+)$", re.DOTALL)
_CALLER = re.compile(r"(?P<function>.*):(?P<request>[^:]+)$", re.DOTALL)

# Keyword arguments whose text is a Python dict or list.
_LITERAL = frozenset(
    {
        *("Item", "Key", "RequestItems", "Expected", "AttributeUpdates", "Metadata"),
        *("ExpressionAttributeNames", "ExpressionAttributeValues", "MessageAttributes"),
    }
)
_DDB_COMMON = (
    "TableName Expected ConditionalOperator ReturnValues ReturnConsumedCapacity "
    "ReturnItemCollectionMetrics ConditionExpression ExpressionAttributeNames "
    "ExpressionAttributeValues ReturnValuesOnConditionCheckFailure"
)
_S3_COMMON = "Bucket Key RequestPayer ExpectedBucketOwner VersionId MFA BypassGovernanceRetention"
_S3_PUT = (
    "ACL CacheControl ContentDisposition ContentEncoding ContentLanguage ContentLength ContentMD5 "
    "ContentType ChecksumAlgorithm Expires GrantFullControl GrantRead GrantReadACP GrantWriteACP "
    "Metadata ServerSideEncryption StorageClass WebsiteRedirectLocation SSECustomerAlgorithm "
    "SSECustomerKey SSECustomerKeyMD5 SSEKMSKeyId SSEKMSEncryptionContext BucketKeyEnabled Tagging "
    "ObjectLockMode ObjectLockRetainUntilDate ObjectLockLegalHoldStatus"
)
_KEYWORDS = {
    "PutItem": f"{_DDB_COMMON} Item",
    "UpdateItem": f"{_DDB_COMMON} Key AttributeUpdates UpdateExpression",
    "DeleteItem": f"{_DDB_COMMON} Key",
    "BatchWriteItem": "RequestItems ReturnConsumedCapacity ReturnItemCollectionMetrics",
    "PutObject": f"{_S3_COMMON} {_S3_PUT}",
    "PostObject": f"{_S3_COMMON} {_S3_PUT}",
    "DeleteObject": _S3_COMMON,
    "Publish": "TopicArn TargetArn PhoneNumber Subject Message MessageStructure MessageAttributes "
    "MessageDeduplicationId MessageGroupId",
    "Invoke": "FunctionName InvocationType LogType ClientContext Qualifier",
}
_KEYWORD_AT = {
    operation: re.compile(rf":({'|'.join(keywords.split())}):")
    for operation, keywords in _KEYWORDS.items()
}
_ANY_KEYWORD_AT = re.compile(r":([A-Z][A-Za-z0-9]*):")


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
        nonce, _, exit_nonce = rest.partition(":")
        if exit_nonce.startswith("exit"):
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
    if (rest and not rest.startswith((":es:", ":esARN:"))) or rest.startswith(
        (":es:es", ":esARN:es")
    ):
        # An alias or version stands between the name and the trigger; an alias can be "es".
        qualifier, _, rest = rest[1:].partition(":")
        arn, rest = f"{arn}:{qualifier}", f":{rest}" if rest else ""
    parts = names.function_arn(arn)
    return Start(
        written_at_s,
        arn=arn,
        region=parts.region if parts else None,
        version=parts.qualifier if parts else None,
        causes=[_cause(rest, parts.name if parts else None)],
    )


def _cause(text: str, function: str | None) -> Cause:
    if not text:
        # Schedules and HTTP requests left no trace in the original's records.
        return Cause()
    if text.startswith(":esARN:"):
        return _cause_with_arn(text.removeprefix(":esARN:"))
    source = text.removeprefix(":es:")
    if source == "ext:invokeCLI":
        return Cause("lambda", function, name="external")
    if source.startswith("lib:invokeCLI:"):
        match = _CALLER.match(source.removeprefix("lib:invokeCLI:"))
        if match is None:
            raise UnreadablePayload(f"entry names no caller: {text[:120]!r}")
        return Cause("lambda", function, caller=match["request"], caller_function=match["function"])
    if source.startswith("sns:"):
        match = _SNS.match(source.removeprefix("sns:"))
        if match is None:
            raise UnreadablePayload(f"SNS entry cannot be read: {text[:120]!r}")
        return Cause("sns", match["topic"], subject=match["subject"])
    if source.startswith("s3:"):
        match = _S3.match(source.removeprefix("s3:"))
        if match is None:
            raise UnreadablePayload(f"S3 entry cannot be read: {text[:120]!r}")
        return Cause("s3", match["bucket"], key=unquote_plus(match["key"]), name=match["op"])
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
        key.update(literals.typed_items(f"{{{match['name']!r}: {match['value']}}}"))
        position = match.end()
    return Cause(
        "dynamodb", names.table_of_stream(arn), key=wire.canonical_key(key), name=operation
    )


def _call(segment: _Subsegment, written_at_s: float) -> Call:
    match = re.match(r"pl:([A-Za-z]+):([a-z0-9-]*):", segment.gr_payload + ":")
    if match is None:
        raise UnreadablePayload(f"call record names no operation: {segment.gr_payload[:120]!r}")
    operation, region = match[1], match[2] or None
    text = segment.gr_payload[match.end() - 1 :]
    call = Call(
        segment.id,
        segment.start_time if segment.start_time is not None else written_at_s,
        service=names.SERVICE_OF_OPERATION.get(operation, ""),
        operation=operation,
        region=region,
        trace_id=segment.trace_id,
    )
    if operation == "HTTP":
        call.operation, _, url = text[1:].partition(":")
        call.resource = re.sub(r"^[a-z]+://", "", url).split("?", 1)[0]
        return call
    readings = [dict(reading) for reading in _readings(operation, text)]
    if not readings:
        raise UnreadablePayload(f"{operation}: keywords cannot be read: {text[:120]!r}")
    _describe(call, readings)
    return call


def _readings(operation: str, text: str) -> list[tuple[tuple[str, str], ...]]:
    """Give every way to read `:<Kwarg>:<value>...` as keywords, at most a few."""
    known = _KEYWORD_AT.get(operation)
    found = list(_read(text, 0, known or _ANY_KEYWORD_AT, ()))
    if not found and known is not None:
        found = list(_read(text, 0, _ANY_KEYWORD_AT, ()))
    return found


def _read(
    text: str, position: int, keyword_at: re.Pattern[str], before: tuple[tuple[str, str], ...]
) -> Iterator[tuple[tuple[str, str], ...]]:
    pending = [(position, before)]
    given = 0
    while pending and given < _MAX_READINGS:
        position, before = pending.pop()
        if position >= len(text):
            given += 1
            yield before
            continue
        match = keyword_at.match(text, position)
        if match is None or any(name == match[1] for name, _ in before):
            continue
        name, start = match[1], match.end()
        if name in _LITERAL and text[start : start + 1] in ("{", "["):
            end = literals.end_of(text, start)
            ends = [] if end is None else [end]
        else:
            ends = [m.start() for m in keyword_at.finditer(text, start - 1) if m.start() >= start]
            ends.append(len(text))
        # The stack gives the last one first: the shortest value is tried first.
        pending.extend((end, (*before, (name, text[start:end]))) for end in reversed(ends[-64:]))


def _describe(call: Call, readings: list[dict[str, str]]) -> None:
    first = readings[0]
    operation = call.operation
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        call.resource = names.table_of_stream(first.get("TableName", "")) or None
        call.outputs = [_item_output(operation, first, call.resource)]
        call.key = call.outputs[0].key
    elif operation == "BatchWriteItem":
        call.outputs = list(_batch_outputs(first.get("RequestItems", "")))
        tables = {output.resource for output in call.outputs}
        call.resource = tables.pop() if len(tables) == 1 else None
    elif call.service == "s3":
        call.resource = first.get("Bucket")
        call.key = first.get("Key")
        others = dict.fromkeys(r["Key"] for r in readings if "Key" in r and r["Key"] != call.key)
        what = "delete" if operation == "DeleteObject" else "put"
        call.outputs = [Output(call.resource, call.key, operation=what, keys=list(others))]
    elif operation == "Publish":
        call.resource = first.get("TopicArn") or first.get("TargetArn")
        subjects = dict.fromkeys(reading.get("Subject", "None") for reading in readings)
        if call.resource:
            call.outputs = [Output(call.resource, subject=subject) for subject in subjects]
    elif operation == "Invoke":
        call.resource = names.bare_function(first.get("FunctionName", "")) or None
        if first.get("InvocationType") != "DryRun":
            call.outputs = [Output(call.resource)]


def _item_output(operation: str, keywords: dict[str, str], table: str | None) -> Output:
    if operation == "PutItem":
        items = literals.typed_items(keywords.get("Item", "{}"))
        hashes = {name: wire.attribute_hash(name, value) for name, value in items.items()}
        return Output(table, attribute_hashes=hashes, operation="put")
    key = literals.typed_items(keywords.get("Key", "{}"))
    what = "delete" if operation == "DeleteItem" else "put"
    return Output(table, wire.canonical_key(key) if key else None, operation=what)


def _batch_outputs(text: str) -> Iterator[Output]:
    for table, requests in literals.members(text):
        for request in literals.elements(requests):
            for kind, body in literals.members(request):
                for _, value in literals.members(body):
                    name = names.table_of_stream(table)
                    if kind == "PutRequest":
                        yield _item_output("PutItem", {"Item": value}, name)
                    elif kind == "DeleteRequest":
                        yield _item_output("DeleteItem", {"Key": value}, name)
