"""What a call to AWS works on and may trigger with: its items, messages or objects.

Each function takes the call's parameters (typed, as they were sent) and the parsed response.
Of a call without a response (a timeout, a broken connection) the response is empty: what it
wrote is still described, for it may have been written. Nothing here keeps a body, an item or
a payload: only keys, hashes and ids leave this module.
"""

from __future__ import annotations

from gammaray_recorder import calls_dynamodb, wire
from gammaray_recorder.causes import HASHED_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

    from gammaray_recorder.invocation import Event, Invocation

    Parameters = Mapping[str, Any]
    Output = Dict[str, Any]
    # The invocation that made a call, and the region that it was sent to.
    Place = Tuple[Invocation, str]

_RESOURCE_LIMIT = 512
_SENDING = ("events", "kinesis", "sns", "sqs")
_EMPTY_PAYLOAD = 2  # "{}" would be equal to too many


def describe(
    event: Event, params: Parameters, response: Optional[Parameters], place: Place
) -> None:
    """Add to a call's event what it worked on and what it may trigger with.

    Args:
        event: the call so far: its service, its operation, and its error if it failed.
        params: the call's parameters.
        response: None when there was none.
        place: where it was made from and sent to.
    """
    service = event[wire.SERVICE]
    resource = resource_of(service, params, place)
    if resource:
        event[wire.RESOURCE] = resource
    if wire.ERROR in event and response is not None:
        return  # answered with an error: nothing was written
    outputs_of = _OUTPUTS.get((service, event[wire.OPERATION]))
    if outputs_of is not None:
        # One that names but the resource could not be matched with anything.
        outputs = [
            output for output in outputs_of(params, response or {}, place) if len(output) > 1
        ]
        if response is None and service in _SENDING and not outputs:
            outputs = [{wire.RESOURCE: resource or ""}]  # it may have been sent
        if outputs:
            event[wire.OUTPUTS] = outputs
            return
    key = params.get("Key")
    if service == "dynamodb":
        if isinstance(key, dict):
            event[wire.KEY] = wire.canonical_key(key)
    elif service == "s3" and isinstance(key, str):
        event[wire.KEY] = key


def can_trigger(service: str, operation: str) -> bool:
    """Tell whether an operation writes or sends what can invoke a function."""
    return (service, operation) in _OUTPUTS


def resource_of(service: str, params: Parameters, place: Place) -> Optional[str]:
    """Name what a call works on: a table, a bucket, the ARN of a queue; None when unknown."""
    resource_of_service = _RESOURCES.get(service)
    if resource_of_service is not None:
        return resource_of_service(params, place)
    for name in _RESOURCE_PARAMETERS:
        value = params.get(name)
        if isinstance(value, str) and value:
            return value[:_RESOURCE_LIMIT]
    return None


def function_name(name: str) -> str:
    """Reduce what Invoke takes (name, partial or full ARN, with qualifier) to the bare name."""
    parts = (name.partition(":function:")[2] or name).split(":")
    after_account = len(parts) > 1 and len(parts[0]) == 12 and parts[0].isdigit()
    return parts[1 if after_account else 0]


def _arn(place: Place, service: str, name: str, account: str = "") -> str:
    """Make the ARN of a resource in the region that the call was sent to."""
    invocation, region = place
    account = account or invocation.account
    return "arn:%s:%s:%s:%s:%s" % (invocation.partition, service, region, account, name)


# --- S3 -----------------------------------------------------------------------------------


