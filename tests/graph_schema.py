"""The graph document's JSON Schema, for every test that has a document in its hands."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA_PATH = Path(__file__).parents[1] / "docs" / "graph.schema.json"


@functools.cache
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA_PATH.read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def assert_valid(document: Any) -> None:
    """Assert that a document follows docs/graph.schema.json; the first error says where not."""
    for error in validator().iter_errors(document):
        raise AssertionError(f"{error.json_path}: {error.message}")
