"""Synthetic chains: what the screens show in tests, the same at every run."""

from __future__ import annotations

from dataclasses import dataclass, field

from causality.snapshot import Evidence, NodeId, Span, State, TreeRow

START_S = 1_760_000_019.0
"""When the first chain starts; an instant that reads 08:53:39 in the tree."""


@dataclass
class MockInvocation:
    node: NodeId
    function: str
    region: str
    trigger: str
    start_s: float  # since the chain's root started
    duration_s: float | None
    state: State = "ok"
    kind: str = "invocation"
    delay_s: float | None = None
    evidence: Evidence | None = None
    candidates: int = 0
    init_s: float | None = None
    attempts: int = 1
    attempt: int = 1
    children: list[MockInvocation] = field(default_factory=list)
    folded: bool = False

    def walk(self) -> list[MockInvocation]:
        found = [self]
        for child in self.children:
            found += child.walk()
        return found

    @property
    def end_s(self) -> float:
        return self.start_s + (self.duration_s or 0.6)


@dataclass
class MockChain:
    root: MockInvocation
    at_s: float

    @property
    def chain_s(self) -> float:
        return max(invocation.end_s for invocation in self.root.walk())

    def rows(self, *, calls_shown: bool, matches: str) -> list[TreeRow]:
        rows: list[TreeRow] = []
        self._add(self.root, 0, (), True, rows, calls_shown, matches)
        return rows

    def _add(
        self,
        item: MockInvocation,
        depth: int,
        guides: tuple[bool, ...],
        last: bool,
        rows: list[TreeRow],
        calls_shown: bool,
        matches: str,
    ) -> None:
        below = [other for other in item.walk()[1:] if other.kind == "invocation"]
        rows.append(
            TreeRow(
                node=item.node,
                kind=item.kind,  # type: ignore[arg-type]
                depth=depth,
                guides=guides,
                last=last,
                function=item.function,
                region=item.region,
                state=item.state,
                trigger=item.trigger,
                started_at_s=self.at_s + item.start_s,
                offset_s=None if depth == 0 else item.start_s,
                duration_s=item.duration_s,
                delay_s=item.delay_s,
                cold=item.init_s is not None,
                init_s=item.init_s,
                evidence=item.evidence,
                candidates=item.candidates,
                attempts=item.attempts,
                attempt=item.attempt,
                children=len(below),
                folded=item.folded,
                hidden_errors=sum(o.state == "error" for o in below) if item.folded else 0,
                hidden_running=sum(o.state == "running" for o in below) if item.folded else 0,
                chain_s=self.chain_s,
                spans=_spans(item),
                matched=not matches or matches in item.function,
            )
        )
        if item.folded:
            return
        children = [c for c in item.children if calls_shown or c.kind != "call"]
        for index, child in enumerate(children):
            is_last = index == len(children) - 1
            inner = guides if depth == 0 else (*guides, not last)
            self._add(child, depth + 1, inner, is_last, rows, calls_shown, matches)


def _spans(item: MockInvocation) -> tuple[Span, ...]:
    spans = []
    start_s = item.start_s
    if item.delay_s:
        spans.append(Span("wait", start_s - item.delay_s, start_s))
    if item.init_s is not None:
        spans.append(Span("init", start_s, start_s + item.init_s))
        start_s += item.init_s
    phase = "running" if item.state == "running" else "run"
    spans.append(Span(phase, start_s, item.end_s))  # type: ignore[arg-type]
    return tuple(spans)


def image_chain(number: int, at_s: float, *, cold: bool = False) -> MockChain:
    """The two-region picture application: three functions, and calls that trigger nothing."""
    name = f"img{number:06d}"

    def node(part: str) -> NodeId:
        return f"{name}-{part}/0"

    def call(part: str, operation: str, on: str, start_s: float, took_s: float) -> MockInvocation:
        return MockInvocation(
            f"{node('a')}#{part}", operation, "us-west-2", on,
            start_s, took_s, kind="call",
        )  # fmt: skip

    website = MockInvocation(
        node("c"), "UpdateWebsite", "us-east-1", "PutItem→eastSyncTable-B", 0.981, 0.124,
        delay_s=0.213, evidence="exact", init_s=0.18 if cold else None,
    )  # fmt: skip
    website.children.append(call("4", "POST", "updates.example.com", 1.02, 0.04))
    sync = MockInvocation(
        node("b"), "DBSyncPy", "us-west-2", "PutItem→image-proc-B", 0.602, 0.187,
        delay_s=0.151, evidence="exact", init_s=0.21 if cold else None, children=[website],
    )  # fmt: skip
    root = MockInvocation(
        node("a"), "ImageProcPy", "us-west-2", "invoke", 0.0, 0.468,
        init_s=0.24 if cold else None,
    )  # fmt: skip
    root.children = [
        call("1", "GetObject", "imgproc/d1.jpg", 0.031, 0.044),
        call("2", "DetectLabels", "rekognition", 0.091, 0.240),
        sync,
        call("3", "GetItem", "image-proc-D", 0.458, 0.009),
    ]
    return MockChain(root, at_s)


def shop_chain(number: int, at_s: float) -> MockChain:
    """A shop's checkout: a fan-out with errors, retries and ambiguous edges now and then."""
    name = f"shop{number:06d}"

    def node(part: str) -> NodeId:
        return f"{name}-{part}/0"

    failing = number % 5 == 3
    running = number % 7 == 6
    mail = MockInvocation(
        node("mail"), "notify-email", "us-west-2", "PutEvents→shop-bus", 0.247,
        0.504 if not failing else 0.131, "error" if failing else "ok",
        delay_s=0.025, evidence="exact", attempts=2 if failing else 1, attempt=2 if failing else 1,
    )  # fmt: skip
    stock = MockInvocation(
        node("stock"), "stock-sync", "us-east-1", "PutItem→Orders", 0.410,
        None if running else 0.201, "running" if running else "ok",
        delay_s=1.138 if number % 4 == 2 else 0.138,
        evidence="ambiguous" if number % 3 == 1 else "content", candidates=2,
    )  # fmt: skip
    worker = MockInvocation(
        node("work"), "order-worker", "us-west-2", "SendMessage→orders.fifo", 0.098, 0.374,
        delay_s=0.045, evidence="order" if number % 6 == 5 else "exact",
        init_s=0.21 if number % 4 == 0 else None, children=[mail, stock],
    )  # fmt: skip
    root = MockInvocation(
        node("api"), "checkout-api", "us-west-2", "POST /v1/checkout", 0.0, 0.147, children=[worker]
    )
    return MockChain(root, at_s)
