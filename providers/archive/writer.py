"""Provider events into an archive: rows are gathered, and published as files, by partition."""

from __future__ import annotations

import pyarrow as pa

from providers.archive.columns import tables_of
from providers.archive.dataset import Dataset, folder_of
from providers.archive.rows import DAY_S, Items, Rows, add_gap, add_items, items_of
from providers.archive.schema import TABLES, TableName
from providers.events import Gap, ProviderEvent, RecordBatch

# Of all partitions together; as columns, they take about 100 MB.
ROWS_A_FILE = 400_000
# Rows are made columns while they are still in the processor's cache, and take far less then.
_ROWS_A_PIECE = 2000
# A partition that is written to every so often is not held in many small files.
_LARGEST_FIRST = 4


class _Partition:
    """What is held of one partition: rows that came last, and columns made of earlier ones."""

    __slots__ = ("pieces", "rows")

    def __init__(self) -> None:
        self.rows = Rows.new()
        self.pieces: dict[TableName, list[pa.Table]] = {name: [] for name in TABLES}

    def pack(self, at_least: int = 1) -> None:
        """Make columns of tables with at least so many rows."""
        for table, piece in tables_of(self.rows, at_least):
            self.pieces[table].append(piece)

    def count(self, table: TableName) -> int:
        """Give the number of rows that are columns."""
        return sum(piece.num_rows for piece in self.pieces[table])


class _RowsOf(dict[tuple[float, str], Rows]):
    """The rows of partitions by their day and region; those that are new are made, and held."""

    def __init__(self, held: dict[str, _Partition]) -> None:
        super().__init__()
        self._held = held

    def __missing__(self, place: tuple[float, str]) -> Rows:
        day, region = place
        folder = folder_of(day * DAY_S, region)
        rows = self[place] = self._held.setdefault(folder, _Partition()).rows
        return rows


class ArchiveWriter:
    """Writes events to a dataset; one thread at a time.

    Attributes:
        records: stream records taken.
        files: files published.
    """

    def __init__(self, dataset: Dataset, *, rows_a_file: int = ROWS_A_FILE) -> None:
        """Prepare; nothing is written before rows have come."""
        self.records = 0
        self.files = 0
        self._dataset = dataset
        self._rows_a_file = rows_a_file
        self._held: dict[str, _Partition] = {}
        self._rows_of = _RowsOf(self._held)

    def take(self, event: ProviderEvent) -> None:
        """Take an event; those that hold neither records nor losses are passed over.

        Raises:
            UserError: the dataset cannot be written to.
        """
        if isinstance(event, RecordBatch):
            self.records += len(event.records) + len(event.unreadable)
            self.take_items(items_of(event))
        elif isinstance(event, Gap):
            add_gap(event, self._rows_of)
            self._publish_some()

    def take_items(self, batch: Items) -> None:
        """Take what is archived of a batch.

        Raises:
            UserError: the dataset cannot be written to.
        """
        add_items(batch, self._rows_of)
        self._publish_some()

    def flush(self) -> None:
        """Publish all that is held.

        Raises:
            UserError: the dataset cannot be written to.
        """
        for partition in self._held.values():
            partition.pack()
        for folder, table in self._counts():
            self._publish(folder, table)
        self._held.clear()
        self._rows_of.clear()

    def _publish_some(self) -> None:
        """Make columns of what came, and files of the largest tables, once enough did."""
        at_least = min(_ROWS_A_PIECE, self._rows_a_file)
        for partition in self._held.values():
            partition.pack(at_least)
        counts = self._counts()
        if sum(counts.values()) >= self._rows_a_file:
            largest = sorted(counts, key=lambda place: -counts[place])
            for folder, table in largest[:_LARGEST_FIRST]:
                self._publish(folder, table)

    def _counts(self) -> dict[tuple[str, TableName], int]:
        return {
            (folder, table): partition.count(table)
            for folder, partition in self._held.items()
            for table in TABLES
        }

    def _publish(self, folder: str, table: TableName) -> None:
        pieces = self._held[folder].pieces[table]
        if pieces:
            self._dataset.write(table, folder, pa.concat_tables(pieces).unify_dictionaries())
            self.files += 1
            pieces.clear()
