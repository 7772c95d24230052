"""Functions of one name and region in several AWS accounts: when the account is told, and how.

Whatever counts by function counts by account as well, and puts together what it shows: nearly
everybody watches one account, whose twelve digits would only take room on every line.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from functools import lru_cache
from typing import Final, TypeAlias

from causality.graph import Invocation

Key: TypeAlias = tuple[str, str, str]  # name (of a function, of an edge), region, account or ""
Place: TypeAlias = tuple[str, str]  # name, region

UNKNOWN: Final = "?"
"""Stands for the account, where accounts are told, of what did not say its own."""


@lru_cache(maxsize=8192)
def key_of(name: str, region: str, account: str) -> Key:
    """Give a key, the same object each time: millions of samples have few different ones."""
    return (name, region, account)


def shared_places(keys: Iterable[Key]) -> frozenset[Place]:
    """Give the names and regions that several accounts have."""
    first: dict[Place, str] = {}
    return frozenset(
        key[:2] for key in keys if key[2] and first.setdefault(key[:2], key[2]) != key[2]
    )


def told(key: Key, shared: Container[Place]) -> Key:
    """Give a key as it is shown: with its account only where several share name and region."""
    name, region, account = key
    return (name, region, (account or UNKNOWN) if (name, region) in shared else "")


def covers(keys: Container[Key], key: Key) -> bool:
    """Say whether one of some keys as they are shown stands for a key."""
    name, region, account = key
    return (name, region, "") in keys or (name, region, account or UNKNOWN) in keys


def has_several_accounts(invocations: Iterable[Invocation]) -> bool:
    """Say whether invocations are of several accounts, as far as these are known."""
    return len({i.account for i in invocations if i.account}) > 1
