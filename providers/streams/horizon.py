"""Which shards need not be read at all, because all they hold is older than the start."""

from __future__ import annotations

import asyncio
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from msgspec import DecodeError

from providers.record_time import created_s
from providers.streams.lineage import Lineage, Shard
from providers.streams.link import Cursor, RegionLink

# Creation times are approximate, so a shard counts as old only when it is clearly so.
_MARGIN_S: Final = 60.0
_AT_ONCE: Final = 8


async def find_old_shards(link: RegionLink, arn: str, lineage: Lineage, start_s: float) -> set[str]:
    """Find the ids of shards that were closed before `start_s`.

    A shard is written to only until its children begin. So when the first record of a child is
    older than the start, so is everything in its ancestors, and hours of records need not be
    read and thrown away. A look that fails or finds no record proves nothing.
    """
    old: set[str] = set()
    limit = asyncio.Semaphore(_AT_ONCE)

    async def starts_before(shard: Shard) -> bool:
        async with limit:
            first_s = await _first_record_s(link, arn, shard)
        return first_s is not None and first_s < start_s - _MARGIN_S

    looked: set[str] = set()
    level = lineage.leaves()
    while level:
        level = [shard for shard in level if lineage.parent(shard) and shard.id not in looked]
        looked |= {shard.id for shard in level}
        answers = await asyncio.gather(*map(starts_before, level))
        above: dict[str, Shard] = {}
        for shard, is_before in zip(level, answers, strict=True):
            parent = lineage.parent(shard)
            if is_before:
                old |= lineage.ancestors(shard)
            elif parent is not None:
                above[parent.id] = parent
        level = [shard for shard in above.values() if shard.id not in old]
    return old


async def _first_record_s(link: RegionLink, arn: str, shard: Shard) -> float | None:
    try:
        iterator = await link.open_iterator(arn, shard.id, Cursor("TRIM_HORIZON"))
        page = await link.read_page(iterator, limit=1)
    except (BotoCoreError, ClientError, DecodeError):
        return None
    return created_s(page.records[0]) if page.records else None
