"""Every error that people meet: what it was, on what, and what to do."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import pytest
from botocore import exceptions as boto

from providers.aws_errors import error_code, user_error
from providers.errors import UserError


def refused(
    code: str, message: str = "", operation: str = "GetRecords", status: int = 400
) -> boto.ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return boto.ClientError(response, operation)


def explain(error: BaseException, region: str = "us-west-2") -> UserError:
    return user_error(error, profile="worker", region=region, resource="table gammaRays")


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (refused("ExpiredTokenException"), "expired-token", "aws sso login --profile worker"),
        (refused("ExpiredToken"), "expired-token", "aws sso login --profile worker"),
        (
            refused("UnrecognizedClientException", "The security token is invalid"),
            "bad-credentials",
            "aws sts get-caller-identity --profile worker",
        ),
        (refused("InvalidSignatureException", "Signature mismatch"), "bad-credentials", "secret"),
        (
            refused("InvalidSignatureException", "Signature expired: 2026 is now earlier than"),
            "clock-skew",
            "Set the clock",
        ),
        (
            refused("SignatureDoesNotMatch", "Signature not yet current: x is still later than"),
            "clock-skew",
            "Set the clock",
        ),
        (refused("RequestTimeTooSkewed"), "clock-skew", "Set the clock"),
        (
            refused(
                "AccessDeniedException",
                "User: arn:aws:iam::1:user/x is not authorized to perform: "
                "dynamodb:GetRecords on resource: arn:aws:dynamodb:r:1:table/t/stream/s because",
            ),
            "access-denied",
            "allows dynamodb:GetRecords",
        ),
        (refused("AccessDenied", "", "DescribeTable"), "access-denied", "dynamodb:DescribeTable"),
        (
            refused("AccessDenied", "with an explicit deny in a service control policy"),
            "access-denied",
            "service control policy",
        ),
        (
            refused("ResourceNotFoundException", "", "DescribeTable"),
            "table-missing",
            "There is no table gammaRays",
        ),
        (refused("ResourceNotFoundException"), "not-found", "does not exist"),
        (refused("ThrottlingException"), "throttled", "two readers a shard"),
        (refused("LimitExceededException"), "throttled", "two readers a shard"),
        (refused("ProvisionedThroughputExceededException"), "throttled", "two readers a shard"),
        (refused("OptInRequired"), "region-disabled", "Enable the region"),
        (refused("InternalServerError", "", "GetRecords", 500), "server-error", "passes by itself"),
        (refused("503", "", "GetRecords", 503), "server-error", "passes by itself"),
        (refused("404", "", "DescribeTable", 404), "not-aws", "--endpoint-url"),
        (refused("501", "", "GetRecords", 501), "not-aws", "--endpoint-url"),
        (refused("SomethingNew", "hello"), "error", "GetRecords failed: SomethingNew hello"),
        (boto.ProfileNotFound(profile="worker"), "unknown-profile", "aws configure"),
        (boto.NoCredentialsError(), "no-credentials", "--profile NAME"),
        (
            boto.PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"),
            "no-credentials",
            "aws_secret_access_key",
        ),
        (
            boto.CredentialRetrievalError(provider="custom-process", error_msg="exit 1"),
            "no-credentials",
            "exit 1",
        ),
        (boto.SSOTokenLoadError(error_msg="x"), "expired-token", "aws sso login --profile worker"),
        (boto.UnauthorizedSSOTokenError(), "expired-token", "aws sso login --profile worker"),
        (
            boto.TokenRetrievalError(provider="sso", error_msg="x"),
            "expired-token",
            "aws sso login --profile worker",
        ),
        (boto.LoginRefreshRequired(), "expired-token", "aws login --profile worker"),
        (boto.RefreshWithMFAUnsupportedError(), "mfa-needed", "enter the code"),
        (boto.NoRegionError(), "no-region", "--region"),
        (boto.InvalidRegionError(region_name="x y"), "unknown-region", "us-west-2"),
        (boto.ConfigParseError(path="/x"), "bad-config", "configuration file"),
        (
            boto.SSLError(endpoint_url="https://e", error=OSError("x")),
            "ssl",
            "AWS_CA_BUNDLE",
        ),
        (
            boto.ConnectTimeoutError(endpoint_url="https://e"),
            "unreachable",
            "https://e does not answer",
        ),
        (boto.ReadTimeoutError(endpoint_url="https://e"), "unreachable", "in time"),
        (boto.ConnectionClosedError(endpoint_url="https://e"), "unreachable", "closed"),
        (boto.ProxyConnectionError(proxy_url="http://p:1"), "unreachable", "HTTPS_PROXY"),
        (
            boto.EndpointConnectionError(
                endpoint_url="http://127.0.0.1:1", error=ConnectionRefusedError(111, "refused")
            ),
            "unreachable",
            "`gammaray-tui demo`",
        ),
        (
            boto.EndpointConnectionError(
                endpoint_url="https://e", error=socket.gaierror(-2, "unknown")
            ),
            "unreachable",
            "no address",
        ),
        (TimeoutError(), "unreachable", "Check the network"),
        (msgspec.DecodeError("x"), "not-aws", "--endpoint-url"),
        (KeyError("Table"), "error", "KeyError"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_errors_say_what_to_do(error: BaseException, kind: str, says: str) -> None:
    explained = explain(error)
    assert explained.kind == kind
    assert says in f"{explained.what} {explained.todo}"
    assert explained.on == "profile worker, region us-west-2, table gammaRays"


def test_a_region_that_must_be_enabled_is_told_from_wrong_keys() -> None:
    error = refused("UnrecognizedClientException")
    assert explain(error, "af-south-1").kind == "region-disabled"
    assert explain(error, "us-gov-west-1").kind == "bad-credentials"


def test_a_misspelt_region_is_told_from_a_lost_network() -> None:
    error = boto.EndpointConnectionError(
        endpoint_url="https://dynamodb.us-wst-2.amazonaws.com", error=socket.gaierror(-2, "x")
    )
    explained = explain(error, "us-wst-2")
    assert explained.kind == "unknown-region"
    assert "us-west-2" in explained.todo


def test_user_errors_pass_through() -> None:
    error = UserError("x")
    assert explain(error) is error


def test_without_a_profile_the_default_credentials_are_meant() -> None:
    explained = user_error(refused("ExpiredToken"), profile=None, region=None)
    assert explained.on == ""
    assert "aws sso login`" in explained.todo


def test_codes_are_only_those_of_the_service() -> None:
    assert error_code(refused("Throttling")) == "Throttling"
    assert error_code(TimeoutError()) == ""
