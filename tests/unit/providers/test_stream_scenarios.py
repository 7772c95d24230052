"""Scenarios: whatever happens, nothing is lost unseen, doubled, or out of order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.fakes.chance import random_part, random_scenario
from tests.fakes.scenario import (
    ExpireIterators,
    Hide,
    Pages,
    Pass,
    Restart,
    Scenario,
    SleepAndWake,
    Split,
    Write,
)
from tests.fakes.stage import Stage
from tests.fakes.watch import EAST, WEST

HOUR_S = 3600.0
# Each once went wrong.
SCENARIOS = {
    "a page begins with records that an earlier watch has read": Scenario(
        [Write(WEST, 0, 5), Pass(1), Restart(1), Pages(WEST, 0, 3, 2), Write(WEST, 0, 5), Pass(1)]
    ),
    "a shard with a position is not listed when a watch goes on": Scenario(
        [Write(WEST, 0, 5), Pass(1), Hide(WEST, 0), Restart(1), Write(WEST, 0, 5), Pass(30)]
    ),
    "a shard's children wait for a day behind it": Scenario(
        [
            *(Write(EAST, 0, 9), Split(EAST, 0, 2, False), Write(EAST, 0, 9)),
            *(SleepAndWake(13 * HOUR_S), Pass(70), SleepAndWake(13 * HOUR_S)),
            *(ExpireIterators(EAST), Write(EAST, 0, 9), Pass(1)),
        ]
    ),
}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with Stage(tmp_path, monkeypatch) as stage:
        yield stage


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_scenarios_that_once_went_wrong(stage: Stage, scenario: Scenario) -> None:
    stage.play(scenario)


def test_a_seed_gives_a_scenario_always() -> None:
    assert random_scenario(7) == random_scenario(7)
    assert random_scenario(7) != random_scenario(8)


class AnythingHappens(RuleBasedStateMachine):
    """Hypothesis chooses what happens next, and makes what fails as short as it can."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self._begun = False

    @initialize(
        since=st.sampled_from(["all", "now", "30m"]),
        queue_size=st.sampled_from([1, 3, 100]),
        shards=st.sampled_from([2, 1, 5]),
    )
    def begin(self, since: str, queue_size: int, shards: int) -> None:
        self.stage.begin(Scenario([], since, queue_size, shards))
        self._begun = True

    @rule(random=st.randoms(use_true_random=False))
    def happens(self, random: Random) -> None:
        steps = random_part(random)
        note(f"steps: {steps}")
        self.stage.play_steps(steps)

    def teardown(self) -> None:
        if self._begun:
            try:
                self.stage.check()
            finally:
                self.stage.end()


def play_random(stage: Stage, examples: int, length: int, *, same_always: bool = False) -> None:
    class OnThisStage(AnythingHappens):
        pass

    OnThisStage.stage = stage
    run_state_machine_as_test(
        OnThisStage,
        settings=settings(
            max_examples=examples,
            stateful_step_count=length,
            derandomize=same_always,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_random_scenarios(stage: Stage) -> None:
    # What others changed must not be blamed for what chance finds: the slow test is for that.
    play_random(stage, examples=4, length=7, same_always=True)


@pytest.mark.slow
def test_many_long_random_scenarios(stage: Stage) -> None:
    play_random(stage, examples=60, length=25)
