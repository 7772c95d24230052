"""From an item of the record table, of either generation, to the facts that it tells."""

from __future__ import annotations

from causality import gen1, gen2
from causality.clock import LAST_TIME_S
from causality.facts import Facts, UnreadablePayload
from causality.records import Image


def decode_image(image: Image) -> Facts:
    """Decode an item.

    Raises:
        UnreadablePayload: it does not follow its generation's format; the message says how.
    """
    try:
        written_at_s = float(image.ts.N) / 1000
        if not 0 <= written_at_s < LAST_TIME_S:
            raise UnreadablePayload(f"ts {image.ts.N[:40]!r} is no time")
        if image.v is None:
            return gen1.decode(image.reqID.S, image.payload.S, written_at_s)
        if image.v.N != "2":
            raise UnreadablePayload(f"generation {image.v.N[:40]} is newer than this program")
        return gen2.decode(image.payload.S, written_at_s)
    except (ValueError, RecursionError) as error:
        raise UnreadablePayload(str(error)) from error
