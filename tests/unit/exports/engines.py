"""Settled graphs for the tests of views and exports."""

from __future__ import annotations

from functools import cache

from causality.engine import Engine
from tests.unit.causality.oracle import documents, json_records, readable


@cache
def engine_of(case: str, *, traces: bool = True) -> Engine:
    """Give the final graph of one recorded run; shared, so only to be read."""
    engine = Engine()
    engine.apply_records(readable(json_records(case)))
    if traces:
        engine.apply_documents(documents(case))
    engine.finish()
    engine.settle()
    return engine
