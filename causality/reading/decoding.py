"""From an item of the record table, of either generation, to the facts that it tells."""

from __future__ import annotations

from causality.clock import LAST_TIME_S
from causality.facts import Facts, UnreadablePayload
from causality.reading import gen1, gen2
from causality.records import Image


def decode_image(image: Image | None) -> Facts:
    """Decode an item; None where a record shows none that was written.

    Raises:
        UnreadablePayload: it does not follow its generation's format; the message says how.
    """
    if image is None:
        raise UnreadablePayload("no new image: the stream must carry NEW_AND_OLD_IMAGES")
    version = image.v
    return decode_item(
        image.reqID.S, image.payload.S, image.ts.N, None if version is None else version.N
    )


def decode_item(key: str, payload: str, written: str, version: str | None) -> Facts:
    """Decode an item, given as the texts of its attributes; None for one that it has not.

    Raises:
        UnreadablePayload: it does not follow its generation's format; the message says how.
    """
    try:
        written_at_s = float(written) / 1000
        if not 0 <= written_at_s < LAST_TIME_S:
            raise UnreadablePayload(f"ts {written[:40]!r} is no time")
        if version is None:
            return gen1.decode(key, payload, written_at_s)
        if version != "2":
            raise UnreadablePayload(f"generation {version[:40]} is newer than this program")
        return gen2.decode(payload, written_at_s)
    except (ValueError, RecursionError) as error:
        raise UnreadablePayload(str(error)) from error
