"""The record format, generation 2: field names, canonical hashes and the item encoder.

The recorder writes with these names and the engine reads with them: docs/records.md. Importing
this is a part of every cold start.
"""

from __future__ import annotations

import hashlib
import json
import json.encoder
from binascii import b2a_base64

TYPE_CHECKING = False  # importing typing costs a cold start several ms; checkers know this name
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional

VERSION = 2

# --- the DynamoDB item --------------------------------------------------------------------
ITEM_KEY = "reqID"  # "<request id>:<attempt nonce>:<sequence in this attempt>"
ITEM_VERSION = "v"
ITEM_TIME = "ts"  # ms since the epoch, when the item was written
ITEM_PAYLOAD = "payload"  # JSON, see below
ITEM_EXPIRES = "expires"  # epoch second, DynamoDB's TTL attribute

# A line of a function's log: this, a space, and a JSON array of items. Their payload is JSON in
# JSON, without the quotes of a table's; the version is in the mark.
LOG_MARK = "gammaray:2"

# --- the payload --------------------------------------------------------------------------
REQUEST_ID = "r"
ATTEMPT = "a"  # nonce of this attempt: a retry of one request id gets another one
EVENTS = "e"

# --- every event --------------------------------------------------------------------------
KIND = "k"
AT = "t"  # epoch seconds, float
KIND_START = "s"
KIND_CALL = "c"
KIND_END = "e"

# --- start: an invocation begins ----------------------------------------------------------
ARN = "arn"  # context.invoked_function_arn, alias or version included
REGION = "g"  # the function's own region; of a call, the region it was sent to
FUNCTION_VERSION = "ver"
MEMORY_MB = "mem"
COLD = "cold"
INIT_S = "init"  # only on a cold start
TRACE_ID = "trace"  # X-Ray root, "1-<8 hex>-<24 hex>"
CAUSES = "src"
ALIAS = "alias"  # only when the function was called by one
REMAINING_MS = "left"  # of a start: the time allowed; of an end: what was left of it

# --- cause: one record of the event -------------------------------------------------------
SERVICE = "s"  # of causes and calls: dynamodb, s3, sns, sqs, events, kinesis, lambda, http, ...
RESOURCE = "res"  # table, bucket, topic ARN, queue ARN, stream ARN, function name, host/path
KEY = "key"  # canonical_key() of a DynamoDB key; an S3 object's key, URL-decoded
HASH = "hash"  # item_hash() of the written item, payload_hash() of a payload
NAME = "name"  # INSERT, ObjectCreated:Put, ...: the event's own name for what happened
IDS = "ids"  # id kind -> value, see below
CALLER = "caller"  # request id that the event names as its caller's; never of our own recorder
DESTINATION = "destination:"  # begins the NAME of what brings an invocation's result

# --- call: one SDK operation, recorded after its response ---------------------------------
CALL_ID = "i"  # 16 hex, unique within the attempt
OPERATION = "o"
DURATION_S = "d"
ERROR = "err"  # error code of a call, exception type of an end; absent when all went well
RETRIES = "try"  # botocore's retries behind this one call
LOCAL = "local"  # the endpoint is not AWS's own, so its request ids prove nothing
OUTPUTS = "out"  # what the call may trigger with: one entry an item, message or object

# --- output: one item, message or object of a call ----------------------------------------
ATTRIBUTE_HASHES = "ah"  # attribute name -> attribute_hash(), of a put whose key is unknown
# OPERATION of an output, where its call can do several things
CHANGE_PUT = "put"
CHANGE_DELETE = "delete"
INVOKE_LATER = "event"  # an Invoke that does not wait for the function

# --- end: an invocation is over -----------------------------------------------------------
STATUS = "st"
STATUS_OK = "ok"
STATUS_ERROR = "error"
STATUS_TIMEOUT = "timeout"
ERROR_TEXT = "msg"  # of an exception, only where a setting allows it
DROPPED = "drop"  # events lost by the recorder
OVERHEAD_US = "own"  # what the recorder itself took of this invocation

# --- id kinds: the same name on both sides of an edge means the same id -------------------
# AWS issues these once and shows them to caller and callee: equal values prove the edge.
ID_TRACEPARENT = "traceparent"  # "<trace id>-<span id>" that the recorder put into a header
ID_LAMBDA_REQUEST = "lambda_request"
ID_S3_REQUEST = "s3_request"
ID_S3_VERSION = "s3_version"
ID_SNS_MESSAGE = "sns_message"
ID_SQS_MESSAGE = "sqs_message"
ID_EVENT = "event_id"  # EventBridge
ID_KINESIS = "kinesis"  # "<shard id>:<sequence number>"
ID_APIGW_REQUEST = "apigw_request"
ID_EXECUTION = "execution_arn"  # Step Functions
ID_SCHEDULE = "schedule_arn"  # EventBridge Scheduler: one schedule fires many times
# Equal values mean equal content.
ID_S3_ETAG = "s3_etag"
# These name one delivered record; equal values on two causes mean redelivery or fan-out.
ID_DDB_EVENT = "ddb_event"
ID_DDB_SEQUENCE = "ddb_seq"
ID_S3_SEQUENCER = "s3_seq"
# Supporting evidence only: one X-Ray root can hold many calls.
ID_TRACE_ROOT = "trace_root"
ID_ACCOUNT = "account"  # of a table that is in another account than the function

HASH_CHARS = 32
ATTRIBUTE_HASH_CHARS = 12
HIDDEN = "#"  # begins a key that the recorder hashed; of a DynamoDB key, stands for the type


