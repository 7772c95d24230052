"""Events as Lambda delivers them, one of each kind, in the shapes that AWS documents."""

from __future__ import annotations

from typing import Any

from gammaray_recorder import causes
from gammaray_recorder.invocation import Invocation
from tests.unit.recorder.support import ACCOUNT, REGION, Context, Json

STREAM = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders/stream/2026-03-01T10:00:00.000"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:jobs"
ROOT = "1-65f1a2b3-0123456789abcdef01234567"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN_ID = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"


def change(name: str, keys: Json, image: Json | None = None, **more: Any) -> Json:
    """A record of a DynamoDB stream."""
    images = {} if image is None else {"NewImage": image}
    return {
        "eventID": "7de3041dd709b024af6f29e4fa13d34c",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": 1773000000.0,
            "Keys": keys,
            **images,
            "SequenceNumber": "700000000001",
            "SizeBytes": 12,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": STREAM,
        **more,
    }


def notification(key: str, name: str = "ObjectCreated:Put", **thing: Any) -> Json:
    """A record of an S3 notification."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": "2026-03-01T10:00:00.000Z",
        "eventName": name,
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE:Resize"},
        "requestParameters": {"sourceIPAddress": "203.0.113.9"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURI"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "upload",
            "bucket": {"name": "photos", "arn": "arn:aws:s3:::photos"},
            "object": {"key": key, "sequencer": "0055AED6DCD90281E5", **thing},
        },
    }


def published(
    message: str,
    message_id: str = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
    subject: str | None = "hello",
) -> Json:
    """A record of an SNS delivery."""
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": f"{TOPIC}:7f1e",
        "Sns": {"Type": "Notification", "MessageId": message_id, "TopicArn": TOPIC,
                "Subject": subject, "Message": message, "Timestamp": "2026-03-01T10:00:00Z"},
    }  # fmt: skip


def queued(body: str, message_id: str = "2e1424d4-f796-459a-8184-9c92662be6da") -> Json:
    """A record of an SQS delivery."""
    return {
        "messageId": message_id,
        "receiptHandle": "AQEBzWwaftRI0KuVm4tP",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "AWSTraceHeader": f"Root={ROOT};Sampled=1"},
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE,
        "awsRegion": REGION,
    }


def streamed(sequence: str) -> Json:
    """A record of a Kinesis stream."""
    return {
        "kinesis": {"kinesisSchemaVersion": "1.0", "partitionKey": "1",
                    "sequenceNumber": sequence, "data": "c2VjcmV0"},
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000006:{sequence}",
        "eventName": "aws:kinesis:record",
        "awsRegion": REGION,
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/clicks",
    }  # fmt: skip


def bridged(source: str, kind: str, detail: Json, *resources: str) -> Json:
    """An event of EventBridge."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": kind,
        "source": source,
        "account": ACCOUNT,
        "time": "2026-03-01T10:00:00Z",
        "region": REGION,
        "resources": list(resources),
        "detail": detail,
    }


KEY = {"id": {"S": "o-1"}}
IMAGE = {"id": {"S": "o-1"}, "total": {"N": "12.50"}, "photo": {"B": "AQID"}}
STREAM_IDS = {"ddb_event": "7de3041dd709b024af6f29e4fa13d34c", "ddb_seq": "700000000001"}
S3_IDS = {"s3_request": "C3D13FE58DE4C810", "s3_seq": "0055AED6DCD90281E5"}

REST = {
    "resource": "/{proxy+}",
    "path": "/orders/7",
    "httpMethod": "POST",
    "headers": {"Host": "abc123.execute-api.us-west-2.amazonaws.com", "TraceParent": TRACEPARENT},
    "multiValueHeaders": {"TraceParent": [TRACEPARENT, "00-other"]},
    "requestContext": {
        "resourceId": "kxz1",
        "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "extendedRequestId": "JKJaXmPLvHcESHA=",
        "domainName": "abc123.execute-api.us-west-2.amazonaws.com",
        "path": "/prod/orders/7",
        "httpMethod": "POST",
        "apiId": "abc123",
    },
    "body": "secret",
}
HTTP = {
    "version": "2.0",
    "rawPath": "/orders/7",
    "rawQueryString": "token=secret",
    "headers": {"traceparent": TRACEPARENT, "x-amzn-trace-id": f"Root={ROOT}"},
    "requestContext": {
        "domainName": "abc123.execute-api.us-west-2.amazonaws.com",
        "http": {"method": "GET", "path": "/orders/7"},
        "requestId": "JKJaXmPLvHcESHA=",
    },
}
FUNCTION_URL = {
    **HTTP,
    "requestContext": {
        **HTTP["requestContext"],  # type: ignore[dict-item]
        "domainName": "ab12.lambda-url.us-west-2.on.aws",
    },
}
ALB = {
    "requestContext": {"elb": {"targetGroupArn": f"arn:aws:elasticloadbalancing:{REGION}:x"}},
    "httpMethod": "GET",
    "path": "/health",
    "multiValueHeaders": {"host": ["lb-1.example.com"], "traceparent": [TRACEPARENT]},
    "body": "secret",
}
LATTICE = {
    "version": "2.0",
    "path": "/items",
    "method": "PUT",
    "headers": {"host": ["items.vpc-lattice-svcs.us-west-2.on.aws"], "traceparent": [TRACEPARENT]},
    "requestContext": {
        "serviceArn": f"arn:aws:vpc-lattice:{REGION}:{ACCOUNT}:service/svc-1",
        "timeEpoch": "1773000000177430",
    },
    "body": "secret",
}
LATTICE_OLD = {
    "raw_path": "/items?token=secret",
    "method": "PUT",
    "headers": {"host": "items.vpc-lattice-svcs.us-west-2.on.aws", "traceparent": TRACEPARENT},
    "body": "secret",
}
WEBSOCKET = {
    "requestContext": {
        "routeKey": "$default",
        "eventType": "MESSAGE",
        "connectionId": "L0SM9cOFvHcCIhw=",
        "requestId": "JKJaXmPLvHcESHA=",
        "domainName": "abc123.execute-api.us-west-2.amazonaws.com",
        "stage": "prod",
    },
    "body": "secret",
}

