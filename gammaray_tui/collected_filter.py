"""Which of what was counted fits a filter: it is tried on invocations as they may have been.

A filter is about invocations, and of those that were only counted, none is known. What is known
are functions, whether any of their invocations failed or began cold, and which edges lead to them:
for each of these one is made up, and the filter tried on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from causality.engine import Engine
from causality.facts import Call, Cause, End, Fact, Facts, Output, Start
from causality.filters import Filter
from causality.latency import SeriesKey
from causality.service_map import OUTSIDE, MapEdge, ServiceMap
from causality.snapshot import LatencyRow, ProblemRow
from gammaray_recorder import wire
from gammaray_tui.collected_problems import Told
from gammaray_tui.collected_rows import Offer

_BEFORE_S, _AFTER_S = 1.0, 2.0
_GENERATION = 2


@dataclass(frozen=True, slots=True)
class Fitting:
    """What fits: functions by name and region, edges of the map.

    Attributes:
        by_edge: those of the functions that fit only by an edge that leads to them.
    """

    functions: frozenset[SeriesKey]
    edges: frozenset[MapEdge]
    by_edge: frozenset[SeriesKey]

    def chosen(self, rows: Iterable[LatencyRow]) -> list[LatencyRow]:
        """Choose from the latency table of functions."""
        return [row for row in rows if row.key in self.functions]

    def chosen_edges(self, rows: Iterable[LatencyRow]) -> list[LatencyRow]:
        """Choose from the latency table of edges."""
        keys = {edge_name(edge.source[0], edge.channel, edge.target) for edge in self.edges}
        return [row for row in rows if row.key in keys]

    def chosen_problems(self, told: Iterable[Told]) -> list[ProblemRow]:
        """Choose from the problems: those of functions that fit, and those that concern all."""
        return [
            one.row
            for one in told
            if not one.functions or not one.functions.isdisjoint(self.functions)
        ]

    def map(self, drawn: ServiceMap) -> ServiceMap:
        """Choose from the map: functions that fit, edges, and where these come from."""
        ends = {end for edge in self.edges for end in (edge.source, edge.target)}
        nodes = (node for node in drawn.nodes if node.id in self.functions or node.id in ends)
        return ServiceMap(tuple(nodes), tuple(edge for edge in drawn.edges if edge in self.edges))


def fitting(test: Filter, functions: Sequence[LatencyRow], drawn: ServiceMap) -> Fitting:
    """Try a filter on all that was counted."""
    engine = Engine()
    for number, row in enumerate(functions):
        place = row.key
        _ran(engine, f"ok {number}", place)
        if row.errors:
            _ran(engine, f"failed {number}", place, failed=True)
        if row.cold:
            _ran(engine, f"cold {number}", place, cold=True)
    for number, edge in enumerate(drawn.edges):
        _caused(engine, number, edge)
    engine.finish()
    fits = {name for name, made_up in engine.invocations.items() if test(made_up)}
    edges = frozenset(e for number, e in enumerate(drawn.edges) if f"effect {number}" in fits)
    by_themselves = frozenset(
        row.key
        for number, row in enumerate(functions)
        if not fits.isdisjoint(f"{how} {number}" for how in ("ok", "failed", "cold"))
    )
    by_edge = frozenset(edge.target for edge in edges) - by_themselves
    return Fitting(by_themselves | by_edge, edges, by_edge)


def fitting_offers(offers: Sequence[Offer], test: Filter, known: Fitting | None) -> list[Offer]:
    """Give the examples that fit, as far as is known of them."""
    engine = Engine()
    for offer in offers:
        place = (offer.function, offer.region, "")
        _ran(engine, offer.request_id, place, offer.at_s, failed="failed" in offer.why)
    led_to = known.by_edge if known is not None else frozenset()
    return [
        offer
        for offer in offers
        if test(engine.invocations[offer.request_id])
        or (offer.function, offer.region, "") in led_to
    ]


def edge_name(caller: str, channel: str, callee: SeriesKey) -> SeriesKey:
    """Name an edge as the live view does (causality.latency.edge_key)."""
    middle = "" if channel == "Invoke" else f" → {channel}"
    return (f"{caller}{middle} → {callee[0]}", *callee[1:])


def _ran(
    engine: Engine,
    name: str,
    place: SeriesKey,
    at_s: float = _AFTER_S,
    *,
    failed: bool = False,
    cold: bool = False,
    calls: Sequence[Call] = (),
    causes: tuple[Cause, ...] = (),
) -> None:
    function, region, _ = place
    arn = f"arn:aws:lambda:{region}:000000000000:function:{function}"
    start = Start(at_s, arn=arn, region=region, cold=cold, causes=causes)
    end = End(at_s, status=wire.STATUS_ERROR if failed else wire.STATUS_OK)
    said: list[Fact] = [start, *calls, end]
    engine.apply_facts([Facts(name, "a", said, _GENERATION, at_s)])


def _caused(engine: Engine, number: int, edge: MapEdge) -> None:
    service, resource = "sqs", edge.channel
    if edge.channel == "Invoke":
        service, resource = "lambda", edge.target[0]
    if edge.source[1] == OUTSIDE:
        _ran(engine, f"effect {number}", edge.target, causes=(Cause(service, resource),))
        return
    ids = {wire.ID_SQS_MESSAGE: f"message {number}"}
    call = Call(f"{number:x}", _BEFORE_S, 0.0, service, outputs=(Output(resource, ids=ids),))
    _ran(engine, f"cause {number}", edge.source, _BEFORE_S, calls=(call,))
    _ran(engine, f"effect {number}", edge.target, causes=(Cause(service, resource, ids=ids),))
