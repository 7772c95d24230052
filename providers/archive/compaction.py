"""Making few files of many, and one row of each that came twice.

The new file is published before the old ones are deleted: whoever reads between, or after a
crash between, sees rows twice and no row never; readers count equal rows once.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from providers.archive.dataset import Dataset
from providers.archive.schema import TABLES
from providers.archive.store import File, Store
from providers.errors import UserError

# Engines like files of about this size; larger ones are left alone.
TARGET_BYTES: Final = 128 * 1024 * 1024


class Compacted(NamedTuple):
    """What was done.

    Attributes:
        before, after: files.
        repeated: rows that were there more than once.
    """

    before: int
    after: int
    repeated: int


def compact(dataset: Dataset, told: Callable[[str], None] = lambda _partition: None) -> Compacted:
    """Put the small files of each partition together.

    Args:
        dataset: an archive; others may read it, and write to it, meanwhile.
        told: is given the name of each partition before it is worked on.

    Raises:
        UserError: files cannot be read or written.
    """
    before = after = repeated = 0
    for table in TABLES:
        found = dataset.store.files(table)
        for folder, files in groupby(found, key=lambda file: file.path.rpartition("/")[0]):
            together = list(_together(list(files)))
            before += sum(map(len, together))
            for group in together:
                if len(group) < 2:
                    after += 1
                    continue
                told(folder)
                rows = _read(dataset.store, group)
                once = _each_once(rows)
                repeated += rows.num_rows - once.num_rows
                path = dataset.write(table, folder.partition("/")[2], once)
                after += 1
                for file in group:
                    if file.path != path:
                        dataset.store.delete(file.path)
    return Compacted(before, after, repeated)


def _together(files: list[File]) -> Iterator[list[File]]:
    """Put files together up to the size that is wanted; the largest first, each once."""
    group: list[File] = []
    size = 0
    for file in sorted(files, key=lambda file: (-file.size, file.path)):
        if group and size + file.size > TARGET_BYTES:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size
    if group:
        yield group


def _read(store: Store, files: list[File]) -> pa.Table:
    parts = []
    for file in files:
        data = store.read(file.path)
        if data is None:
            continue  # another compaction was here
        try:
            parts.append(pq.read_table(io.BytesIO(data)))
        except pa.ArrowException as error:
            raise UserError(
                "A file of the archive cannot be read as Parquet.",
                on=f"{store.url}/{file.path}",
                todo="If it is damaged, delete it, and archive the same records again.",
                kind="damaged-file",
            ) from error
    return pa.concat_tables(parts)


def _each_once(rows: pa.Table) -> pa.Table:
    """Give each row once, in the order of time in which records were written."""
    schema = rows.schema
    numbered = rows.append_column("row", pa.array(range(rows.num_rows), pa.int64()))
    first = numbered.group_by(["record_id", "part"]).aggregate([("row", "min")])
    taken = rows.take(first.column("row_min"))
    by = "written_s" if "written_s" in schema.names else "at_s"
    return taken.sort_by([(by, "ascending"), ("record_id", "ascending"), ("part", "ascending")])
