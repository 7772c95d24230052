"""DynamoDB's "export to S3", read where it was written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from providers.archive.store import Store
from providers.errors import UserError
from providers.events import ProviderEvent
from providers.files import read_stream

_DATA: Final = ".json.gz"


def read_exports(store: Store) -> Iterator[ProviderEvent]:
    """Read the data files of all exports below a prefix, full and incremental ones.

    An item that stands in several comes as often.

    Raises:
        UserError: there are none, or one cannot be read.
    """
    found = False
    for file in store.files("", _DATA):
        found = True
        data = store.read(file.path)
        if data is not None:
            name = f"{store.url}/{file.path}"
            yield from read_stream(name, io.BufferedReader(io.BytesIO(data)), None, None)
    if not found:
        raise UserError(
            "There is no data of an export.",
            on=store.url,
            todo="Name the prefix that the export was written to; its data are *.json.gz.",
            kind="empty",
        )
