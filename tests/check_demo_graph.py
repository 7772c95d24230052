"""Check that a graph document is valid and holds the demo's whole chain; used by .ci/run."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.graph_schema import assert_valid

CHAIN = [
    ("ImageProcPy", "us-west-2"),
    ("DBSyncPy", "us-west-2"),
    ("UpdateWebsite", "us-east-1"),
]


def chains(document: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """Give every way from a root to a leaf as (function, region) pairs."""
    places = {
        one["request_id"]: (one["function"], one["region"]) for one in document["invocations"]
    }
    children: dict[str | None, list[str]] = {}
    caused = set()
    for edge in document["edges"]:
        children.setdefault(edge["parent_request_id"], []).append(edge["child_request_id"])
        caused.add(edge["child_request_id"])

    def ways(request_id: str) -> list[list[tuple[str, str]]]:
        here = places[request_id]
        below = [way for child in children.get(request_id, ()) for way in ways(child)]
        return [[here, *way] for way in below] or [[here]]

    return [way for root in places if root not in caused for way in ways(root)]


def check(document: dict[str, Any], count: int = 1) -> None:
    """Assert that the document is valid and holds exactly `count` whole chains."""
    assert_valid(document)
    assert chains(document) == [CHAIN] * count
    for invocation in document["invocations"]:
        assert invocation["status"] == "ok", invocation
        assert invocation["duration_s"] is not None, invocation
    for edge in document["edges"]:
        assert edge["evidence"] in ("exact", "content"), edge
        assert edge["call_id"] is not None, edge


def main(arguments: Sequence[str]) -> None:
    """Check the document in the named file."""
    path = Path(arguments[0])
    check(json.loads(path.read_bytes()))


if __name__ == "__main__":
    main(sys.argv[1:])
