"""Which pairs hold in every maximum matching of records to outputs, and which merely may.

Records (causes that one function consumed) and outputs form a bipartite graph. A pair that is
in every maximum matching is certain by elimination; a record that some maximum matching leaves
out, or that has several partners, is not. Sources: Dulmage and Mendelsohn, "Coverings of
bipartite graphs" (1958); Berge, "Two theorems in graph theory" (1957): an edge outside a maximum
matching is in another one when it lies on an alternating cycle, or on an even alternating path
from a vertex left out.
"""

from __future__ import annotations

from typing import NamedTuple


class Assigned(NamedTuple):
    """What holds for one record.

    Attributes:
        covered: whether every maximum matching gives it an output.
        allowed: the outputs that it has in some maximum matching, in the order of its options.
    """

    covered: bool
    allowed: list[int]


def assign(options: list[list[int]]) -> list[Assigned]:
    """Solve one group: `options` are, for each record, the outputs that fit it.

    Takes time in proportion to records times (records + options).
    """
    if len(options) == 1:
        return [Assigned(bool(options[0]), options[0])]
    owner = _maximum_matching(options)
    partner = {record: output for output, record in owner.items()}
    reaches, frees = _alternating_paths(options, owner, partner)
    left_out = 0
    for record in range(len(options)):
        if record not in partner:
            left_out |= reaches[record] | 1 << record
    return [
        Assigned(
            not left_out >> record & 1,
            [
                output
                for output in fitting
                if left_out >> record & 1
                or (holder := owner.get(output)) is None
                or holder == record
                or (reaches[holder] >> record & 1)
                or frees[holder]
            ],
        )
        for record, fitting in enumerate(options)
    ]


def _maximum_matching(options: list[list[int]]) -> dict[int, int]:
    """Match as many records as can be: output -> record. Augments along shortest paths."""
    owner: dict[int, int] = {}
    partner: dict[int, int] = {}
    for start in range(len(options)):
        reached_by: dict[int, int] = {}
        free = _free_output(options, owner, start, reached_by)
        while free is not None:
            record = reached_by[free]
            owner[free] = record
            partner[record], free = free, partner.get(record)
    return owner


def _free_output(
    options: list[list[int]], owner: dict[int, int], start: int, reached_by: dict[int, int]
) -> int | None:
    """Search breadth-first for an output without a record; notes whence each was reached."""
    layer = [start]
    while layer:
        following: list[int] = []
        for record in layer:
            for output in options[record]:
                if output in reached_by:
                    continue
                reached_by[output] = record
                holder = owner.get(output)
                if holder is None:
                    return output
                following.append(holder)
        layer = following
    return None


def _alternating_paths(
    options: list[list[int]], owner: dict[int, int], partner: dict[int, int]
) -> tuple[list[int], list[bool]]:
    """Follow record -> fitting output -> its holder.

    Returns:
        For each record the set (as bits) of records reached, and whether an output without a
        holder can be reached.
    """
    count = len(options)
    reaches = [0] * count
    frees = [False] * count
    for record, fitting in enumerate(options):
        for output in fitting:
            holder = owner.get(output)
            if holder is None:
                frees[record] = True
            elif holder != record:
                reaches[record] |= 1 << holder
    for middle in range(count):
        through = reaches[middle] | 1 << middle
        for record in range(count):
            if reaches[record] >> middle & 1:
                reaches[record] |= through
    free_bits = sum(1 << record for record in range(count) if frees[record])
    return reaches, [frees[r] or bool(reaches[r] & free_bits) for r in range(count)]
