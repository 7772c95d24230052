"""The same question to an archive and to the live engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from causality.document import graph_document
from causality.engine import Engine
from causality.records import StreamRecord
from gammaray_collector.solving import look_at_keys_alone
from gammaray_tui.history.edges import edges_of
from gammaray_tui.history.engines import opened
from providers.archive.store import Bucket, Folder
from providers.events import Gap

Edge: TypeAlias = tuple[Any, ...]


def live(records: Iterable[StreamRecord], *gaps: Gap) -> Engine:
    engine = Engine()
    look_at_keys_alone(engine.matcher)
    for gap in gaps:
        engine.apply_gap(gap.detail, gap.at_s)
    engine.apply_records(records)
    engine.finish()
    return engine


def edges_of_engine(engine: Engine) -> list[Edge]:
    return sorted(
        (
            edge.child_request_id,
            edge.parent_request_id or "",
            edge.call_id or "",
            edge.evidence,
            sorted(set(edge.candidates)),
            sorted(set(edge.call_candidates)),
        )
        for edge in graph_document(engine).edges
    )


def edges_of_archive(place: Path | Folder | Bucket, engine: str = "duckdb") -> list[Edge]:
    store = Folder(place) if isinstance(place, Path) else place
    with opened(store, engine) as archive:
        return edges_in(edges_of(archive).to_pyarrow().to_pylist())


def edges_in(rows: Iterable[Mapping[str, Any]]) -> list[Edge]:
    return sorted(
        (
            row["child_request_id"],
            row["parent_request_id"] or "",
            row["call_id"] or "",
            row["evidence"],
            row["candidates"],
            row["call_candidates"],
        )
        for row in rows
    )
