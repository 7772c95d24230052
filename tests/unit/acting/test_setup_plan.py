"""The plan of a setup that empties the tables first."""

from __future__ import annotations

from providers.operations import Step
from providers.setup import _anew


def test_tables_that_are_there_go_first_and_others_are_only_made() -> None:
    there = Step("w", "table gammaRays", "us-west-2", "skipped", "leave")
    absent = Step("e", "table gammaRays", "us-east-1", "waiting", "create")
    kept = Step("c", "table gammaRaysCollected", "us-west-2", "skipped", "leave")

    plan = [
        (step.region, step.text, step.state) for step in _anew([there, absent, kept], "gammaRays")
    ]

    assert plan == [
        ("us-west-2", "delete table gammaRays", "waiting"),
        ("us-west-2", "table gammaRays", "waiting"),
        ("us-east-1", "table gammaRays", "waiting"),
        ("us-west-2", "table gammaRaysCollected", "skipped"),
    ]
