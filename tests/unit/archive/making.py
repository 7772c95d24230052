"""Archives for tests, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from causality.records import StreamRecord, decode_record
from providers.archive.dataset import Dataset
from providers.archive.schema import TableName
from providers.archive.store import Folder
from providers.archive.writer import ArchiveWriter
from providers.events import ProviderEvent, RecordBatch

DEMO = Path(__file__).parents[2] / "data" / "demo" / "records.jsonl"


def demo_records() -> list[StreamRecord]:
    decoded = [decode_record(line) for line in DEMO.read_bytes().splitlines()]
    return [record for record in decoded if isinstance(record, StreamRecord)]


def write(folder: Path, *events: ProviderEvent, rows_a_file: int = 200_000) -> Dataset:
    dataset = Dataset(Folder(folder))
    writer = ArchiveWriter(dataset, rows_a_file=rows_a_file)
    for event in events:
        writer.take(event)
    writer.flush()
    return dataset


def batch(records: Iterable[StreamRecord], region: str = "us-west-2") -> RecordBatch:
    return RecordBatch(region, "test", list(records))


def files(folder: Path, table: TableName) -> list[Path]:
    return sorted((folder / table).rglob("*.parquet"))


def rows(folder: Path, table: TableName) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in files(folder, table):
        found += pq.ParquetFile(path).read().to_pylist()
    return sorted(found, key=lambda row: (row["record_id"], row["part"]))
