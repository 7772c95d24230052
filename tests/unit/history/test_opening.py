"""A chain that is opened from an archive looks as it did live."""

from __future__ import annotations

from pathlib import Path

import pytest

from causality.analysis import chains
from causality.graph import Invocation
from gammaray_tui.history.engines import opened
from gammaray_tui.history.opening import opened_chain
from providers.archive.store import Folder
from providers.errors import UserError
from tests.unit.archive.making import batch, write
from tests.unit.causality.test_world import ALL_WORLDS
from tests.unit.causality.world import World
from tests.unit.history.asking import live


def graded(invocation: Invocation) -> dict[int, tuple[str, str]]:
    return {
        cause.number: (edge.evidence, edge.parent.request_id if edge.parent else "")
        for cause in invocation.causes
        if (edge := cause.edge) is not None
    }


def test_it_has_the_grades_of_the_archive_not_those_of_its_own_records(tmp_path: Path) -> None:
    records = World(1, ALL_WORLDS["all that can go wrong"]).run().records()
    write(tmp_path, batch(records))
    engine = live(records)
    known = engine.invocations
    grades = {i: {evidence for evidence, _ in graded(known[i]).values()} for i in known}
    doubtful = [i for i in known if "ambiguous" in grades[i]]
    proven = [i for i in known if grades[i] and i not in doubtful]
    assert doubtful
    assert proven
    found = chains(known.values())
    with opened(Folder(tmp_path), "duckdb") as archive:
        for request_id in (*doubtful[:3], *proven[:2]):
            watch, *_ = opened_chain(archive, request_id, "an archive", lambda _: None)
            loaded = watch.engine.invocations
            assert {i: graded(loaded[i]) for i in loaded} == {i: graded(known[i]) for i in loaded}
            rows = watch.snapshot().rows
            shown = {rows.row(at).node for at in range(len(rows))}
            (chain, *_) = (c for c in found if known[request_id] in c.members)
            assert shown >= {member.request_id for member in chain.members}
        with pytest.raises(UserError, match="Nothing of nobody"):
            opened_chain(archive, "nobody", "an archive", lambda _: None)
