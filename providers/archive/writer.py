"""Provider events into an archive: rows are gathered, and published as files, by partition."""

from __future__ import annotations

from collections import defaultdict

from providers.archive.dataset import Dataset, folder_of, table_of
from providers.archive.rows import (
    Archived,
    Row,
    rows_of_gap,
    rows_of_record,
    rows_of_unreadable,
)
from providers.archive.schema import TableName
from providers.events import Gap, ProviderEvent, RecordBatch

# Of all partitions together: what they hold until then is a few hundred MB of memory.
ROWS_A_FILE = 200_000
# A partition that is written to every so often is not held in many small files.
_LARGEST_FIRST = 4


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
        self._held: defaultdict[tuple[TableName, str], list[Row]] = defaultdict(list)
        self._count = 0
        self._folders: dict[tuple[int, str], str] = {}

    def take(self, event: ProviderEvent) -> None:
        """Take an event; those that hold neither records nor losses are passed over.

        Raises:
            UserError: the dataset cannot be written to.
        """
        if isinstance(event, RecordBatch):
            for record in event.records:
                self._hold(rows_of_record(record, event.region))
            for lost in event.unreadable:
                self._hold(rows_of_unreadable(lost, event.received_at_s, event.region))
            self.records += len(event.records) + len(event.unreadable)
        elif isinstance(event, Gap):
            self._hold(rows_of_gap(event))
        while self._count >= self._rows_a_file:
            self._publish_largest()

    def flush(self) -> None:
        """Publish all that is held.

        Raises:
            UserError: the dataset cannot be written to.
        """
        for place in list(self._held):
            self._publish(place)

    def _hold(self, archived: Archived | None) -> None:
        if archived is None:
            return
        written_s, region, rows = archived
        day = (int(written_s // 86_400), region)
        folder = self._folders.get(day)
        if folder is None:
            folder = self._folders[day] = folder_of(written_s, region)
        for table, row in rows:
            self._held[table, folder].append(row)
        self._count += len(rows)

    def _publish_largest(self) -> None:
        by_size = sorted(self._held, key=lambda place: -len(self._held[place]))
        for place in by_size[:_LARGEST_FIRST]:
            self._publish(place)

    def _publish(self, place: tuple[TableName, str]) -> None:
        rows = self._held.pop(place)
        self._count -= len(rows)
        table, folder = place
        self._dataset.write(table, folder, table_of(table, rows))
        self.files += 1
