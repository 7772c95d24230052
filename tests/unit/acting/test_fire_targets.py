from __future__ import annotations

import pytest

from providers.errors import UserError
from providers.fire_targets import Target, checked_payload, target_of


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("MyFunction", Target("function", "MyFunction")),
        ("s3://bucket/a/b.txt", Target("s3", "bucket/a/b.txt")),
        ("sns:news", Target("sns", "news")),
        ("events:", Target("events", "default")),
        ("http://127.0.0.1:1/x", Target("http", "http://127.0.0.1:1/x")),
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:f",
            Target("function", "f", "eu-west-1"),
        ),
        ("arn:aws:sqs:eu-west-1:123456789012:q", Target("sqs", "q", "eu-west-1")),
        (
            "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2024",
            Target("dynamodb", "t", "eu-west-1"),
        ),
        (
            "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:m",
            Target("states", "m", "cn-north-1"),
        ),
    ],
)
def test_targets_are_read(text: str, target: Target) -> None:
    assert target_of(text) == target


@pytest.mark.parametrize("text", ["", " ", "s3://bucket", "ftp:x", "a/b", "arn:aws:iam::1:role/x"])
def test_what_can_be_no_target_is_refused(text: str) -> None:
    with pytest.raises(UserError) as raised:
        target_of(text)
    assert raised.value.kind == "unknown-target"


def test_payloads_are_checked_where_the_target_wants_json() -> None:
    assert checked_payload("function", "") == "{}"
    assert checked_payload("sqs", "not json") == "not json"
    for kind, payload in (("function", "{"), ("dynamodb", "[]"), ("events", '"x"')):
        with pytest.raises(UserError) as raised:
            checked_payload(kind, payload)
        assert raised.value.kind == "bad-payload"
