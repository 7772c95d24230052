"""Which pairs hold in every maximum matching of records to outputs, and which merely may.

Records (causes that one function consumed) and outputs form a bipartite graph. A pair that is
in every maximum matching is certain by elimination; a record that some maximum matching leaves
out, or that has several partners, is not. Source: Dulmage and Mendelsohn, "Coverings of
bipartite graphs" (1958); here by trying, since groups are small.
"""

from __future__ import annotations

from causality.clock import CLOCK_SKEW_S

# Past this many records that cannot be told apart, nothing is certain anyway.
_MAX_EXACT = 48
_MAX_CANDIDATES = 32


def assign(
    fitting: list[list[int]], began_s: list[float], made_s: list[float]
) -> list[tuple[bool, list[int]]]:
    """Solve one group.

    Args:
        fitting: for each record, in order of time, the outputs that fit it.
        began_s: when each record's invocation began.
        made_s: when each output's call was made, ascending.

    Returns:
        For each record: whether every maximum matching covers it, and the outputs that it has
        in some maximum matching (in order of time; cut to the nearest ones when many).
    """
    if len(fitting) == 1:
        return [(True, fitting[0])]
    results: list[tuple[bool, list[int]]] = [(False, []) for _ in fitting]
    records = [index for index, options in enumerate(fitting) if options]
    stretches = _stretches(fitting, records, began_s, made_s)
    # A record that goes short may have taken an output of an earlier stretch after all.
    while len(stretches) > 1 and _short(fitting, *stretches[-1]):
        (earlier, taken), (later, _) = stretches[-2], stretches[-1]
        stretches[-2:] = [([*earlier, *later], taken)]
    for stretch, taken in stretches:
        for index, result in _solve(fitting, stretch, taken):
            results[index] = result
    return results


def _stretches(
    fitting: list[list[int]], records: list[int], began_s: list[float], made_s: list[float]
) -> list[tuple[list[int], frozenset[int]]]:
    """Cut the records where everything before is used up: every output has its record.

    Outputs made later fit none of the records before the cut, so each stretch can be solved
    alone, without the outputs taken before it. Without the cuts a key that is written again
    and again would become one ever-growing riddle.
    """
    stretches: list[tuple[list[int], frozenset[int]]] = []
    taken: frozenset[int] = frozenset()
    stretch: list[int] = []
    made = 0
    for index in records:
        stretch.append(index)
        while made < len(made_s) and made_s[made] <= began_s[index] + CLOCK_SKEW_S:
            made += 1
        if made - len(taken) != len(stretch) or len(stretch) > _MAX_EXACT:
            continue
        if _size(fitting, stretch, dict.fromkeys(taken, -1)) == len(stretch):
            stretches.append((stretch, taken))
            taken = frozenset(range(made))
            stretch = []
    if stretch:
        stretches.append((stretch, taken))
    return stretches


def _short(fitting: list[list[int]], stretch: list[int], taken: frozenset[int]) -> bool:
    if len(stretch) > _MAX_EXACT:
        return False
    return _size(fitting, stretch, dict.fromkeys(taken, -1)) < len(stretch)


def _solve(
    fitting: list[list[int]], stretch: list[int], taken: frozenset[int]
) -> list[tuple[int, tuple[bool, list[int]]]]:
    options = {i: [output for output in fitting[i] if output not in taken] for i in stretch}
    if len(stretch) == 1:
        return [(stretch[0], (True, options[stretch[0]]))]
    if len(stretch) > _MAX_EXACT:
        return [(index, (False, options[index][-_MAX_CANDIDATES:])) for index in stretch]
    blocked = dict.fromkeys(taken, -1)
    size = _size(fitting, stretch, blocked)
    solved = []
    for index in stretch:
        others = [other for other in stretch if other != index]
        covered = _size(fitting, others, blocked) < size
        allowed = [
            output
            for output in options[index]
            if _size(fitting, others, {**blocked, output: -1}) == size - 1
        ]
        solved.append((index, (covered, allowed)))
    return solved


def _size(fitting: list[list[int]], records: list[int], taken: dict[int, int]) -> int:
    """Give the size of a maximum matching of `records`, with some outputs taken already."""
    partner = dict.fromkeys(taken, -1)
    return sum(_augment(fitting, record, partner, set()) for record in records)


def _augment(
    fitting: list[list[int]], record: int, partner: dict[int, int], seen: set[int]
) -> bool:
    for output in fitting[record]:
        if output in seen:
            continue
        seen.add(output)
        holder = partner.get(output)
        if holder is None or (holder >= 0 and _augment(fitting, holder, partner, seen)):
            partner[output] = record
            return True
    return False