BY_KIND: list[tuple[Json, Json]] = [
    ({"type": "TOKEN", "authorizationToken": "secret", "methodArn": "arn:aws:execute-api:x"},
     {"s": "http", "res": "arn:aws:execute-api:x", "name": "authorizer"}),
    ({**REST, "type": "REQUEST", "methodArn": "arn:aws:execute-api:x"},
     {"s": "http", "name": "authorizer"}),
    ({**HTTP, "type": "REQUEST", "routeArn": "arn:aws:execute-api:x"},
     {"s": "http", "name": "authorizer"}),
    ({"RequestType": "Create", "StackId": "arn:aws:cloudformation:s", "LogicalResourceId": "L",
      "ResponseURL": "https://secret"},
     {"s": "cloudformation", "res": "arn:aws:cloudformation:s", "name": "Create"}),
    ({"awslogs": {"data": "H4sI"}}, {"s": "logs"}),
    ({"CodePipeline.job": {"id": "c968ef10", "data": {"artifactCredentials": "secret"}}},
     {"s": "codepipeline", "res": "c968ef10"}),
    ({"version": 2, "eventType": "SyncTrigger", "identityPoolId": "pool", "datasetName": "d"},
     {"s": "cognito", "res": "pool", "name": "SyncTrigger"}),
    ({"triggerSource": "PreSignUp_SignUp", "userPoolId": "us-west-2_x", "request": {"secret": 1}},
     {"s": "cognito", "res": "us-west-2_x", "name": "PreSignUp_SignUp"}),
    ({"invokingEvent": "{}", "configRuleArn": "arn:aws:config:r", "configRuleName": "encrypted"},
     {"s": "config", "res": "arn:aws:config:r", "name": "encrypted"}),
    ({"Name": "ContactFlowEvent", "Details": {"ContactData": {"InstanceARN": "arn:aws:c"}}},
     {"s": "connect", "res": "arn:aws:c", "name": "ContactFlowEvent"}),
    ({"bot": {"name": "OrderBot"}, "sessionState": {}, "inputTranscript": "secret"},
     {"s": "lex", "res": "OrderBot"}),
    ({"bot": {"name": "OldBot"}, "currentIntent": {}}, {"s": "lex", "res": "OldBot"}),
    ({"invocationSchemaVersion": "1.0", "job": {"id": "f3cc4f60"}, "tasks": [{"s3Key": "k"}]},
     {"s": "s3batch", "res": "f3cc4f60"}),
    ({"xAmzRequestId": "r", "headObjectContext": {},
      "configuration": {"accessPointArn": "arn:aws:s3:ap"}},
     {"s": "s3objectlambda", "res": "arn:aws:s3:ap"}),
    ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"},
     {"s": "s3", "res": "photos", "name": "s3:TestEvent"}),
    ({"source": "aws.cloudwatch", "alarmArn": "arn:aws:cloudwatch:a",
      "alarmData": {"alarmName": "a", "state": {"value": "ALARM", "reason": "secret"}}},
     {"s": "cloudwatch", "res": "arn:aws:cloudwatch:a"}),
    ({"Records": [], "window": {"start": "2026-03-01T10:00:00Z"}, "state": {"secret": 1},
      "eventSourceARN": "arn:aws:kinesis:s", "isFinalInvokeForWindow": True},
     {"s": "window", "res": "arn:aws:kinesis:s"}),
    ({"SecretId": "arn:aws:sm", "ClientRequestToken": "t", "Step": "createSecret"},
     {"s": "secretsmanager", "res": "arn:aws:sm", "name": "createSecret"}),
    ({"info": {"parentTypeName": "Query", "fieldName": "me"}, "arguments": {}, "request": {}},
     {"s": "appsync", "name": "Query.me"}),
    ({"info": {"parentTypeName": "Query", "fieldName": "me"}, "arguments": {},
      "request": {"headers": {"traceparent": TRACEPARENT, "authorization": "secret"}}},
     {"s": "appsync", "name": "Query.me", "ids": {"traceparent": f"{TRACE_ID}-{SPAN_ID}"}}),
    ({"serialNumber": "G030JF055364XVRB", "clickType": "SINGLE"}, {"s": "iot", "name": "SINGLE"}),
    ({"eventSource": "aws:mq", "eventSourceArn": "arn:aws:mq:b", "messages": [{"data": "x"}]},
     {"s": "mq", "res": "arn:aws:mq:b"}),
    ({"eventSource": "aws:docdb", "eventSourceArn": "arn:aws:rds:c", "events": []},
     {"s": "docdb", "res": "arn:aws:rds:c"}),
    ({"Records": [{"eventSource": "aws:ses", "ses": {"mail": {"messageId": "m"}}}]},
     {"s": "ses", "name": "Receipt"}),
    ({"Records": [{"eventSource": "aws:codecommit", "eventSourceARN": "arn:aws:cc:r"}]},
     {"s": "codecommit", "res": "arn:aws:cc:r"}),
    ({"Records": [{"cf": {"config": {"distributionId": "EX", "eventType": "viewer-request"}}}]},
     {"s": "cloudfront", "res": "EX", "name": "viewer-request"}),
]  # fmt: skip


def read(event: Any) -> list[Json]:
    """Give the causes that the recorder reads from an event."""
    return causes.read(event, Invocation(Context(), REGION))
