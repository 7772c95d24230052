"""One chain out of the collector's table: its invocations' records, and nothing else.

All that is kept of an invocation stands in one partition: its records, the edges to what caused it
and pointers to what it may have caused. So a chain costs one query an invocation.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from causality.records import StreamRecord
from gammaray_collector.items import (
    EDGES,
    EFFECTS,
    RECORDS,
    SK,
    Edge,
    Item,
    edge_of,
    effect_of,
    invocation_partition,
    stream_record_of,
)
from gammaray_collector.rollups import Range, doubt_partitions
from providers.aws_errors import CREDENTIAL_KINDS
from providers.collected_table import CollectedTable
from providers.errors import UserError
from providers.session import user_error

MOST_INVOCATIONS: Final = 1000
_AT_ONCE: Final = 16


@dataclass
class Member:
    """What is kept of one invocation.

    Attributes:
        edges: to what caused it.
        effects: request ids of what it may have caused.
    """

    request_id: str
    records: list[StreamRecord] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    effects: dict[str, None] = field(default_factory=dict)

    @property
    def parents(self) -> list[str]:
        """The request ids of what certainly caused it."""
        return [edge.parent for edge in self.edges if edge.parent is not None]

    @property
    def possible(self) -> list[str]:
        """The request ids of all that can have caused it."""
        found = [candidate.request_id for edge in self.edges for candidate in edge.candidates]
        return list(dict.fromkeys([*self.parents, *found]))


@dataclass
class FetchedChain:
    """A chain as far as it was fetched.

    Attributes:
        request_id: what was asked for.
        members: the invocations of the chain, causes first.
        beside: other invocations that (may) have caused some of them: without their chains.
        doubts: the items of the doubts of its time.
        more: how many more were found but not fetched, for there were too many.
    """

    request_id: str
    members: dict[str, Member] = field(default_factory=dict)
    beside: dict[str, Member] = field(default_factory=dict)
    doubts: list[Item] = field(default_factory=list)
    more: int = 0


async def fetch_chain(
    table: CollectedTable, request_id: str, most: int = MOST_INVOCATIONS
) -> FetchedChain:
    """Fetch the chain that an invocation belongs to: up to its roots, and all that these caused.

    Args:
        table: the collector's.
        request_id: of any invocation of the chain.
        most: fetch no more invocations than these: what led to the one asked for, and then the
            ones nearest to the root.

    Raises:
        UserError: nothing is kept of this invocation, or the table cannot be read.
    """
    try:
        return await _fetched(table, request_id, most)
    except UserError as error:
        if error.kind not in CREDENTIAL_KINDS:
            raise
        table.session = table.session.renewed()  # the user may have signed in again
        return await _fetched(table, request_id, most)


async def _fetched(table: CollectedTable, request_id: str, most: int) -> FetchedChain:
    try:
        async with table.session.client("dynamodb", table.region, validate=False) as client:
            return await Fetching(table, client, most).chain(request_id)
    except (BotoCoreError, ClientError, OSError) as error:
        raise user_error(
            error,
            profile=table.session.profile,
            region=table.region,
            resource=f"table {table.name}",
        ) from error


class Fetching:
    """Fetches chains; what was read once is not read again."""

    def __init__(self, table: CollectedTable, client: Any, most: int) -> None:
        """Begin with nothing read.

        Args:
            table: the collector's.
            client: of DynamoDB, in the table's region.
            most: fetch no more invocations of a chain than these.
        """
        self._table = table
        self._client = client
        self._most = most
        self._known: dict[str, Member] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def chain(self, request_id: str) -> FetchedChain:
        """Fetch the chain that an invocation belongs to.

        Raises:
            UserError: nothing is kept of this invocation.
        """
        asked = await self._member(request_id)
        if not asked.records:
            raise UserError(
                f"The collector keeps no record of {request_id}",
                on=f"region {self._table.region}, table {self._table.name}",
                todo="Check the request id; all of it is needed. Records are kept for seven days, "
                "and arrive some seconds after the function wrote them.",
                kind="not-found",
            )
        chain = FetchedChain(request_id)
        for member in await self._lineage(asked):
            chain.members[member.request_id] = member
        pending = deque(effect for member in chain.members.values() for effect in member.effects)
        while pending and (room := self._room(chain)) > 0:
            level = [pending.popleft() for _ in range(min(len(pending), room))]
            for member in await self._all(dict.fromkeys(level)):
                # An effect is noted before its edge is certain: what the edge says counts.
                if member.request_id in chain.members or not member.records:
                    continue
                if any(parent in chain.members for parent in member.possible):
                    chain.members[member.request_id] = member
                    pending.extend(member.effects)
        chain.more = len({effect for effect in pending if effect not in chain.members})
        others = (p for member in chain.members.values() for p in member.possible)
        beside = dict.fromkeys(p for p in others if p not in chain.members)
        for member in await self._all(list(beside)[: self._most]):
            if member.records:
                chain.beside[member.request_id] = member
        chain.doubts = await self._doubts(chain.members.values())
        return chain

    def _room(self, chain: FetchedChain) -> int:
        return self._most - len(chain.members)

    async def _lineage(self, asked: Member) -> list[Member]:
        """Give what certainly led to an invocation, the first causes first, and itself."""
        levels, seen = [[asked]], {asked.request_id}
        while len(seen) < self._most:
            parents = (parent for member in levels[-1] for parent in member.parents)
            above = list(dict.fromkeys(parent for parent in parents if parent not in seen))
            above = above[: self._most - len(seen)]
            seen.update(above)
            found = [member for member in await self._all(above) if member.records]
            if not found:
                break
            levels.append(found)
        return [member for level in reversed(levels) for member in level]

    async def _doubts(self, members: Iterable[Member]) -> list[Item]:
        times = [edge.began_s for member in members for edge in member.edges if edge.needs]
        if not times:
            return []
        partitions = doubt_partitions(min(times), max(times))
        ranges = (Range(partition, "", "~") for partition in partitions)
        pages = await asyncio.gather(*(self._query(one) for one in ranges))
        return [item for page in pages for item in page]

    async def _all(self, request_ids: Iterable[str]) -> list[Member]:
        return list(await asyncio.gather(*map(self._member, request_ids)))

    async def _member(self, request_id: str) -> Member:
        known = self._known.get(request_id)
        if known is None:
            items = await self._query(Range(invocation_partition(request_id), "", "~"))
            known = self._known[request_id] = _member_of(request_id, items)
        return known

    async def _query(self, wanted: Range) -> list[Item]:
        async with self._slots:
            return await self._table.query(self._client, wanted)


def _member_of(request_id: str, items: Iterable[Item]) -> Member:
    member = Member(request_id)
    for item in items:
        place = str(item[SK])
        if place.startswith(RECORDS):
            member.records.append(stream_record_of(item))
        elif place.startswith(EDGES):
            member.edges.append(edge_of(item))
        elif place.startswith(EFFECTS):
            member.effects[effect_of(item)[0]] = None
    return member
