"""Comparing two sets of chains: two runs, before and after a deployment, two stretches of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from causality.accounts import has_several_accounts
from causality.analysis.rank_test import holm, rank_test
from causality.graph import Edge, Invocation
from causality.hops import hop_of
from causality.latency import Sample, Tally, edge_samples, function_samples
from causality.sketch import bucket_of

# A shift is called resolved when chance alone gives one like it, among all that are compared,
# this rarely at most.
LEVEL = 0.05

Kind: TypeAlias = Literal["function", "edge"]
Verdict: TypeAlias = Literal["slower", "faster", "unresolved"]
# Kind, name, region, account where there are several.
_Key: TypeAlias = tuple[Kind, str, str, str]


class Hop(NamedTuple):
    """A kind of edge: which function starts which, by what.

    Attributes:
        region, account: of the function that is started; the account is told only where one
            side has several.
    """

    caller: str
    operation: str
    resource: str
    function: str
    region: str
    account: str = ""


class Latency(msgspec.Struct, frozen=True):
    """The samples of one side; seconds."""

    count: int
    errors: int
    cold_starts: int
    p50_s: float
    p95_s: float


class Shift(msgspec.Struct, frozen=True):
    """How a function's duration, or an edge's trigger delay, differs between the two sets.

    Attributes:
        superiority: how often a sample of after is slower than one of before; 0.5 is no shift.
        p_value: how likely chance alone gives a shift like this, corrected for the number of
            shifts that are compared.
        verdict: "unresolved" when the samples do not tell, be it for want of them.
    """

    kind: Kind
    name: str
    region: str
    before: Latency
    after: Latency
    superiority: float
    p_value: float
    verdict: Verdict
    account: str = ""

    @property
    def p50_s(self) -> float:
        """The median's change; positive is slower."""
        return self.after.p50_s - self.before.p50_s

    @property
    def p95_s(self) -> float:
        """The 95th percentile's change."""
        return self.after.p95_s - self.before.p95_s

    @property
    def ratio(self) -> float | None:
        """The median after over the one before; None when that was nothing."""
        return self.after.p50_s / self.before.p50_s if self.before.p50_s else None


class Comparison(msgspec.Struct, frozen=True):
    """What differs.

    Attributes:
        appeared, vanished: edges that only one of the sets has, with how often; none that an
            ambiguous edge of the other one may be.
        functions_appeared, functions_vanished: (name, region, account).
        shifts: of what both have: resolved ones first, then by the change of the median.
    """

    appeared: tuple[tuple[Hop, int], ...]
    vanished: tuple[tuple[Hop, int], ...]
    functions_appeared: tuple[tuple[str, str, str], ...]
    functions_vanished: tuple[tuple[str, str, str], ...]
    shifts: tuple[Shift, ...]


class _Side:
    def __init__(self, invocations: Iterable[Invocation], *, apart: bool) -> None:
        self._apart = apart  # whether functions of several accounts are told apart
        self.hops: dict[Hop, int] = {}
        self.possible: set[Hop] = set()  # those that an ambiguous edge may be
        self.functions: set[tuple[str, str, str]] = set()
        self.samples: dict[_Key, list[Sample]] = defaultdict(list)
        for invocation in invocations:
            if invocation.function is not None:
                self.functions.add((invocation.function, *self._place(invocation)))
            _, account = self._place(invocation)
            for _, sample in function_samples(invocation):
                self._add("function", account, sample)
            for _, sample in edge_samples(invocation):
                self._add("edge", account, sample)
            for cause in invocation.causes:
                if cause.edge is not None:
                    self._add_edge(cause.edge)

    def _add_edge(self, edge: Edge) -> None:
        if edge.parent is None:
            # In doubt about the caller, neither its appearing nor its vanishing would be sure.
            self.possible.update(self._possible_hops(edge))
        else:
            hop = self._hop(edge.parent, edge)
            self.hops[hop] = self.hops.get(hop, 0) + 1

    def _possible_hops(self, edge: Edge) -> Iterator[Hop]:
        alike = {
            (c.invocation.function, c.fact.service, c.fact.operation, c.fact.resource): c
            for c in edge.candidates
        }
        for call in alike.values():
            meant = msgspec.structs.replace(edge, parent=call.invocation, call=call, meant=call)
            yield self._hop(call.invocation, meant)

    def _hop(self, caller: Invocation, edge: Edge) -> Hop:
        called = edge.cause.invocation
        place = self._place(called)
        return Hop(caller.function or "?", *hop_of(edge), called.function or "?", *place)

    def _place(self, invocation: Invocation) -> tuple[str, str]:
        account = invocation.account if self._apart else None
        return (invocation.region or "", account or "")

    def _add(self, kind: Kind, account: str, sample: Sample | None) -> None:
        if sample is not None:
            self.samples[(kind, *sample[0][:2], account)].append(sample)


def compare(before: Collection[Invocation], after: Collection[Invocation]) -> Comparison:
    """Compare two sets of invocations, of one settled graph or of two."""
    # What ran in one account may be compared to the same in another.
    apart = has_several_accounts(before) or has_several_accounts(after)
    old, new = _Side(before, apart=apart), _Side(after, apart=apart)
    both = [key for key in old.samples if key in new.samples]
    tests = [rank_test(_values(old.samples[key]), _values(new.samples[key])) for key in both]
    p_values = holm([test.p_value for test in tests])
    shifts = []
    for key, test, p_value in zip(both, tests, p_values, strict=True):
        verdict: Verdict = "unresolved"
        if p_value <= LEVEL:
            verdict = "slower" if test.superiority > 0.5 else "faster"
        was, became = _latency(old.samples[key]), _latency(new.samples[key])
        shifts.append(
            Shift(*key[:3], was, became, test.superiority, p_value, verdict, account=key[3])
        )
    return Comparison(
        _only(new, old),
        _only(old, new),
        tuple(sorted(new.functions - old.functions)),
        tuple(sorted(old.functions - new.functions)),
        tuple(
            sorted(
                shifts,
                key=lambda s: (s.verdict == "unresolved", -abs(s.p50_s), s.kind, *_named(s)),
            )
        ),
    )


def _named(shift: Shift) -> tuple[str, str, str]:
    return (shift.name, shift.region, shift.account)


def _only(these: _Side, those: _Side) -> tuple[tuple[Hop, int], ...]:
    """Give the edges that one side has, and the other certainly has not."""
    return tuple(
        sorted(
            (hop, number)
            for hop, number in these.hops.items()
            if hop not in those.hops and hop not in those.possible
        )
    )


def _values(samples: list[Sample]) -> list[float]:
    return [max(0.0, value_s) for _, value_s, *_ in samples]


def _latency(samples: list[Sample]) -> Latency:
    tally = Tally()
    for _, value_s, _, error, cold in samples:
        value_s = max(0.0, value_s)
        tally.add(bucket_of(value_s), value_s, error, cold, 1)
    p50_s, _, p95_s, _ = (value or 0.0 for value in tally.quantiles())
    return Latency(len(samples), tally.errors, tally.cold, p50_s, p95_s)