def _s3_object(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return [_object(params["Bucket"], params["Key"], response, response)]


def _copy_object(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    result = {**response, **(response.get("CopyObjectResult") or {})}
    return [_object(params["Bucket"], params["Key"], result, response)]


def _rename_object(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return [_object(params["Bucket"], params["Key"], {}, response)]


def _delete_objects(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    failed = {(entry.get("Key"), entry.get("VersionId")) for entry in response.get("Errors", [])}
    deleted = {
        (entry.get("Key"), entry.get("VersionId")): entry for entry in response.get("Deleted", [])
    }
    outputs = []
    # Of the request and not of the response, which is empty when it was asked to be quiet.
    for entry in params["Delete"]["Objects"]:
        if (entry["Key"], entry.get("VersionId")) not in failed:
            version = entry.get("VersionId")
            marker = deleted.get((entry["Key"], version), {}).get("DeleteMarkerVersionId")
            # A delete marker is a version of its own, and the one that the event names.
            result = {"VersionId": marker or version}
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


# --- messages, events ---------------------------------------------------------------------


def _publish(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    topic = params.get("TopicArn") or params.get("TargetArn")  # never a PhoneNumber
    return _messages(topic, wire.ID_SNS_MESSAGE, response)


def _send_message(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return _messages(_queue(params, place), wire.ID_SQS_MESSAGE, response)


def _messages(resource: Optional[str], kind: str, response: Parameters) -> List[Output]:
    results = response.get("Successful", [response])  # of a batch, or of one
    return [_identified(resource, {kind: result.get("MessageId")}) for result in results]


def _queue(params: Parameters, place: Place) -> Optional[str]:
    """Make "arn:aws:sqs:<region>:<account>:<name>" of "https://.../<account>/<name>"."""
    url = params.get("QueueUrl")
    parts = url.rsplit("/", 2) if isinstance(url, str) else []
    if len(parts) < 3:
        return None
    return _arn(place, "sqs", parts[2], parts[1])


def _put_events(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return [
        _identified(
            (entry.get("EventBusName") or "default").rpartition("/")[2],
            {wire.ID_EVENT: result.get("EventId")},
        )
        for entry, result in _answered(params["Entries"], response, "Entries")
    ]


def _answered(entries: List[Any], response: Parameters, name: str) -> List[Tuple[Any, Any]]:
    """Give the entries of a batch that were taken, each with its answer."""
    return [
        (entry, result)
        for entry, result in zip(  # noqa: B905 (strict= is of Python 3.10; without it, 3.9 too)
            entries, response.get(name, [])
        )
        if not result.get("ErrorCode")
    ]


def _iot_publish(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    # No id leads on: a rule hands the message itself to a function.
    output = {wire.RESOURCE: params.get("topic") or ""}
    payload = params.get("payload") or b""
    return [_hashed(output, payload) if len(payload) > _EMPTY_PAYLOAD else output]


# --- streams ------------------------------------------------------------------------------


def _put_records(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    arn = _stream(params, place)
    return [
        _identified(arn, {wire.ID_KINESIS: "%s:%s" % (result["ShardId"], result["SequenceNumber"])})
        for result in response.get("Records", [response])
        if result.get("SequenceNumber")  # of a batch, some may have failed
    ]


def _stream(params: Parameters, place: Place) -> Optional[str]:
    name = params.get("StreamName")
    return params.get("StreamARN") or (_arn(place, "kinesis", "stream/" + name) if name else None)


def _deliver(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    return _deliveries(params, [params["Record"]], place)


def _deliver_batch(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    taken = _answered(params["Records"], response, "RequestResponses")
    return _deliveries(params, [record for record, _ in taken], place)


def _deliveries(params: Parameters, records: List[Any], place: Place) -> List[Output]:
    # A transformation shows another id than the one that is answered, but the same data.
    output = {wire.RESOURCE: _delivery_stream(params, place) or ""}
    return [
        {**output, wire.HASH: wire.data_hash(data if isinstance(data, bytes) else data.encode())}
        for data in (record["Data"] for record in records)
    ]


def _delivery_stream(params: Parameters, place: Place) -> Optional[str]:
    name = params.get("DeliveryStreamName")
    return _arn(place, "firehose", "deliverystream/%s" % name) if name else None


# --- functions, state machines, schedules -------------------------------------------------


def _invoke(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    kind = params.get("InvocationType")
    if kind == "DryRun":
        return []
    output = _identified(_function(params, place), {wire.ID_LAMBDA_REQUEST: _request_id(response)})
    if kind == "Event" or "InvokeArgs" in params:
        output[wire.OPERATION] = wire.INVOKE_LATER
    return [_hashed(output, params.get("Payload") or params.get("InvokeArgs") or b"{}")]


def _function(params: Parameters, place: Place) -> Optional[str]:
    name = params.get("FunctionName")
    return function_name(name) if isinstance(name, str) else None


def _start_execution(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    arn = response.get("executionArn")
    return [_identified(params["stateMachineArn"], {wire.ID_EXECUTION: arn})]


def _schedule(params: Parameters, response: Parameters, place: Place) -> List[Output]:
    """Describe what a schedule will do: its ARN comes with its events, or its input alone does."""
    target = params.get("Target") or {}
    arn = str(target.get("Arn", ""))
    schedule = response.get("ScheduleArn") or _schedule_arn(params, place)
    output = _identified(
        function_name(arn) if ":lambda:" in arn else arn, {wire.ID_SCHEDULE: schedule}
    )
    text = target.get("Input")
    # The scheduler fills its own words ("<aws.scheduler.execution-id>") in when it fires.
    if text and "<aws.scheduler." not in text:
        _hashed(output, text)
    return [output]


def _schedule_arn(params: Parameters, place: Place) -> Optional[str]:
    if not params.get("Name"):
        return None
    name = "schedule/%s/%s" % (params.get("GroupName") or "default", params["Name"])
    return _arn(place, "scheduler", name)


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


def _hashed(output: Output, data: Any) -> Output:
    """Add a hash of what was sent, unless that is a file, which can be read but once, or huge."""
    if isinstance(data, (bytes, bytearray, str)) and len(data) <= HASHED_CHARS:
        output[wire.HASH] = wire.payload_hash(data)
    return output


def _request_id(response: Parameters) -> Optional[str]:
    metadata: Parameters = response.get("ResponseMetadata") or {}
    request_id: Optional[str] = metadata.get("RequestId")
    return request_id


_OUTPUTS: Dict[Any, Callable[[Parameters, Parameters, Place], List[Output]]] = {
    **calls_dynamodb.OUTPUTS,
    ("s3", "PutObject"): _s3_object,
    ("s3", "CopyObject"): _copy_object,
    ("s3", "CompleteMultipartUpload"): _s3_object,
    ("s3", "RenameObject"): _rename_object,
    ("s3", "DeleteObject"): _s3_object,
    ("s3", "DeleteObjects"): _delete_objects,
    ("sns", "Publish"): _publish,
    ("sns", "PublishBatch"): _publish,
    ("sqs", "SendMessage"): _send_message,
    ("sqs", "SendMessageBatch"): _send_message,
    ("events", "PutEvents"): _put_events,
    ("iot-data", "Publish"): _iot_publish,
    ("kinesis", "PutRecord"): _put_records,
    ("kinesis", "PutRecords"): _put_records,
    ("firehose", "PutRecord"): _deliver,
    ("firehose", "PutRecordBatch"): _deliver_batch,
    ("lambda", "Invoke"): _invoke,
    ("lambda", "InvokeAsync"): _invoke,
    ("lambda", "InvokeWithResponseStream"): _invoke,
    ("stepfunctions", "StartExecution"): _start_execution,
    ("stepfunctions", "StartSyncExecution"): _start_execution,
    ("scheduler", "CreateSchedule"): _schedule,
    ("scheduler", "UpdateSchedule"): _schedule,
}

# How the resource of a service's calls is found, where one parameter does not name it.
_RESOURCES: Dict[str, Callable[[Parameters, Place], Optional[str]]] = {
    "dynamodb": calls_dynamodb.resource_of,
    "lambda": _function,
    "sqs": _queue,
    "kinesis": _stream,
    "firehose": _delivery_stream,
}

# Parameters that name what a call works on, the first that is there counts.
_RESOURCE_PARAMETERS = (
    "Bucket",
    "TopicArn",
    "TargetArn",
    "stateMachineArn",
    "EventBusName",
    "topic",
    "SecretId",
    "KeyId",
    "logGroupName",
    "LogGroupName",
    "TableName",
    "Name",
)