def normal_number(text: str) -> str:
    """Give the one spelling of a DynamoDB number: "1.50" and "15E-1" are both "15e-1"."""
    if text.isdigit() and text.isascii() and text[0] != "0":  # the most, without Decimal
        stripped = text.rstrip("0")
        return "%se%d" % (stripped, len(text) - len(stripped))
    from decimal import Decimal

    number = Decimal(text)
    if not number:
        return "0"
    # Not normalize(), which rounds to the context's precision: DynamoDB keeps 38 digits.
    _sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return text
    stripped = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(stripped)
    return "%s%se%d" % ("-" if number < 0 else "", stripped, exponent)


def canonical_value(typed: Mapping[str, Any]) -> List[Any]:
    """Reduce a typed attribute value ({"S": "x"}) to a form equal for equal values.

    Binary values may be bytes (as a client holds them) or base64 text (as events carry them).
    """
    ((kind, value),) = typed.items()
    if kind == "N":
        return [kind, normal_number(value)]
    if kind == "B":
        return [kind, _base64(value)]
    if kind in ("SS", "NS", "BS"):
        return [kind, sorted(canonical_value({kind[0]: element})[1] for element in value)]
    if kind == "L":
        return [kind, [canonical_value(element) for element in value]]
    if kind == "M":
        return [kind, [[name, canonical_value(value[name])] for name in sorted(value)]]
    return [kind, value]


def canonical_key(key: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a DynamoDB key as text: '[["id","S","k1"],["sk","N","7e0"]]', names sorted."""
    return "[%s]" % ",".join([attribute_text(name, key[name]) for name in sorted(key)])


def item_hash(item: Mapping[str, Mapping[str, Any]]) -> str:
    """Hash a typed item: equal for equal items, however their numbers and sets are written."""
    return hash_of_texts([attribute_text(name, typed) for name, typed in item.items()])


def attribute_hash(name: str, typed: Mapping[str, Any]) -> str:
    """Hash one attribute, so that a put can be matched by a key whose name is learned later."""
    return _digest(attribute_text(name, typed))[:ATTRIBUTE_HASH_CHARS]


def attribute_text(name: str, typed: Mapping[str, Any]) -> str:
    """Write an attribute as JSON, with its canonical_value(): '["n","N","125e-1"]'."""
    ((kind, value),) = typed.items()
    if kind == "S":
        value = quoted(value)
    elif kind == "N":
        value = quoted(normal_number(value))
    else:
        value = _dumps(canonical_value(typed)[1])
    # What _dumps gives, several times as fast.
    return f'[{quoted(name)},"{kind}",{value}]'


def hash_of_texts(texts: List[str]) -> str:
    """Make an item_hash() of the attribute_text() of all attributes, in any order."""
    return _digest("[%s]" % ",".join(sorted(texts)))


def payload_hash(payload: Any) -> str:
    """Hash an Invoke payload: JSON text or bytes and the event made of it give the same."""
    if isinstance(payload, (bytes, bytearray)):
        payload = bytes(payload).decode("utf-8", "surrogateescape")
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return _digest(payload)
    return _digest(_dumps_payload(payload))


def data_hash(data: bytes) -> str:
    """Hash the data of one record of a delivery stream."""
    return hashlib.sha256(data).hexdigest()[:HASH_CHARS]


def hidden_key(key: str) -> str:
    """Hash a DynamoDB key or an object's key, so that equal keys stay equal.

    Of a DynamoDB key the attributes' names remain, and their values become the attribute_hash()
    that puts carry as well: '[["id","#","0b32e7737fcd"]]'. Of any other key, "#" and 32 hex.
    """
    try:
        hashes = [
            [name, HIDDEN, attribute_hash(name, {kind: value})]
            for name, kind, value in json.loads(key)
        ]
    except (ValueError, TypeError, AttributeError, RecursionError):
        hashes = []
    return _dumps(hashes) if hashes else HIDDEN + _digest(key)


def encode_item(
    request_id: str,
    attempt: str,
    sequence: int,
    events: List[Dict[str, Any]],
    now_s: float,
    ttl_s: int,
    region: Optional[str] = None,
) -> Dict[str, Dict[str, str]]:
    """Make the typed DynamoDB item that carries `events` of one attempt."""
    payload: Dict[str, Any] = {REQUEST_ID: request_id, ATTEMPT: attempt, EVENTS: events}
    if region:
        payload[REGION] = region
    return {
        ITEM_KEY: {"S": "%s:%s:%d" % (request_id, attempt, sequence)},
        ITEM_VERSION: {"N": str(VERSION)},
        ITEM_TIME: {"N": str(int(now_s * 1000))},
        ITEM_PAYLOAD: {"S": _dumps(payload)},
        ITEM_EXPIRES: {"N": str(int(now_s) + ttl_s)},
    }


def log_entry(item: Mapping[str, Mapping[str, str]]) -> str:
    """Write an item of encode_item() as one of the entries of a line of the log."""
    return '{"%s":%s,"%s":%s,"%s":%s}' % (
        ITEM_KEY,
        quoted(item[ITEM_KEY]["S"]),
        ITEM_TIME,
        item[ITEM_TIME]["N"],
        ITEM_PAYLOAD,
        item[ITEM_PAYLOAD]["S"],
    )


def _base64(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return b2a_base64(value, newline=False).decode("ascii")
    return str(value)


# Made once: json.dumps makes an encoder for each call that does not want its defaults.
_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
quoted = json.encoder.encode_basestring
_dumps_payload = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def _digest(text: str) -> str:
    return data_hash(text.encode("utf-8", "surrogatepass"))
