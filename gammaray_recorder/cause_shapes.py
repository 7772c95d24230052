"""Events without records, told apart by their shape: HTTP requests and what services send."""

from __future__ import annotations

from binascii import a2b_base64

from gammaray_recorder import wire
from gammaray_recorder.cause import bring_result, cause, mapping, result_in, trace_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from gammaray_recorder.cause import Cause

_OWN_KAFKA = "SelfManagedKafka"
# How a state machine that starts another one is told to name its own execution.
_STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


def read(event: Dict[str, Any]) -> List[Cause]:
    """Give the causes of an event whose shape is known; none when it is not."""
    if "requestContext" in event or {"raw_path", "method"} <= event.keys():
        return _http(event)
    if "detail-type" in event and "source" in event:
        from gammaray_recorder.cause_records import event_bridge

        return event_bridge(event)
    source = event.get("eventSource")
    if isinstance(source, str) and (source.startswith("aws:") or source == _OWN_KAFKA):
        return _message_broker(source.rpartition(":")[2].lower(), event)
    if isinstance(event.get("records"), list) and "invocationId" in event:
        return _transformation(event)
    if "methodArn" in event:
        return [cause("http", event["methodArn"], name="authorizer")]
    for marks, service, resource, *names in _SHAPES:
        if all(mark in event for mark in marks.split()):
            found = [_at(event, name) for name in names]
            name = ".".join(text for text in found if isinstance(text, str))
            # AppSync hands on the headers of the request that it answers.
            ids = {wire.ID_TRACEPARENT: _traceparent(mapping(event.get("request")))}
            return [cause(service, _at(event, resource), name=name, ids=ids)]
    return []


def _at(event: Dict[str, Any], path: str) -> Any:
    value: Any = event
    for name in path.split():
        value = mapping(value).get(name)
    return value


def invoker(event: Dict[str, Any]) -> Tuple[str, Dict[str, str]]:
    """Find what a caller told of itself: give its service and id, or "lambda" and none.

    A state machine passes its execution's ARN on as $$.Execution.Id, and what a Catch caught as
    Error and Cause; a schedule passes its own ARN on as <aws.scheduler.schedule-arn>.
    """
    if event.keys() == {"Error", "Cause"}:
        return "stepfunctions", {}
    executions: Dict[str, bool] = {}  # each, and whether only as the one behind the present one
    for name, value in event.items():
        for text in value.values() if isinstance(value, dict) else (value,):
            if isinstance(text, str) and text.startswith("arn:"):
                if ":states:" in text and (":execution:" in text or ":express:" in text):
                    executions[text] = name == _STARTED_BY and executions.get(text, True)
                elif ":scheduler:" in text and ":schedule/" in text and not executions:
                    return "schedule", {wire.ID_SCHEDULE: text}
    if not executions:
        return "lambda", {}
    own = [text for text, behind in executions.items() if not behind] or list(executions)
    # Of several, nothing tells which one is running.
    return "stepfunctions", {wire.ID_EXECUTION: own[0]} if len(own) == 1 else {}


def _http(event: Dict[str, Any]) -> List[Cause]:
    """Read a request from API Gateway, a function URL, an ALB or VPC Lattice."""
    context = mapping(event.get("requestContext"))
    if result_in(event):
        return [bring_result(cause("lambda"), context)]
    http = mapping(context.get("http"))
    host = context.get("domainName") or _header(event, "host") or ""
    if "elb" in context:
        name, method, path = "alb", event.get("httpMethod"), event.get("path")
    elif "serviceArn" in context or "raw_path" in event:
        name, method = "vpc-lattice", event.get("method")
        path = str(event.get("path") or event.get("raw_path")).partition("?")[0]
    elif "connectionId" in context:
        name, method, path = "websocket", context.get("eventType"), context.get("stage")
        path = "/%s" % path
    elif http:
        name, method, path = "http-api", http.get("method"), http.get("path")
        if ".lambda-url." in str(host):
            name = "function-url"
    elif context.get("apiId") or context.get("resourcePath") or context.get("requestId"):
        name, method = "rest-api", context.get("httpMethod") or event.get("httpMethod")
        path = context.get("path") or event.get("path")
    else:
        return []
    if event.get("type") == "REQUEST" and ("methodArn" in event or "routeArn" in event):
        name = "authorizer"
    return [
        cause(
            "http",
            "%s %s%s" % (method, host, path),
            name=name,
            at=context.get("requestTimeEpoch") or context.get("timeEpoch"),
            ids={
                wire.ID_TRACEPARENT: _traceparent(event),
                wire.ID_APIGW_REQUEST: context.get("requestId"),
                wire.ID_TRACE_ROOT: trace_root(_header(event, "x-amzn-trace-id")),
            },
        )
    ]


