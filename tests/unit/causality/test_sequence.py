"""The n-th write is the n-th record: only where counts agree and clocks cannot be wrong."""

from __future__ import annotations

from typing import Any

from tests.unit.causality.story import Story, T, changed, update


def _record(sequence: int) -> dict[str, Any]:
    return changed(ids={"ddb_seq": str(sequence), "ddb_event": f"e{sequence}"})


def _calls_of(story: Story) -> list[str | None]:
    story.engine.finish()
    edges = [story.edge(name) for name in sorted(story.engine.invocations) if name != "w"]
    return [edge.call.id if edge.call is not None else None for edge in edges]


def test_writes_of_one_invocation_are_told_by_number_whatever_the_clocks() -> None:
    story = Story()
    story.invocation("w", T, *(update(f"c{n}", T + n / 20) for n in range(4)))
    # The second batch began before the first one, by the clock of its machine.
    for place, sequence in enumerate((900, 1000, 1100, 1200)):
        at_s = T + 0.4 - place / 100
        story.invocation(f"r{place}", at_s, causes=(_record(sequence),), function="consumer")
    assert _calls_of(story) == ["c0", "c1", "c2", "c3"]


def test_a_write_more_than_records_leaves_it_open() -> None:
    story = Story()
    story.invocation("w", T, *(update(f"c{n}", T + n / 20) for n in range(3)))
    for place, sequence in enumerate((1, 2)):
        at_s = T + 0.4 + place / 100
        story.invocation(f"r{place}", at_s, causes=(_record(sequence),), function="consumer")
    assert _calls_of(story) == [None, None]


def test_clocks_of_two_machines_tell_only_what_lies_far_apart() -> None:
    story = Story()
    for place, at_s in enumerate((T, T + 0.5, T + 3)):
        story.invocation(f"w{place}", at_s, update(f"c{place}", at_s), function=f"writer{place}")
    for place in range(3):
        at_s = T + 3.4 + place / 100
        story.invocation(f"r{place}", at_s, causes=(_record(place),), function="consumer")
    story.engine.finish()
    assert [story.edge(f"r{place}").call is None for place in range(3)] == [True, True, False]


def test_a_call_that_may_have_worked_twice_leaves_it_open() -> None:
    story = Story()
    story.invocation("w", T, update("c0", T), {**update("c1", T + 0.1), "try": 1})
    for place in range(2):
        at_s = T + 0.5 + place / 100
        story.invocation(f"r{place}", at_s, causes=(_record(place),), function="consumer")
    assert _calls_of(story) == [None, None]
