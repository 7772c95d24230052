"""Chains one by one: an invocation without a certain cause, with all that it certainly caused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from causality.analysis.critical_path import CriticalPath, critical_path
from causality.graph import Invocation
from causality.latency import FAILED
from causality.views.selection import time_order


class Chain(NamedTuple):
    """A root and its members in order of time, the root among them."""

    root: Invocation
    members: list[Invocation]


class ChainSummary(msgspec.Struct, frozen=True):
    """What a table of chains shows of one.

    Attributes:
        functions: those that ran, each once, in order of time.
        errors: invocations that failed, timed out or were throttled.
        latency_s: end-to-end: from when the root was asked for, as far as that is known, to the
            last end that is known: what the critical path adds up to; None when no time is known.
        path: the critical path.
    """

    request_id: str
    function: str | None
    region: str | None
    started_at_s: float | None
    functions: tuple[str, ...]
    invocations: int
    errors: int
    running: int
    cold_starts: int
    latency_s: float | None
    path: CriticalPath | None


def chains(invocations: Iterable[Invocation]) -> list[Chain]:
    """Take invocations of a settled graph apart into chains, in order of their roots' start.

    An invocation that several chains led to (a batch) is a member of each. One that cannot be
    told whose it is begins a chain of its own.
    """
    among = dict.fromkeys(invocations)
    roots = [invocation for invocation in among if not _parents(invocation, among)]
    found = [Chain(root, _members(root, among)) for root in sorted(roots, key=time_order)]
    covered = {member for chain in found for member in chain.members}
    # Invocations that cause each other in a ring have no root: the earliest stands for it.
    for invocation in sorted((i for i in among if i not in covered), key=time_order):
        if invocation not in covered:
            chain = Chain(invocation, _members(invocation, among))
            covered.update(chain.members)
            found.append(chain)
    return found


def chains_of(invocation: Invocation, among: Iterable[Invocation]) -> list[Chain]:
    """Give the chains that an invocation belongs to, the one that began first before others."""
    return [chain for chain in chains(among) if invocation in chain.members]


def summary(chain: Chain) -> ChainSummary:
    """Sum up a chain."""
    root, members = chain
    path = critical_path(members)
    states = [member.state for member in members]
    return ChainSummary(
        request_id=root.request_id,
        function=root.function,
        region=root.region,
        started_at_s=root.started_at_s,
        functions=tuple(dict.fromkeys(member.function or "?" for member in members)),
        invocations=len(members),
        errors=sum(state in FAILED for state in states),
        running=states.count("running"),
        cold_starts=sum(a.cold is True for member in members for a in member.attempts.values()),
        latency_s=path.latency_s if path is not None else None,
        path=path,
    )


def _parents(invocation: Invocation, among: dict[Invocation, None]) -> list[Invocation]:
    return [
        cause.edge.parent
        for cause in invocation.causes
        if cause.edge is not None and cause.edge.parent is not None and cause.edge.parent in among
    ]


def _members(root: Invocation, among: dict[Invocation, None]) -> list[Invocation]:
    reached, todo = {root}, [root]
    while todo:
        for cause in todo.pop().triggered:
            if cause.invocation not in reached and cause.invocation in among:
                reached.add(cause.invocation)
                todo.append(cause.invocation)
    return sorted(reached, key=time_order)
