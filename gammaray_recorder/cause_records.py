"""Events that carry records (streams, queues, topics, buckets): one cause for each of them."""

from __future__ import annotations

import json

from gammaray_recorder import wire
from gammaray_recorder.cause import (
    UNKNOWN,
    bring_result,
    cause,
    mapping,
    present,
    result_in,
    seconds,
    trace_root,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional

    from gammaray_recorder.cause import Cause

_TTL_PRINCIPAL = "dynamodb.amazonaws.com"
_S3_SUBJECT = "Amazon S3 Notification"  # of every message that S3 itself publishes
_S3_SESSION = ":S3-PROD-END"  # of the role with which S3 itself sends to queues
_LAMBDA_SESSION = ":awslambda_"  # of a function's role, with which Lambda itself sends results
# What Lambda tells in attributes beside an event that it could not get handled.
_DEAD_LETTER = ("RequestID", "ErrorCode", "ErrorMessage")


def read(records: List[Any], account: str = "") -> List[Cause]:
    """Give the causes of records, in their order; none when these are not AWS's records."""
    causes: List[Cause] = []
    for record in records:
        found = mapping(record)
        source = found.get("eventSource") or found.get("EventSource")
        if "cf" in found:  # CloudFront's have no source
            source = "aws:cloudfront"
        if not isinstance(source, str):
            causes.append({wire.SERVICE: UNKNOWN})
            continue
        service = source.rpartition(":")[2].lower()
        try:
            causes += _READERS.get(service, _other)(found)
            if service == "dynamodb":
                _tell_account(causes[-1], found.get("eventSourceARN"), account)
        except Exception:
            causes.append({wire.SERVICE: service})
    if all(entry[wire.SERVICE] == UNKNOWN for entry in causes):
        return []
    return causes


def event_bridge(event: Dict[str, Any]) -> List[Cause]:
    """Read an event of EventBridge: a rule's, a schedule's, or S3's."""
    source = event.get("source")
    detail = mapping(event.get("detail"))
    ids: Dict[str, Any] = {wire.ID_EVENT: event.get("id")}
    where: Dict[str, Any] = {"region": event.get("region"), "at": event.get("time")}
    name = event.get("detail-type")
    resources = event.get("resources")
    first = resources[0] if isinstance(resources, list) and resources else None
    if source == "aws.scheduler" or (source == "aws.events" and name == "Scheduled Event"):
        if source == "aws.scheduler":
            ids[wire.ID_SCHEDULE] = first
        return [cause("schedule", first, name=name, ids=ids, **where)]
    if source == "aws.s3" and "bucket" in detail:
        thing = mapping(detail.get("object"))
        ids[wire.ID_S3_REQUEST] = detail.get("request-id")
        ids[wire.ID_S3_VERSION] = thing.get("version-id")
        ids[wire.ID_S3_ETAG] = thing.get("etag")
        ids[wire.ID_S3_SEQUENCER] = thing.get("sequencer")
        bucket = mapping(detail["bucket"]).get("name")
        if detail.get("reason") == "Lifecycle Expiration":
            name = "LifecycleExpiration:Delete"  # S3's own name for it
        # Unlike in S3's own notifications, the key is not URL-encoded here.
        return [cause("s3", bucket, key=thing.get("key"), name=name, ids=ids, **where)]
    found = cause("events", source, name=name, ids=ids, **where)
    result = result_in(detail) if source == "lambda" else None
    return [bring_result(found, result) if result else found]


def _dynamodb(record: Dict[str, Any]) -> List[Cause]:
    change = record["dynamodb"]
    name = record.get("eventName")
    identity = mapping(record.get("userIdentity"))
    if name == "REMOVE" and _TTL_PRINCIPAL in identity.values():
        name = "REMOVE:ttl"  # DynamoDB's own deletion: no call caused it
    image = change.get("NewImage")
    found = cause(
        "dynamodb",
        _table(record.get("eventSourceARN")),
        key=_attempted(wire.canonical_key, change.get("Keys")),
        digest=_attempted(wire.item_hash, image),
        name=name,
        region=record.get("awsRegion"),
        ids={
            wire.ID_DDB_EVENT: record.get("eventID"),
            wire.ID_DDB_SEQUENCE: change.get("SequenceNumber"),
        },
    )
    created_at_s = seconds(change.get("ApproximateCreationDateTime"))
    if created_at_s is not None:
        found[wire.AT] = int(created_at_s)  # whole seconds are all that it is good for
    return [found]


def _tell_account(found: Cause, stream_arn: Any, account: str) -> None:
    parts = stream_arn.split(":") if isinstance(stream_arn, str) else []
    if len(parts) > 5 and account and parts[4] and parts[4] != account:
        found[wire.IDS] = {**found.get(wire.IDS, {}), wire.ID_ACCOUNT: parts[4]}


def _table(stream_arn: Any) -> Optional[str]:
    """Find the table in "arn:aws:dynamodb:<region>:<account>:table/<name>/stream/<label>"."""
    parts = stream_arn.split("/") if isinstance(stream_arn, str) else []
    return parts[1] if len(parts) > 1 else None


def _attempted(digest: Callable[[Any], str], value: Any) -> Optional[str]:
    """Apply a hash to a typed item; a malformed one costs its hash, not the whole cause."""
    try:
        return digest(value) if value else None
    except Exception:
        return None


def _s3(record: Dict[str, Any]) -> List[Cause]:
    s3 = record["s3"]
    thing = mapping(s3.get("object"))
    return [
        cause(
            "s3",
            mapping(s3.get("bucket")).get("name"),
            key=_url_decoded(thing.get("key")),
            name=record.get("eventName"),
            region=record.get("awsRegion"),
            at=record.get("eventTime"),
            ids={
                wire.ID_S3_REQUEST: mapping(record.get("responseElements")).get("x-amz-request-id"),
                wire.ID_S3_VERSION: thing.get("versionId"),
                wire.ID_S3_ETAG: thing.get("eTag"),
                wire.ID_S3_SEQUENCER: thing.get("sequencer"),
            },
        )
    ]


def _url_decoded(key: Any) -> Any:
    if isinstance(key, str) and ("%" in key or "+" in key):
        from urllib.parse import unquote_plus  # several ms, which most keys do not need

        return unquote_plus(key)
    return key


def _sns(record: Dict[str, Any]) -> List[Cause]:
    return _notification(record["Sns"], {})


def _notification(sns: Dict[str, Any], outer: Dict[str, Any]) -> List[Cause]:
    ids = {**outer, wire.ID_SNS_MESSAGE: sns.get("MessageId")}
    found = cause("sns", sns.get("TopicArn"), ids=ids, at=sns.get("Timestamp"))
    result = _dead_letter(sns.get("MessageAttributes")) or _result(sns.get("Message"))
    if result:
        return [bring_result(found, result)]
    return _inside(sns.get("Message"), ids, by_s3=sns.get("Subject") == _S3_SUBJECT) or [found]


def _result(text: Any) -> Dict[str, Any]:
    if not (isinstance(text, str) and text[:1] == "{" and '"requestContext"' in text):
        return {}
    try:
        return result_in(mapping(json.loads(text)))
    except ValueError:
        return {}


def _dead_letter(attributes: Any) -> Dict[str, Any]:
    told = mapping(attributes)
    if not all(name in told for name in _DEAD_LETTER):
        return {}
    told = mapping(told["RequestID"])  # SNS and SQS spell it in different ways
    return {"condition": "DeadLetter", "requestId": told.get("Value") or told.get("stringValue")}


def _sqs(record: Dict[str, Any]) -> List[Cause]:
    attributes = mapping(record.get("attributes"))
    ids = {
        wire.ID_SQS_MESSAGE: record.get("messageId"),
        wire.ID_TRACE_ROOT: trace_root(attributes.get("AWSTraceHeader")),
    }
    found = cause(
        "sqs",
        record.get("eventSourceARN"),
        region=record.get("awsRegion"),
        at=attributes.get("SentTimestamp"),
        ids=ids,
    )
    # "<role id>:<session>" is somebody's code, which may send on what AWS once sent to it.
    sender, body = str(attributes.get("SenderId")), record.get("body")
    if _LAMBDA_SESSION in sender:
        result = _dead_letter(record.get("messageAttributes")) or _result(body)
        return [bring_result(found, result) if result else found]
    if ":" not in sender or sender.endswith(_S3_SESSION):
        result = _result(body)  # through a topic that delivers messages as they are
        if result:
            return [bring_result(found, result)]
        inside = _inside(body, ids, by_s3=True)
        if inside:
            return inside
    return [found]


def _inside(text: Any, ids: Dict[str, Any], *, by_s3: bool) -> List[Cause]:
    """Read what a message carries when AWS itself wrote it: S3, SNS and EventBridge events.

    The causes carry the ids of the messages around them as well, for either may be matched.

    Args:
        text: the message.
        ids: of the messages around it.
        by_s3: whether S3 itself can have sent it.
    """
    if not isinstance(text, str) or text[:1] != "{":
        return []
    if not ('"aws:s3"' in text or '"TopicArn"' in text or '"detail-type"' in text):
        return []
    try:
        message = json.loads(text)
        if message.get("Type") == "Notification" and "TopicArn" in message:
            # SNS delivers to queues, never to topics: there somebody sent it on.
            return _notification(message, ids) if wire.ID_SNS_MESSAGE not in ids else []
        if "Records" in message and by_s3:
            causes = [inner for record in message["Records"] for inner in _s3(record)]
        elif "detail-type" in message and "source" in message:
            causes = event_bridge(message)
        else:
            return []
    except Exception:
        return []  # the user's own message, which only looks like AWS's
    for inner in causes:
        inner[wire.IDS] = {**present(ids), **inner.get(wire.IDS, {})}
    return causes


def _kinesis(record: Dict[str, Any]) -> List[Cause]:
    return [
        cause(
            "kinesis",
            record.get("eventSourceARN"),
            region=record.get("awsRegion"),
            at=mapping(record.get("kinesis")).get("approximateArrivalTimestamp"),
            ids={wire.ID_KINESIS: record.get("eventID")},
        )
    ]


def _ses(record: Dict[str, Any]) -> List[Cause]:
    mail = mapping(mapping(record.get("ses")).get("mail"))
    return [cause("ses", name="Receipt", at=mail.get("timestamp"))]


def _cloudfront(record: Dict[str, Any]) -> List[Cause]:
    config = mapping(record["cf"].get("config"))
    return [cause("cloudfront", config.get("distributionId"), name=config.get("eventType"))]


def _other(record: Dict[str, Any]) -> List[Cause]:
    """Read a record of a service that issues nothing to match by: CodeCommit and others."""
    source = record.get("eventSource") or record.get("EventSource")
    service = str(source).rpartition(":")[2].lower()
    arn = record.get("eventSourceARN") or record.get("eventSourceArn")
    return [
        cause(
            service,
            arn,
            name=record.get("eventName"),
            region=record.get("awsRegion"),
            at=record.get("eventTime"),
        )
    ]


_READERS: Dict[str, Callable[[Dict[str, Any]], List[Cause]]] = {
    "dynamodb": _dynamodb,
    "s3": _s3,
    "sns": _sns,
    "sqs": _sqs,
    "kinesis": _kinesis,
    "ses": _ses,
    "cloudfront": _cloudfront,
}
