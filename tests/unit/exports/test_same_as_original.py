"""Our views of the oracle's applications have the nodes and edges that the original drew."""

from __future__ import annotations

from pathlib import Path

import pytest

from causality.views import ViewName, view_of
from tests.unit.causality.oracle import APPLICATIONS, ROOT
from tests.unit.exports.engines import engine_of
from tests.unit.exports.original import drawn_by_the_original, drawn_by_us

_FILES: dict[ViewName, str] = {
    "instance": "instance.gv",
    "calls": "all_sdks.gv",
    "aggregate": "aggregate.gv",
}


@pytest.mark.parametrize("application", APPLICATIONS)
@pytest.mark.parametrize("view_name", _FILES)
def test_same_nodes_and_edges(application: str, view_name: ViewName) -> None:
    theirs = drawn_by_the_original(ROOT / application / _FILES[view_name])
    ours = drawn_by_us(view_of(engine_of(application), view_name))

    assert ours.nodes == theirs.nodes
    assert ours.edges == theirs.edges


def test_the_original_is_read_wholly() -> None:
    read = drawn_by_the_original(Path(ROOT / "mapreduce" / "all_sdks.gv"))

    assert (read.nodes.total(), read.edges.total()) == (103, 102)
