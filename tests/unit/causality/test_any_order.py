"""Any order of arrival and any repetition give the same graph."""

from __future__ import annotations

from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causality.document import GraphDocument, graph_document
from causality.engine import Engine
from causality.records import StreamRecord
from tests.unit.causality import oracle

Piece: TypeAlias = StreamRecord | str

_TESTED = (*oracle.EDGE_CASES, "imageproc_overlap", "webapp", "mapreduce")


def _pieces(case: str) -> list[Piece]:
    return [*oracle.readable(oracle.json_records(case)), *oracle.documents(case)]


def graph_in_order(pieces: list[Piece], settle_after: frozenset[int]) -> GraphDocument:
    engine = Engine()
    for index, piece in enumerate(pieces):
        if isinstance(piece, str):
            engine.apply_documents([piece])
        else:
            engine.apply_records([piece])
        if index in settle_after:
            engine.settle()
    engine.settle()
    engine.finish()
    return graph_document(engine)


@pytest.mark.parametrize("case", _TESTED)
@settings(max_examples=12)
@given(data=st.data())
def test_any_order_and_any_repetition_give_the_same_graph(case: str, data: st.DataObject) -> None:
    pieces = _pieces(case)
    expected = graph_in_order(pieces, frozenset())
    shuffled = data.draw(st.permutations(pieces))
    repeated = data.draw(st.lists(st.sampled_from(pieces), max_size=4))
    pauses = data.draw(st.frozensets(st.integers(0, len(pieces) + 3), max_size=8))
    assert graph_in_order([*shuffled, *repeated], pauses) == expected


@pytest.mark.parametrize("case", _TESTED)
def test_traces_before_records_give_the_same_graph(case: str) -> None:
    pieces = _pieces(case)
    backwards = list(reversed(pieces))
    assert graph_in_order(backwards, frozenset(range(len(pieces)))) == graph_in_order(
        pieces, frozenset()
    )
