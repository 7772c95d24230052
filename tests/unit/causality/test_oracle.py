"""Recorded runs with a known truth: every edge that can be told is told, and none is wrong."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest

from causality.document import EdgeEntry, GraphDocument
from causality.records import Number, StreamRecord, Unreadable
from tests.unit.causality import oracle

Records = tuple[StreamRecord | Unreadable, ...]

# Edges that generation 1 did not record: no cause, no call, or only the first of a batch.
UNTOLD = {"edge/apigw_http": 1, "edge/sqs_trigger": 1, "edge/ddb_batch_of_2": 1}
# Two writers of one key within a second: nothing recorded tells them apart.
AMBIGUOUS = {"edge/putitem_same_key_two_writers": 2, "edge/s3_two_writers_same_key": 2}
ORPHANS = {"edge/s3_external_upload_root": 1, "edge/sqs_trigger": 1}
EXACT = ("edge/invoke_arn_fanout3", "edge/invoke_no_type")

forms = pytest.mark.parametrize("read", [oracle.json_records, oracle.dump_records])
with_and_without_traces = pytest.mark.parametrize("traced", [True, False])


def _graph(case: str, read: Callable[[str], Records], traced: bool) -> GraphDocument:
    return oracle.graph_of(read(case), oracle.documents(case) if traced else ())


def _certain(document: GraphDocument) -> dict[tuple[str, str], EdgeEntry]:
    return {
        (edge.parent_request_id, edge.child_request_id): edge
        for edge in document.edges
        if edge.parent_request_id is not None
    }


@forms
@with_and_without_traces
@pytest.mark.parametrize("case", oracle.CASES)
def test_no_certain_edge_is_wrong(case: str, read: Callable[[str], Records], traced: bool) -> None:
    truth = {(edge.parent, edge.child): edge for edge in oracle.true_edges(case)}
    for pair, edge in _certain(_graph(case, read, traced)).items():
        assert pair in truth
        if edge.call_id is not None and truth[pair].call_id is not None:
            assert edge.call_id == truth[pair].call_id


@forms
@with_and_without_traces
@pytest.mark.parametrize("case", oracle.CASES)
def test_every_edge_that_can_be_told_is_told(
    case: str, read: Callable[[str], Records], traced: bool
) -> None:
    truth = {(edge.parent, edge.child) for edge in oracle.true_edges(case)}
    document = _graph(case, read, traced)
    certain = _certain(document)
    told = {pair for pair in truth if pair in certain}
    doubtful = [edge for edge in document.edges if edge.evidence == "ambiguous"]
    for edge in doubtful:
        assert edge.parent_request_id is None
        assert any((parent, edge.child_request_id) in truth for parent in edge.candidates)
    assert len(doubtful) == AMBIGUOUS.get(case, 0)
    assert len(told) == len(truth) - UNTOLD.get(case, 0) - len(doubtful)
    if case in EXACT:
        assert {edge.evidence for edge in certain.values()} == {"exact"}


@forms
@pytest.mark.parametrize("case", oracle.CASES)
def test_every_invocation_is_there_with_its_function(
    case: str, read: Callable[[str], Records]
) -> None:
    document = _graph(case, read, traced=True)
    assert not [problem for problem in document.problems if problem.kind == "unreadable"]
    shown = {entry.request_id for entry in document.invocations}
    assert shown == {invocation["request_id"] for invocation in oracle.invocations(case)}
    functions = {i["request_id"]: i["function"] for i in oracle.invocations(case)}
    for entry in document.invocations:
        assert entry.function == functions[entry.request_id]


@pytest.mark.parametrize("case", oracle.CASES)
def test_both_forms_of_the_records_give_one_graph(case: str) -> None:
    traces = oracle.documents(case)
    assert oracle.graph_of(oracle.json_records(case), traces) == oracle.graph_of(
        oracle.dump_records(case), traces
    )


@pytest.mark.parametrize("case", oracle.CASES)
def test_orphans_are_problems_and_roots_are_not(case: str) -> None:
    document = _graph(case, oracle.json_records, traced=True)
    orphans = [problem for problem in document.problems if problem.kind == "orphan"]
    assert len(orphans) == ORPHANS.get(case, 0)


def test_a_retry_is_an_attempt_of_its_invocation() -> None:
    document = _graph("edge/retry_same_request_id", oracle.json_records, traced=True)
    retried = "55555555-5555-5555-5555-555555555555"
    attempts = [entry for entry in document.invocations if entry.request_id == retried]
    assert [entry.attempt for entry in attempts] == [1, 2]
    assert len({entry.trace_id for entry in attempts}) == 2


def test_a_trimmed_entry_leaves_the_calls_and_their_edges() -> None:
    document = _graph("edge/stream_parent_trimmed", oracle.json_records, traced=False)
    assert [entry.function for entry in document.invocations].count(None) == 1
    assert len(_certain(document)) == 4


@pytest.mark.parametrize(("later_s", "evidence"), [(40, "order"), (90, "ambiguous")])
def test_order_proves_no_more_when_the_call_counts_as_one_that_triggered_nothing(
    later_s: int, evidence: str
) -> None:
    (truth,) = oracle.true_edges("edge/updateitem")
    records = deepcopy(oracle.json_records("edge/updateitem"))
    for record in records:
        image = record.dynamodb.NewImage if isinstance(record, StreamRecord) else None
        if image is not None and image.reqID.S.startswith(truth.child):
            image.ts = Number(str(int(image.ts.N) + later_s * 1000))
    (edge,) = oracle.graph_of(records).edges
    assert edge.evidence == evidence
    assert truth.parent in (edge.parent_request_id, *edge.candidates)


def test_repeated_records_change_nothing() -> None:
    records = oracle.json_records("imageproc")
    assert oracle.graph_of(records) == oracle.graph_of(records * 2)
