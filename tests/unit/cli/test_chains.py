from __future__ import annotations

from causality.document import EdgeEntry, GraphDocument, InvocationEntry
from gammaray_tui.chains import missing_parts

FUNCTIONS = ["First", "Second", "Third"]


def invocation(request_id: str, function: str, status: str | None = "ok") -> InvocationEntry:
    return InvocationEntry(
        request_id=request_id,
        attempt=1,
        function=function,
        region=None,
        account=None,
        started_at=None,
        duration_s=None,
        init_s=None,
        cold_start=None,
        status=status,
        sdk_s=None,
        trace_id=None,
    )


def edge(parent: str | None, child: str) -> EdgeEntry:
    return EdgeEntry(
        parent_request_id=parent,
        child_request_id=child,
        call_id=None,
        operation=None,
        resource=None,
        evidence="content" if parent else "ambiguous",
        candidates=[],
        call_candidates=[],
        key=None,
    )


def chain(number: int) -> tuple[list[InvocationEntry], list[EdgeEntry]]:
    names = [f"{number}-{function}" for function in FUNCTIONS]
    invocations = [invocation(*pair) for pair in zip(names, FUNCTIONS, strict=True)]
    return invocations, [edge(names[0], names[1]), edge(names[1], names[2])]


def document(invocations: list[InvocationEntry], edges: list[EdgeEntry]) -> GraphDocument:
    return GraphDocument(invocations=invocations, calls=[], edges=edges, problems=[])


def test_complete_chains_lack_nothing() -> None:
    first, second = chain(1), chain(2)
    graph = document(first[0] + second[0], first[1] + second[1])
    assert missing_parts(graph, FUNCTIONS, 2) == []


def test_chains_that_nothing_was_seen_of() -> None:
    graph = document(*chain(1))
    assert missing_parts(graph, FUNCTIONS, 3) == ["2 of 3 chains: nothing was seen"]
    assert missing_parts(document([], []), FUNCTIONS, 1) == ["1 of 1 chain: nothing was seen"]


def test_a_function_that_has_not_run() -> None:
    invocations, edges = chain(1)
    graph = document(invocations[:2], edges[:1])
    assert missing_parts(graph, FUNCTIONS, 1) == ["chain 1-First: Third has not run"]


def test_an_invocation_that_has_not_ended() -> None:
    invocations, edges = chain(1)
    for status in (None, "running"):
        invocations[2] = invocation("1-Third", "Third", status)
        assert missing_parts(document(invocations, edges), FUNCTIONS, 1) == [
            "chain 1-First: Third (1-Third) has not ended"
        ]


def test_an_invocation_whose_parent_is_in_doubt_is_no_chain_of_its_own() -> None:
    invocations, edges = chain(1)
    graph = document([*invocations, invocation("x", "Second")], [*edges, edge(None, "x")])
    assert missing_parts(graph, FUNCTIONS, 2) == ["1 of 2 chains: nothing was seen"]


def test_a_loop_of_edges_ends() -> None:
    invocations, edges = chain(1)
    graph = document(invocations, [*edges, edge("1-Third", "1-Second")])
    assert missing_parts(graph, FUNCTIONS, 1) == []
