"""What a call to AWS may trigger with: for each operation, its items, messages or objects.

Each function takes the call's parameters (typed, as they were sent) and the parsed response.
Of a call without a response (a timeout, a broken connection) the response is empty: what it
wrote is still described, for it may have been written. Nothing here keeps a body, an item or
a payload: only keys, hashes and ids leave this module.
"""

from __future__ import annotations

from gammaray_recorder import wire
from gammaray_recorder.causes import HASHED_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, Optional

    from gammaray_recorder.invocation import Invocation

    Parameters = Mapping[str, Any]
    Output = Dict[str, Any]

# Attributes of a put whose hashes are kept to be compared with the key, which nobody tells us.
# People write the key first; an item of more attributes than this is matched by its hash.
_HASHED_ATTRIBUTES = 16
_KEY_KINDS = ("S", "N", "B")
_KEY_LIMIT = 2048  # bytes: DynamoDB's own limit for a partition key
_RESOURCE_LIMIT = 512


class Scope:
    """Where a call was made from and sent to: what turns names into ARNs.

    Attributes:
        region: the one that the call was sent to.
        account, partition: the calling function's own.
    """

    __slots__ = ("account", "partition", "region")

    def __init__(self, invocation: Invocation, region: str) -> None:
        self.region = region
        self.account = invocation.account
        self.partition = invocation.partition

    def arn(self, service: str, name: str, account: str = "") -> str:
        """Make the ARN of a resource in the region that the call was sent to."""
        account = account or self.account
        return "arn:%s:%s:%s:%s:%s" % (self.partition, service, self.region, account, name)


def outputs_of(
    service: str, operation: str, params: Parameters, response: Parameters, scope: Scope
) -> List[Output]:
    """Give what a call may trigger with; empty for a call that can trigger nothing."""
    describe = _OUTPUTS.get((service, operation))
    if describe is None:
        return []
    return [output for output in describe(params, response, scope) if len(output) > 1]


def resource_of(service: str, params: Parameters, scope: Scope) -> Optional[str]:
    """Name what a call works on: a table, a bucket, the ARN of a queue; None when unknown."""
    if service == "lambda":
        name = params.get("FunctionName")
        return function_name(name) if isinstance(name, str) else None
    if service == "sqs":
        return _queue_arn(params.get("QueueUrl"), scope)
    if service == "kinesis":
        return _stream_arn(params, scope)
    if service == "dynamodb" and isinstance(params.get("RequestItems"), dict):
        return ", ".join(map(_table_name, params["RequestItems"]))[:_RESOURCE_LIMIT]
    for name in _RESOURCE_PARAMETERS:
        value = params.get(name)
        if isinstance(value, str) and value:
            return (_table_name(value) if name == "TableName" else value)[:_RESOURCE_LIMIT]
    return None


def key_of(service: str, params: Parameters) -> Optional[str]:
    """Give the key that a call reads or writes, where it has exactly one."""
    key = params.get("Key")
    if service == "s3" and isinstance(key, str):
        return key
    if service == "dynamodb" and isinstance(key, dict):
        return wire.canonical_key(key)
    return None


def function_name(name: str) -> str:
    """Reduce what Invoke takes (name, partial or full ARN, with qualifier) to the bare name."""
    parts = name.split(":")
    if parts[0] == "arn" and len(parts) > 6:
        return parts[6]
    if len(parts) > 2 and parts[1] == "function":
        return parts[2]
    return parts[0]


# --- DynamoDB -----------------------------------------------------------------------------


