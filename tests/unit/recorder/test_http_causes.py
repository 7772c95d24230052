"""Requests of APIs, function URLs and load balancers as causes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.recorder.events import (
    ALB,
    FUNCTION_URL,
    HTTP,
    LATTICE,
    LATTICE_OLD,
    REST,
    ROOT,
    SPAN_ID,
    TRACE_ID,
    WEBSOCKET,
    read,
)


def test_http_requests_of_all_kinds() -> None:
    parent = f"{TRACE_ID}-{SPAN_ID}"
    host = "abc123.execute-api.us-west-2.amazonaws.com"
    assert read(REST) == [
        {
            "s": "http",
            "res": f"POST {host}/prod/orders/7",
            "name": "rest-api",
            "ids": {
                "traceparent": parent,
                "apigw_request": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            },
        }
    ]
    ids = {"traceparent": parent, "apigw_request": "JKJaXmPLvHcESHA=", "trace_root": ROOT}
    assert read(HTTP) == [
        {"s": "http", "res": f"GET {host}/orders/7", "name": "http-api", "ids": ids}
    ]
    (url,) = read(FUNCTION_URL)
    assert (url["name"], url["ids"]) == ("function-url", ids)
    assert url["res"] == "GET ab12.lambda-url.us-west-2.on.aws/orders/7"
    assert read(ALB) == [
        {
            "s": "http",
            "res": "GET lb-1.example.com/health",
            "name": "alb",
            "ids": {"traceparent": parent},
        }
    ]
    for request in (LATTICE, LATTICE_OLD):
        assert read(request) == [
            {
                "s": "http",
                "res": "PUT items.vpc-lattice-svcs.us-west-2.on.aws/items",
                "name": "vpc-lattice",
                "ids": {"traceparent": parent},
            }
        ]
    (message,) = read(WEBSOCKET)
    assert (message["name"], message["res"]) == ("websocket", f"MESSAGE {host}/prod")


@pytest.mark.parametrize(
    ("header", "parent"),
    [
        (f"00-{TRACE_ID}-{SPAN_ID}-01,00-{'0' * 32}-{'1' * 16}-00", f"{TRACE_ID}-{SPAN_ID}"),
        (f"00-{TRACE_ID.upper()}-{SPAN_ID}-00", f"{TRACE_ID}-{SPAN_ID}"),
        (f"cc-{TRACE_ID}-{SPAN_ID}-01-more", f"{TRACE_ID}-{SPAN_ID}"),
        ("00-short-span-01", None),
        ("", None),
        ([], None),
        (7, None),
    ],
)
def test_traceparent_is_read_as_the_standard_says(header: Any, parent: str | None) -> None:
    event = {**HTTP, "headers": {"TRACEPARENT": header}}
    (cause,) = read(event)
    assert cause["ids"].get("traceparent") == parent
