"""The tree as the graph grows: the same as one that is made of the finished graph."""

from __future__ import annotations

import random

import pytest

from causality.engine import Engine
from causality.snapshot import TreeRow
from causality.tree.index import TreeIndex
from tests.unit.analysis.chains import Json, World, received, send


def _shown(tree: TreeIndex) -> list[TreeRow]:
    return [tree.row(index) for index in range(len(tree))]


def _grown(world: World, page: int) -> None:
    """Let a tree grow page by page, and compare it to a new one after each."""
    engine = Engine()
    tree = TreeIndex(engine)
    for start in range(0, len(world.records), page):
        engine.apply_records(world.records[start : start + page])
        engine.settle()
        tree.update(engine.touched)
        engine.touched.clear()
        fresh = TreeIndex(engine)
        fresh.update(engine.invocations.values())
        assert _shown(tree) == _shown(fresh)


@pytest.mark.parametrize("seed", range(8))
def test_a_tree_that_grew_is_as_one_that_is_made_at_once(seed: int) -> None:
    chance = random.Random(seed)
    world = World()
    inbox: dict[int, list[Json]] = {}
    for number in range(30):
        calls = []
        for at in range(chance.randrange(3)):
            target = chance.randrange(number + 1, number + 8)
            message = f"{number}-{at}"
            calls.append(send(f"s{at}", number + 0.1 + at / 10, 0.01, message))
            inbox.setdefault(target, []).append(received(message))
        causes = tuple(inbox.get(number, []))
        world.run(f"i{number:02}", f"F{number % 4}", number, number + 0.5, *calls, causes=causes)
    chance.shuffle(world.records)

    _grown(world, page=4)


def test_rails_of_a_long_chain() -> None:
    world = World()
    for number in range(300):
        onward = send("s", number + 0.1, 0.01, f"m{number + 1}")
        aside = send("t", number + 0.2, 0.01, f"n{number}")
        world.run(
            f"i{number}", "F", number, number + 0.5, onward, aside, causes=(received(f"m{number}"),)
        )
        world.run(f"j{number}", "G", number + 5, number + 5.5, causes=(received(f"n{number}"),))
    engine = world.engine()
    tree = TreeIndex(engine)
    tree.update(engine.touched)
    index = tree.index_of("i299")
    assert index is not None

    deepest = tree.row(index)

    assert deepest.depth == 299
    # Below each of its ancestors but the root, the one aside comes later: its rail goes on.
    assert deepest.guides == (True,) * 298
