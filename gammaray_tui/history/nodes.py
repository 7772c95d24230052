"""Rows of an archive as the parts of records that they were made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from causality.facts import Call, Cause, Output

Row: TypeAlias = Mapping[str, Any]


def call_of(row: Row) -> Call:
    """Give the call of a row of `calls`, without its outputs."""
    return Call(
        row["call_id"],
        at_s=row["started_s"],
        duration_s=row["duration_s"],
        service=row["service"],
        operation=row["operation"],
        region=row["call_region"],
        resource=row["resource"],
        key=row.get("key"),
        error=row["error"],
        retries=row["retries"],
        local=row["local"],
        trace_id=row.get("trace_id"),
    )


def output_of(row: Row) -> Output:
    """Give the output of a row of `calls`."""
    return Output(
        resource=row["output_resource"],
        key=row["output_key"],
        item_hash=row["hash"],
        attribute_hashes=row["attribute_hashes"],
        ids=row["ids"],
        operation=row["output_operation"],
        subject=row["subject"],
        doubtful=row["doubtful"],
    )


def cause_of(row: Row) -> Cause:
    """Give the cause of a row of `causes`."""
    return Cause(
        service=row["service"],
        resource=row["resource"],
        region=row["cause_region"],
        key=row["key"],
        item_hash=row["hash"],
        name=row["name"],
        at_s=row["at_s"],
        ids=row["ids"],
        caller=row["caller"],
        caller_function=row.get("caller_function"),
        subject=row["subject"],
    )