def _header(event: Dict[str, Any], name: str) -> Optional[str]:
    """Find a header, whatever its case; of one with several values, the first."""
    for headers in (event.get("headers"), event.get("multiValueHeaders")):
        for header, value in mapping(headers).items():
            if str(header).lower() == name:
                if isinstance(value, list):
                    value = value[0] if value else None
                if isinstance(value, str):
                    return value
    return None


def _traceparent(request: Dict[str, Any]) -> Optional[str]:
    """Take "<trace id>-<span id>" out of a W3C traceparent, "00-<trace id>-<span id>-01"."""
    # HTTP APIs and function URLs join the values of a repeated header with commas.
    header = _header(request, "traceparent") or ""
    parts = header.split(",", 1)[0].strip().split("-")
    if len(parts) < 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    return "%s-%s" % (parts[1].lower(), parts[2].lower())


def _message_broker(service: str, event: Dict[str, Any]) -> List[Cause]:
    """Read a batch of Kafka (records by topic partition), Amazon MQ or DocumentDB."""
    if service == _OWN_KAFKA.lower():
        service = "kafka"
    partitions = mapping(event.get("records"))
    if service != "kafka" or not partitions:
        arn = event.get("eventSourceArn") or event.get("eventSourceARN")
        return [cause(service, arn)]
    return [
        cause(
            service,
            found.get("topic"),
            key="%s:%s" % (found.get("partition"), found.get("offset")),
        )
        for records in partitions.values()
        for found in map(mapping, records)
    ]


def _transformation(event: Dict[str, Any]) -> List[Cause]:
    """Read the records that Firehose or Kinesis Analytics wants transformed."""
    # (The misspelt name stands in a sample event of AWS's own.)
    service, arn = "firehose", event.get("deliveryStreamArn") or event.get("deliverySteamArn")
    name = None
    if "applicationArn" in event:
        service, arn = "kinesisanalytics", event["applicationArn"]
    source = event.get("sourceKinesisStreamArn") or event.get("streamArn")
    if isinstance(source, str) and ":kinesis:" in source:
        name, arn = arn, source  # the stream's shard and sequence number prove what was put
    causes = []
    for record in map(mapping, event["records"]):
        origin = record.get("kinesisRecordMetadata") or record.get("kinesisStreamRecordMetadata")
        found = mapping(origin)
        shard, sequence = found.get("shardId"), found.get("sequenceNumber")
        ids = {wire.ID_KINESIS: "%s:%s" % (shard, sequence)} if shard and sequence else {}
        arrived = record.get("approximateArrivalTimestamp")
        at = arrived or found.get("approximateArrivalTimestamp")
        digest = None if ids else _data_hash(record.get("data"))
        causes.append(cause(service, arn, name=name, digest=digest, at=at, ids=ids))
    return causes


def _data_hash(data: Any) -> Optional[str]:
    """Hash what a record carries as base64; None when it is something else."""
    try:
        return wire.data_hash(a2b_base64(data))
    except (TypeError, ValueError):
        return None


# The fields that together tell a kind of event, its service, and where resource and name stand in
# it; the first that fits counts.
_SHAPES: Tuple[Any, ...] = (
    ("tasks job invocationSchemaVersion", "s3batch", "job id"),
    ("xAmzRequestId configuration", "s3objectlambda", "configuration accessPointArn"),
    ("Service Event Bucket", "s3", "Bucket", "Event"),
    ("awslogs", "logs", ""),
    ("alarmArn alarmData", "cloudwatch", "alarmArn"),
    ("window eventSourceARN", "window", "eventSourceARN"),
    ("triggerSource userPoolId", "cognito", "userPoolId", "triggerSource"),
    ("identityPoolId datasetName", "cognito", "identityPoolId", "eventType"),
    ("RequestType StackId LogicalResourceId", "cloudformation", "StackId", "RequestType"),
    ("invokingEvent configRuleArn", "config", "configRuleArn", "configRuleName"),
    ("CodePipeline.job", "codepipeline", "CodePipeline.job id"),
    ("Name Details", "connect", "Details ContactData InstanceARN", "Name"),
    ("bot sessionState", "lex", "bot name"),
    ("bot currentIntent", "lex", "bot name"),
    ("SecretId ClientRequestToken Step", "secretsmanager", "SecretId", "Step"),
    ("info arguments request", "appsync", "", "info parentTypeName", "info fieldName"),
    ("serialNumber clickType", "iot", "", "clickType"),
    ("messageVersion agent actionGroup", "bedrock", "agent id", "actionGroup"),
)
