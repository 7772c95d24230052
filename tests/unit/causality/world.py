"""A small cloud with known truth: functions that call services, and services that fire functions.

Everything is random from one seed. Calls and events have AWS's shapes; what is recorded of them
is what the recorders really write: generation 2 by the recorder's own code, generation 1 by the
original's grammar. `true_edges` is what happened, whatever was recorded of it.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from causality.records import StreamRecord, decode_page
from tests.unit.causality import world_records, world_services
from tests.unit.causality.world_calls import Call, Event

# Lambda tries events again (with the same request id), event sources try again (with another
# one), and a caller that waits for the answer is told of the failure.
How: TypeAlias = Literal["event", "source", "request"]

ACCOUNT = "123456789012"
START_S = 1_795_000_000.0


class Origin(NamedTuple):
    """The call that wrote a record."""

    parent: str
    call_id: str


class TrueEdge(NamedTuple):
    """A call and an invocation that consumed what it wrote."""

    parent: str
    call_id: str
    child: str


@dataclass(frozen=True)
class Options:
    """How the world goes. Shares are between 0 and 1.

    Attributes:
        kinds: what functions call; names of world_services.SERVICES.
        local: a local AWS: it shows caller and callee different request ids.
        keys, contents: how many different ones there are; 1 makes everything collide.
        spread_s: seconds over which the roots are fired.
        skew_s: how far a machine's clock may be off, either way.
        drops: share of records that a filter keeps from a consumer.
        outsiders: share of writes that nobody recorded, beside the functions' own.
        refused, unanswered, repeated: share of calls that went so.
        failures: share of invocations that fail and are tried again.
        results: share of asynchronous invocations of which Lambda sends on the result.
        lost, twice: share of the recorder's own records.
    """

    kinds: tuple[str, ...]
    generation: int = 2
    local: bool = False
    roots: int = 6
    calls: int = 3
    depth: int = 3
    functions: int = 5
    subscribers: int = 2
    keys: int = 1000
    contents: int = 1000
    spread_s: float = 20.0
    skew_s: float = 0.0
    drops: float = 0.0
    outsiders: float = 0.0
    refused: float = 0.0
    unanswered: float = 0.0
    repeated: float = 0.0
    failures: float = 0.0
    results: float = 0.0
    lost: float = 0.0
    twice: float = 0.0


@dataclass
class Run:
    """One attempt, as it goes."""

    request_id: str
    function: str
    region: str
    event: Event
    depth: int
    offset_s: float  # of this machine's clock
    attempt: int = 1
    calls: list[world_records.Made] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{self.function}"


class World:
    """The cloud; `run` lets it happen."""

    def __init__(self, seed: int, options: Options) -> None:
        self.random = random.Random(seed)
        self.options = options
        self.true_edges: set[TrueEdge] = set()
        self.functions: dict[str, str] = {}  # request id -> function
        self.items: dict[tuple[str, str], Event] = {}  # what the tables hold
        self._written: list[dict[str, Any]] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._waiting: defaultdict[str, list[tuple[Event, Origin | None, int]]] = defaultdict(list)
        self._numbers = 0
        self.now_s = START_S

    # --- for tests --------------------------------------------------------------------------

    def run(self) -> World:
        for _ in range(self.options.roots):
            self.at(START_S + self.random.uniform(0, self.options.spread_s), self._fire_root)
        while self._agenda:
            self.now_s, _, happen = heapq.heappop(self._agenda)
            happen()
        return self

    def records(self) -> list[StreamRecord]:
        """Give what the streams deliver: some records lost, some twice."""
        kept = [r for r in self._written if self.random.random() >= self.options.lost]
        kept += [r for r in kept if self.random.random() < self.options.twice]
        return decode_page(world_records.page(kept)).records

    # --- for services -----------------------------------------------------------------------

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def id(self) -> str:
        text = f"{self.random.getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def at(self, time_s: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (time_s, self.number(), happen))

    def consumers(self, source: str) -> list[str]:
        """Give the functions that a source fires: always the same ones for a source."""
        chosen = random.Random(source)
        count = chosen.randint(1, self.options.subscribers)
        return chosen.sample([f"fn{n}" for n in range(self.options.functions)], count)

    def deliver(
        self, source: str, record: Event, origin: Origin | None, depth: int, *, batch: int = 1
    ) -> None:
        """Hand a record to each consumer of a source, alone or with others in a batch."""
        for consumer in self.consumers(source):
            if self.chance(self.options.drops):
                continue
            if batch == 1:
                event = {"Records": [record]}
                self.invoke(consumer, event, [origin], depth, how="event")
                continue
            lane = f"{source} {consumer}"
            self._waiting[lane].append((record, origin, depth))
            delay_s = self.random.uniform(0.01, 0.6)
            self.at(self.now_s + delay_s, lambda lane=lane: self._flush(lane, batch))  # type: ignore[misc]

    def invoke(
        self,
        function: str,
        event: Event,
        origins: list[Origin | None],
        depth: int,
        *,
        how: How,
        request_id: str | None = None,
        attempt: int = 1,
        delay_s: float | None = None,
        region: str = "us-west-2",
    ) -> str:
        """Start a function soon; gives its request id."""
        request_id = request_id or self.id()
        self.functions[request_id] = function
        for origin in origins:
            if origin is not None:
                self.true_edges.add(TrueEdge(origin.parent, origin.call_id, request_id))
        skew_s = self.options.skew_s
        run = Run(
            request_id,
            function,
            region,
            event,
            depth,
            self.random.uniform(-skew_s, skew_s),
            attempt,
        )
        wait_s = self.random.uniform(0.01, 0.4) if delay_s is None else delay_s
        self.at(self.now_s + wait_s, lambda: self._run(run, origins, how))
        return request_id

    def origin_of_result(self, run: Run) -> Origin | None:
        """Name whose result is sent on, without any call."""
        return Origin(run.request_id, "")

    # --- what happens -----------------------------------------------------------------------

    def _fire_root(self) -> None:
        payload = {"task": self.random.randrange(self.options.contents)}
        event, origins = world_services.root_event(self, payload)
        self.invoke("fn0", event, origins, 0, how="event")

    def _flush(self, lane: str, batch: int) -> None:
        waiting = self._waiting[lane]
        if not waiting:
            return
        taken, self._waiting[lane] = waiting[:batch], waiting[batch:]
        event = {"Records": [record for record, _, _ in taken]}
        depth = max(depth for _, _, depth in taken)
        consumer = lane.split(" ")[1]
        self.invoke(consumer, event, [o for _, o, _ in taken], depth, how="source")

    def _run(self, run: Run, origins: list[Origin | None], how: How) -> None:
        started_s = self.now_s
        count = self.random.randint(0, self.options.calls) if run.depth < self.options.depth else 0
        at_s = started_s
        for _ in range(count):
            at_s += self.random.uniform(0.001, 0.1)
            made = world_records.Made(
                self.span(),
                world_services.call(self, self.random.choice(self.options.kinds), run),
                at_s,
                self.random.uniform(0.005, 0.08),
            )
            run.calls.append(made)
            self.at(at_s, lambda made=made: self._call(run, made))  # type: ignore[misc]
            at_s += made.duration_s
            if self.chance(self.options.outsiders):
                outsider = world_services.call(self, self.random.choice(self.options.kinds), run)
                outside_s = at_s + self.random.uniform(0, 3)
                self.at(outside_s, lambda call=outsider: call.take_effect(None))  # type: ignore[misc]
        ended_s = at_s + self.random.uniform(0.001, 0.05)
        self.at(ended_s, lambda: self._end(run, origins, how, started_s))

    def _end(self, run: Run, origins: list[Origin | None], how: How, started_s: float) -> None:
        fails = run.attempt < 3 and how != "request" and self.chance(self.options.failures)
        self._written += world_records.written(self, run, started_s, self.now_s, failed=fails)
        if fails:
            keeps_id = how == "event" and not self.options.local
            self.invoke(
                run.function,
                run.event,
                origins,
                run.depth,
                how=how,
                request_id=run.request_id if keeps_id else None,
                attempt=run.attempt + 1,
                delay_s=self.random.uniform(0.5, 2.0),
                region=run.region,
            )
        elif how == "event" and self.options.results and self.chance(self.options.results):
            world_services.send_result(self, run)

    def _call(self, run: Run, made: world_records.Made) -> None:
        origin = Origin(run.request_id, made.id)
        options = self.options
        if self.chance(options.repeated):
            made.retries = self.random.randint(1, 2)
            for _ in range(made.retries):
                if self.chance(0.3):
                    made.call.take_effect(origin)
        if self.chance(options.refused):
            made.error = "ThrottlingException"
        elif self.chance(options.unanswered):
            made.error, made.unanswered = "ReadTimeoutError", True
            if self.chance(0.5):
                made.call.take_effect(origin)
        else:
            made.response = made.call.take_effect(origin)

    def span(self) -> str:
        return f"{self.random.getrandbits(64):016x}"


__all__ = ["Call", "Options", "Origin", "Run", "TrueEdge", "World"]