def _put_item(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    return [_put(params["TableName"], params["Item"])]


def _update_item(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    output = _keyed(params["TableName"], params["Key"])
    if params.get("ReturnValues") == "ALL_NEW" and response.get("Attributes"):
        output[wire.HASH] = wire.item_hash(response["Attributes"])
    return [output]


def _delete_item(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    return [_keyed(params["TableName"], params["Key"])]


def _batch_write_item(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    unprocessed = response.get("UnprocessedItems") or {}
    outputs = []
    for table, requests in params["RequestItems"].items():
        left = [_written(table, request) for request in unprocessed.get(table, [])]
        for request in requests:
            output = _written(table, request)
            if output in left:
                left.remove(output)
            else:
                outputs.append(output)
    return outputs


def _written(table: str, request: Parameters) -> Output:
    if "PutRequest" in request:
        return _put(table, request["PutRequest"]["Item"])
    return _keyed(table, request["DeleteRequest"]["Key"])


def _transact_write_items(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    outputs = []
    for entry in params["TransactItems"]:
        if "Put" in entry:
            outputs.append(_put(entry["Put"]["TableName"], entry["Put"]["Item"]))
        for kind in ("Update", "Delete"):  # a ConditionCheck writes nothing
            if kind in entry:
                outputs.append(_keyed(entry[kind]["TableName"], entry[kind]["Key"]))
    return outputs


def _put(table: str, item: Parameters) -> Output:
    texts = {}
    hashes: Dict[str, str] = {}
    for name, typed in item.items():
        texts[name] = text = wire.value_text(typed)
        if len(hashes) < _HASHED_ATTRIBUTES:
            ((kind, value),) = typed.items()
            if kind in _KEY_KINDS and 0 < len(value) <= _KEY_LIMIT:
                hashes[name] = wire.hash_of_attribute(name, text)
    return {
        wire.RESOURCE: _table_name(table),
        wire.HASH: wire.hash_of_item(texts),
        wire.ATTRIBUTE_HASHES: hashes,
    }


def _keyed(table: str, key: Parameters) -> Output:
    return {wire.RESOURCE: _table_name(table), wire.KEY: wire.canonical_key(key)}


def _table_name(table: str) -> str:
    """Reduce a table's ARN, which is allowed in a name's place, to the name."""
    return table.split("/")[1] if table.startswith("arn:") and "/" in table else table


# --- S3 -----------------------------------------------------------------------------------


def _s3_object(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    return [_object(params["Bucket"], params["Key"], response, response)]


def _copy_object(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    result = {**response, **(response.get("CopyObjectResult") or {})}
    return [_object(params["Bucket"], params["Key"], result, response)]


def _delete_objects(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    failed = {(entry.get("Key"), entry.get("VersionId")) for entry in response.get("Errors", [])}
    deleted = {entry.get("Key"): entry for entry in response.get("Deleted", [])}
    outputs = []
    # Of the request and not of the response, which is empty when it was asked to be quiet.
    for entry in params["Delete"]["Objects"]:
        if (entry["Key"], entry.get("VersionId")) not in failed:
            result = dict(deleted.get(entry["Key"], {}))
            # A delete marker is a version of its own, and the one that the event names.
            result["VersionId"] = result.get("DeleteMarkerVersionId") or result.get("VersionId")
            outputs.append(_object(params["Bucket"], entry["Key"], result, response))
    return outputs


def _object(bucket: str, key: str, result: Parameters, response: Parameters) -> Output:
    etag = result.get("ETag")
    ids = {
        wire.ID_S3_REQUEST: _request_id(response),
        wire.ID_S3_VERSION: result.get("VersionId"),
        wire.ID_S3_ETAG: etag.strip('"') if etag else None,
    }
    return _identified(bucket, ids, key=key)


# --- messages, events, streams ------------------------------------------------------------


def _publish(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    return _messages(_topic(params), wire.ID_SNS_MESSAGE, [response])


def _publish_batch(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    return _messages(_topic(params), wire.ID_SNS_MESSAGE, response.get("Successful", []))


def _topic(params: Parameters) -> Optional[str]:
    return params.get("TopicArn") or params.get("TargetArn")  # never a PhoneNumber


def _send_message(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    queue = _queue_arn(params.get("QueueUrl"), scope)
    return _messages(queue, wire.ID_SQS_MESSAGE, [response])


def _send_message_batch(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    queue = _queue_arn(params.get("QueueUrl"), scope)
    return _messages(queue, wire.ID_SQS_MESSAGE, response.get("Successful", []))


def _messages(resource: Optional[str], kind: str, results: List[Any]) -> List[Output]:
    return [_identified(resource, {kind: result.get("MessageId")}) for result in results]


def _queue_arn(url: Any, scope: Scope) -> Optional[str]:
    """Make "arn:aws:sqs:<region>:<account>:<name>" of "https://.../<account>/<name>"."""
    parts = url.rsplit("/", 2) if isinstance(url, str) else []
    if len(parts) < 3:
        return None
    return scope.arn("sqs", parts[2], parts[1])


def _put_events(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    return [
        _identified(
            (entry.get("EventBusName") or "default").rpartition("/")[2],
            {wire.ID_EVENT: result.get("EventId")},
        )
        for entry, result in zip(  # noqa: B905 (strict= is of Python 3.10; without it, 3.9 too)
            params["Entries"], response.get("Entries", [])
        )
    ]


def _put_record(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    return _stream_records(params, [response], scope)


def _put_records(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    return _stream_records(params, response.get("Records", []), scope)


def _stream_records(params: Parameters, results: List[Any], scope: Scope) -> List[Output]:
    arn = _stream_arn(params, scope)
    return [
        _identified(arn, {wire.ID_KINESIS: "%s:%s" % (result["ShardId"], result["SequenceNumber"])})
        for result in results
        if result.get("SequenceNumber")  # of a batch, some may have failed
    ]


def _stream_arn(params: Parameters, scope: Scope) -> Optional[str]:
    name = params.get("StreamName")
    return params.get("StreamARN") or (scope.arn("kinesis", "stream/" + name) if name else None)


# --- functions and state machines ---------------------------------------------------------


def _invoke(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    if params.get("InvocationType") == "DryRun":
        return []
    output = _identified(
        function_name(params["FunctionName"]), {wire.ID_LAMBDA_REQUEST: _request_id(response)}
    )
    payload = params.get("Payload") or params.get("InvokeArgs") or b"{}"
    # A file cannot be read a second time without the user noticing.
    if isinstance(payload, (bytes, bytearray, str)) and len(payload) <= HASHED_CHARS:
        output[wire.HASH] = wire.payload_hash(payload)
    return [output]


def _start_execution(params: Parameters, response: Parameters, scope: Scope) -> List[Output]:
    return [
        _identified(params["stateMachineArn"], {wire.ID_EXECUTION: response.get("executionArn")})
    ]


# --- helpers ------------------------------------------------------------------------------


def _identified(
    resource: Optional[str], ids: Mapping[str, Any], key: Optional[str] = None
) -> Output:
    output: Output = {wire.RESOURCE: resource or ""}
    if key is not None:
        output[wire.KEY] = key
    found = {kind: value for kind, value in ids.items() if value}
    if found:
        output[wire.IDS] = found
    return output


def _request_id(response: Parameters) -> Optional[str]:
    metadata: Parameters = response.get("ResponseMetadata") or {}
    request_id: Optional[str] = metadata.get("RequestId")
    return request_id


_OUTPUTS: Dict[Any, Callable[[Parameters, Parameters, Scope], List[Output]]] = {
    ("dynamodb", "PutItem"): _put_item,
    ("dynamodb", "UpdateItem"): _update_item,
    ("dynamodb", "DeleteItem"): _delete_item,
    ("dynamodb", "BatchWriteItem"): _batch_write_item,
    ("dynamodb", "TransactWriteItems"): _transact_write_items,
    ("s3", "PutObject"): _s3_object,
    ("s3", "CopyObject"): _copy_object,
    ("s3", "CompleteMultipartUpload"): _s3_object,
    ("s3", "DeleteObject"): _s3_object,
    ("s3", "DeleteObjects"): _delete_objects,
    ("sns", "Publish"): _publish,
    ("sns", "PublishBatch"): _publish_batch,
    ("sqs", "SendMessage"): _send_message,
    ("sqs", "SendMessageBatch"): _send_message_batch,
    ("events", "PutEvents"): _put_events,
    ("kinesis", "PutRecord"): _put_record,
    ("kinesis", "PutRecords"): _put_records,
    ("lambda", "Invoke"): _invoke,
    ("lambda", "InvokeAsync"): _invoke,
    ("lambda", "InvokeWithResponseStream"): _invoke,
    ("stepfunctions", "StartExecution"): _start_execution,
    ("stepfunctions", "StartSyncExecution"): _start_execution,
}

# Parameters that name what a call works on, the first that is there counts.
_RESOURCE_PARAMETERS = (
    "TableName",
    "Bucket",
    "TopicArn",
    "TargetArn",
    "stateMachineArn",
    "DeliveryStreamName",
    "EventBusName",
    "SecretId",
    "KeyId",
    "logGroupName",
    "LogGroupName",
    "Name",
)
