"""What a mock model shows beside its tree: the detail of a selection, and latencies."""

from __future__ import annotations

from collections.abc import Sequence

from causality.snapshot import (
    CallRow,
    ChainBar,
    Detail,
    LatencyRow,
    Why,
)
from tests.functional.mock_data import (
    MockChain,
    MockInvocation,
)


def detail_of(chain: MockChain, item: MockInvocation) -> Detail:
    rows = chain.rows(calls_shown=False, matches="")
    edges: tuple[Why, ...] = ()
    if item.evidence is not None:
        edges = (
            Why(
                item.evidence,
                "the stream record carries the sequence number of this write",
                (
                    ("table", "image-proc-B", "image-proc-B"),
                    ("request id", "8f3ca1", "8f3ca1"),
                    ("key", "{id: d1.jpg}", "{id: d1.jpg}"),
                ),
                ("UpdateItem image-proc-B, 3 ms earlier: its key is another one",),
            ),
        )
    return Detail(
        node=item.node,
        function=item.function,
        region=item.region,
        account="123456789012",
        state=item.state,
        error="ConnectionError: mail.example.com refused" if item.state == "error" else None,
        request_id=item.node.split("/")[0] + "-4d1e-9a52-0c5d1b6c7a10",
        trace_id="1-68e77d93-2f1c0a9e5b7d4c3a1f0e9d8c",
        attempt=item.attempt,
        attempts=item.attempts,
        version="$LATEST",
        memory_mb=256,
        started_at_s=chain.at_s + item.start_s,
        duration_s=item.duration_s,
        init_s=item.init_s,
        cold=item.init_s is not None,
        delay_s=item.delay_s,
        sdk_s=0.061,
        cause=f"{item.trigger}" if item.evidence else f"{item.trigger} (root)",
        edges=edges,
        calls=tuple(
            CallRow(
                child.function if child.kind == "call" else child.trigger.partition("→")[0],
                "dynamodb",
                child.trigger if child.kind == "call" else child.trigger.partition("→")[2],
                "{id: d1.jpg}" if "PutItem" in child.trigger else "",
                child.region,
                child.start_s - item.start_s,
                0.012,
                None,
                (child.function,) if child.kind == "invocation" else (),
            )
            for child in item.children
        ),
        chain=tuple(
            ChainBar(row.node, row.depth, row.function, row.state, row.duration_s, row.spans)
            for row in rows
        ),
        chain_s=chain.chain_s,
        chain_count=len(rows),
        recorder_us=840,
    )


def function_rows(chains: Sequence[MockChain]) -> list[LatencyRow]:
    items = [item for chain in chains for item in chain.root.walk() if item.kind == "invocation"]
    return [
        _latency(name, region, [i for i in items if i.function == name])
        for name, region in sorted({(i.function, i.region) for i in items})
    ]


def edge_rows(chains: Sequence[MockChain]) -> list[LatencyRow]:
    items = [item for chain in chains for item in chain.root.walk() if item.evidence is not None]
    return [
        _latency(f"{trigger}→{name}", region, [i for i in items if i.function == name])
        for trigger, name, region in sorted({(i.trigger, i.function, i.region) for i in items})
    ]


def _latency(name: str, region: str, items: Sequence[MockInvocation]) -> LatencyRow:
    took = sorted(item.duration_s for item in items if item.duration_s is not None)

    def quantile(q: float) -> float | None:
        return took[min(len(took) - 1, int(q * len(took)))] if took else None

    return LatencyRow(
        name,
        region,
        len(items),
        sum(item.state == "error" for item in items),
        sum(item.init_s is not None for item in items),
        quantile(0.5),
        quantile(0.9),
        quantile(0.95),
        quantile(0.99),
        took[-1] if took else None,
        len(items) / 60,
        tuple((len(name) * n) % 9 for n in range(1, 13)),
    )
