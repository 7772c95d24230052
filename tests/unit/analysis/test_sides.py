"""Two sets of chains by two expressions."""

from __future__ import annotations

from causality.analysis import compared
from causality.engine import Engine
from causality.filters import Filter, parse
from tests.unit.causality.oracle import json_records, readable


def _parse(text: str) -> Filter | None:
    return parse(text)


def _engine(case: str) -> Engine:
    engine = Engine()
    engine.apply_records(readable(json_records(case)))
    engine.finish()
    engine.settle()
    return engine


def test_chains_are_parted_by_what_is_in_them() -> None:
    engine = _engine("imageproc_overlap")
    first, *_ = sorted(
        i.started_at_s for i in engine.invocations.values() if i.started_at_s is not None
    )
    found = compared(engine.invocations.values(), f"started<={first}", f"-started<={first}", _parse)
    assert found.troubles == ("", "")
    assert found.both == 1  # all of the first chain but its root began later
    assert found.comparison is not None
    assert found.chains[1] >= 1


def test_what_is_wrong_with_an_expression_is_said_beside_it() -> None:
    found = compared((), "duration>x", "", _parse)
    assert found.comparison is None
    assert "column" in found.troubles[0]
    assert found.troubles[1] == "which chains?"
