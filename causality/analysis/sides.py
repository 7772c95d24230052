"""Two sets of chains to compare, chosen by what is in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from causality.analysis.chains import Chain, chains
from causality.analysis.comparison import Comparison, compare
from causality.graph import Invocation

Fits: TypeAlias = Callable[[Invocation], bool]


class Sides(NamedTuple):
    """Two sets of chains.

    Attributes:
        both: chains that fit both choices, and were left out for that.
    """

    before: list[Chain]
    after: list[Chain]
    both: int

    def members(self) -> tuple[list[Invocation], list[Invocation]]:
        """Give the invocations of each side.

        A batch can join chains of both sides: it counts where it began to come about.
        """
        old = dict.fromkeys(member for chain in self.before for member in chain.members)
        new = dict.fromkeys(member for chain in self.after for member in chain.members)
        return list(old), [member for member in new if member not in old]


def by_tests(invocations: Iterable[Invocation], before: Fits, after: Fits) -> Sides:
    """Part chains by which of two tests an invocation of theirs fits."""
    parts: tuple[list[Chain], list[Chain]] = ([], [])
    both = 0
    for chain in chains(invocations):
        fits = [any(map(test, chain.members)) for test in (before, after)]
        both += all(fits)
        if sum(fits) == 1:
            parts[fits[1]].append(chain)
    return Sides(*parts, both)


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of comparing by two expressions.

    Attributes:
        chains: how many each side has.
        both: how many fit both, and so neither.
        comparison: None while an expression is missing or cannot be read.
        troubles: what is wrong with each expression; "" when nothing is.
    """

    chains: tuple[int, int] = (0, 0)
    both: int = 0
    comparison: Comparison | None = None
    troubles: tuple[str, str] = ("", "")


def compared(
    invocations: Iterable[Invocation],
    before: str,
    after: str,
    parse: Callable[[str], Fits | None],
) -> Compared:
    """Compare the chains that fit one expression to those that fit another.

    Args:
        invocations: of a settled graph.
        before: a filter expression.
        after: another one.
        parse: reads an expression; None for an empty one, ValueError for one that it cannot.
    """
    tests: list[Fits | None] = []
    troubles = []
    for text in (before, after):
        trouble, test = "", None
        try:
            test = parse(text)
            trouble = "" if test is not None else "which chains?"
        except ValueError as error:
            trouble = str(error)
        tests.append(test)
        troubles.append(trouble)
    first, second = tests
    if first is None or second is None:
        return Compared(troubles=(troubles[0], troubles[1]))
    sides = by_tests(invocations, first, second)
    return Compared((len(sides.before), len(sides.after)), sides.both, compare(*sides.members()))
