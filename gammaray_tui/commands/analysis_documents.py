"""What the analysing commands print with --json: documented in docs/analysis.md.

Unknown is null; instants (`*_at`) are epoch seconds, durations (`*_s`) seconds. Later versions
only add members.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from causality.analysis import (
    ChainSummary,
    Comparison,
    CriticalPath,
    Hop,
    Relation,
    Shift,
    Step,
)
from causality.exports.labels import harmless_json
from causality.graph import Invocation

Json: TypeAlias = dict[str, Any]


def encoded(entry: object) -> str:
    """Write a document as one line."""
    return harmless_json(msgspec.json.encode(entry).decode())


def chain_entry(chain: ChainSummary, *, parts: bool = False) -> Json:
    """Describe a chain; with the parts of its critical path, or with their sums alone."""
    return {
        "request_id": chain.request_id,
        "function": chain.function,
        "region": chain.region,
        "started_at": chain.started_at_s,
        "functions": chain.functions,
        "invocations": chain.invocations,
        "errors": chain.errors,
        "running": chain.running,
        "cold_starts": chain.cold_starts,
        "latency_s": chain.latency_s,
        "path": _path(chain.path, parts=parts) if chain.path is not None else None,
    }


def _path(path: CriticalPath, *, parts: bool) -> Json:
    entry: Json = {
        "request_ids": path.request_ids,
        "evidence": path.evidence,
        "complete": path.complete,
        "latency_s": path.latency_s,
        "split_s": path.totals(),
    }
    if parts:
        entry["parts"] = [
            {
                "kind": part.kind,
                "request_id": part.request_id,
                "function": part.function,
                "began_at": part.began_s,
                "duration_s": part.duration_s,
                "call": part.detail or None,
            }
            for part in path.parts
        ]
    return entry


def relation_entry(
    first: Invocation, second: Invocation, found: Relation, ways: Sequence[Step]
) -> Json:
    """Describe how two invocations are ordered."""
    return {
        "first": first.request_id,
        "second": second.request_id,
        "relation": found.kind,
        "certain": found.certain,
        "path": found.path,
        "steps": [
            {"request_id": step.request_id, "how": step.how, "evidence": step.evidence}
            for step in ways
        ],
    }


def comparison_entry(found: Comparison, before: Json, after: Json) -> Json:
    """Describe how two sets of chains differ; `before` and `after` say what was compared."""
    return {
        "before": before,
        "after": after,
        "edges_appeared": [_hop(*entry) for entry in found.appeared],
        "edges_vanished": [_hop(*entry) for entry in found.vanished],
        "functions_appeared": [_function(*entry) for entry in found.functions_appeared],
        "functions_vanished": [_function(*entry) for entry in found.functions_vanished],
        "shifts": [_shift(shift) for shift in found.shifts],
    }


def _hop(hop: Hop, count: int) -> Json:
    return {**hop._asdict(), "account": hop.account or None, "count": count}


def _function(name: str, region: str, account: str) -> Json:
    return {"function": name, "region": region, "account": account or None}


def _shift(shift: Shift) -> Json:
    return {
        "kind": shift.kind,
        "name": shift.name,
        "region": shift.region,
        "account": shift.account or None,
        "verdict": shift.verdict,
        "p50_change_s": shift.p50_s,
        "p95_change_s": shift.p95_s,
        "p50_ratio": shift.ratio,
        "superiority": shift.superiority,
        "p_value": shift.p_value,
        "before": msgspec.structs.asdict(shift.before),
        "after": msgspec.structs.asdict(shift.after),
    }
