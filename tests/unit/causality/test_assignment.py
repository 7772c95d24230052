"""The solver of groups, against every maximum matching found by trying."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from causality.matching.assignment import assign

Options = list[list[int]]


def _matchings(options: Options, record: int, taken: frozenset[int]) -> Iterator[dict[int, int]]:
    if record == len(options):
        yield {}
        return
    yield from _matchings(options, record + 1, taken)
    for output in options[record]:
        if output not in taken:
            for rest in _matchings(options, record + 1, taken | {output}):
                yield {record: output, **rest}


def _by_trying(options: Options) -> list[tuple[bool, list[int]]]:
    every = list(_matchings(options, 0, frozenset()))
    size = max(len(matching) for matching in every)
    maximum = [matching for matching in every if len(matching) == size]
    return [
        (
            all(record in matching for matching in maximum),
            [o for o in fitting if any(m.get(record) == o for m in maximum)],
        )
        for record, fitting in enumerate(options)
    ]


groups = st.lists(st.lists(st.integers(0, 5), max_size=5, unique=True), min_size=1, max_size=6)


@given(groups)
@settings(max_examples=600)
def test_agrees_with_every_maximum_matching(options: Options) -> None:
    assert [tuple(found) for found in assign(options)] == _by_trying(options)


def test_a_chain_of_eliminations_is_certain() -> None:
    options = [list(range(record + 1)) for record in range(48)]
    assert [found.allowed for found in assign(options)] == [[record] for record in range(48)]
    assert all(found.covered for found in assign(options))


def test_one_record_too_many_leaves_all_in_doubt() -> None:
    options = [list(range(min(record + 1, 40))) for record in range(41)]
    assert not any(found.covered for found in assign(options))
