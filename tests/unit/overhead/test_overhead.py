"""Measuring: what is invoked when, what is kept of it, and what comes out."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from providers.clients import Clients
from providers.errors import UserError
from providers.local_aws import LocalAws
from providers.manifest import LoadedApplication, find_application
from providers.manifest_parts import Function
from providers.overhead.chart import chart_of
from providers.overhead.containers import Answer, Invoked
from providers.overhead.experiment import Experiment, benchmarks_of
from providers.overhead.local_runtime import local_runtime
from providers.overhead.samples import Sample, SampleFile, Setup
from providers.overhead.summary import Summary, summary_of
from providers.place import Place

LETTERS = ("C", "F", "D")
# What each configuration adds in the fake world, ms.
ADDED_MS = {"C": 0.0, "F": 30.0, "D": 5.0}
SETUP = Setup(
    application="microbench",
    where="local AWS",
    configurations=LETTERS,
    benchmarks=("empty", "dbwrite"),
    operations=100,
    blocks=3,
    rounds=4,
    recorder="r",
    python="3.12",
)


class FakeClient:
    """A record table in which every invocation of D left two items."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get_paginator(self, _name: str) -> FakeClient:
        return self

    async def paginate(self, **_: Any) -> AsyncIterator[dict[str, Any]]:
        ids = [request_id for letter, request_id in self._world.ids if letter == "D"]
        yield {"Items": [{"reqID": {"S": f"{id}:a:{n}"}} for id in ids for n in range(2)]}


@dataclass
class FakeContainer:
    world: World
    name: str
    letter: str
    cold: bool = True

    async def start(self) -> None:
        self.cold = True

    async def invoke(self, event: dict[str, Any]) -> Invoked:
        self.world.invoked.append((self.name, self.letter, self.cold, event["operations"]))
        if len(self.world.invoked) == self.world.fails_at:
            raise UserError("the machine went down")
        # A machine that gets slower and slower: the differences must not show it.
        number = len(self.world.invoked)
        wall_s = (100 + number // 10 + ADDED_MS[self.letter]) / 1000
        request_id = f"request-{number}"
        self.world.ids.append((self.letter, request_id))
        answer = Answer(
            cold=self.cold,
            request_id=request_id,
            wall_s=wall_s,
            cpu_s=wall_s / 2,
            init_wall_s=0.2,
            init_cpu_s=0.1,
            peak_kb=40 * 1024 + (1024 if self.letter == "D" else 0),
        )
        self.cold = False
        return Invoked(answer=answer)

    async def stop(self) -> None:
        self.world.stopped += 1


class World:
    """What the experiment does, instead of measuring."""

    def __init__(self, fails_at: int = 0) -> None:
        self.invoked: list[tuple[str, str, bool, int]] = []
        self.ids: list[tuple[str, str]] = []
        self.stopped = 0
        self.fails_at = fails_at

    def make(self, place: Place, variant: LoadedApplication, function: Function) -> FakeContainer:
        return FakeContainer(self, function.name, variant.configuration.letter)

    def experiment(self, file: SampleFile) -> Experiment:
        async def of(_service: str, _region: str) -> FakeClient:
            return FakeClient(self)

        clients = cast(Clients, SimpleNamespace(of=of))
        place = Place(clients, "123456789012", "aws", "microbench", "records")
        application = find_application("microbench")
        variants = {letter: (place, application.in_configuration(letter)) for letter in LETTERS}
        return Experiment(file, variants, self.make, lambda *_: None)


async def measured(path: Path) -> tuple[World, SampleFile]:
    world, file = World(), SampleFile.begin(path, SETUP)
    await world.experiment(file).run()
    return world, file


async def test_configurations_take_turns_and_none_is_always_first(tmp_path: Path) -> None:
    world, _ = await measured(tmp_path / "s.jsonl")

    warm = [(name, letter) for name, letter, cold, _ in world.invoked if not cold]
    rounds = [warm[start : start + 3] for start in range(0, len(warm), 3)]
    assert all({letter for _, letter in group} == set(LETTERS) for group in rounds)
    assert {group[0][1] for group in rounds} == set(LETTERS)
    assert {operations for _, _, cold, operations in world.invoked if cold} == {1}
    assert {operations for _, _, cold, operations in world.invoked if not cold} == {100}
    assert world.stopped == 2 * 3 * 3, "no container is left"


async def test_what_the_machine_does_is_not_taken_for_overhead(tmp_path: Path) -> None:
    _, file = await measured(tmp_path / "s.jsonl")

    lines = {
        line.benchmark + line.configuration: line for line in summary_of(SETUP, file.samples).lines
    }

    assert list(lines) == ["emptyC", "emptyF", "emptyD", "dbwriteC", "dbwriteF", "dbwriteD"]
    clean, hybrid, recorded = (lines[f"dbwrite{letter}"] for letter in LETTERS)
    assert clean.added_wall is None
    assert hybrid.added_wall is not None
    assert recorded.added_wall is not None
    assert recorded.added_cpu is not None
    assert recorded.added_memory is not None
    assert recorded.added_cold is not None
    assert clean.wall.upper - clean.wall.least > 2, "the machine got slower"
    assert hybrid.added_wall.median == pytest.approx(30, abs=1)
    assert recorded.added_wall.median == pytest.approx(5, abs=1)
    assert recorded.added_cpu.median == pytest.approx(2.5, abs=0.5)
    assert recorded.added_wall_per_operation == pytest.approx(0.05, abs=0.01)
    assert lines["emptyD"].added_wall_per_operation is None, "it makes no calls"
    assert recorded.least_added_wall == pytest.approx(5, abs=1)
    assert recorded.least_added_cpu == pytest.approx(2.5, abs=0.5)
    assert recorded.added_memory.median == pytest.approx(1)
    assert recorded.added_cold.median == pytest.approx(5, abs=1)
    assert recorded.cold.median > 300, "import and first invocation"
    assert (clean.writes, recorded.writes) == (0, 2)
    assert (recorded.wall.count, recorded.cold.count) == (12, 3)


async def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    world = World(fails_at=50)
    with pytest.raises(UserError, match="went down"):
        await world.experiment(SampleFile.begin(path, SETUP)).run()
    with path.open("ab") as file:
        file.write(b'[{"benchmark":"torn')

    resumed = SampleFile.resume(path, SETUP)
    second = World()
    await second.experiment(resumed).run()

    assert len(second.invoked) == 6 * 3 * 6 - 3 * 6 * 2, "two of six blocks were done"
    assert len(resumed.samples) == 6 * 3 * 5
    assert SampleFile.resume(path, SETUP).samples == resumed.samples


def test_a_run_of_another_kind_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    with pytest.raises(UserError) as raised:
        SampleFile.resume(path, SETUP)
    assert raised.value.kind == "nothing-to-resume"
    SampleFile.begin(path, SETUP)

    with pytest.raises(UserError) as raised:
        SampleFile.resume(path, msgspec.structs.replace(SETUP, recorder="other", blocks=9))

    assert "blocks, recorder" in raised.value.what


async def test_the_picture_is_svg_and_shows_every_configuration(tmp_path: Path) -> None:
    _, file = await measured(tmp_path / "s.jsonl")
    setup = msgspec.structs.replace(SETUP, where="profile <a&b>")

    root = ElementTree.fromstring(chart_of(summary_of(setup, file.samples)))

    texts = [element.text or "" for element in root.iter() if element.tag.endswith("text")]
    assert {"empty", "dbwrite", "F", "D"} <= set(texts)
    assert any("profile <a&b>" in text for text in texts)
    assert "+5.00" in texts
    assert ElementTree.fromstring(chart_of(Summary(setup, ()))) is not None


def test_microbench_is_measured_whole_and_others_as_they_are_fired() -> None:
    names, operations = benchmarks_of(find_application("microbench"))

    assert set(names) == {"empty", "dbread", "dbwrite", "s3read", "s3write", "pubsns"}
    assert operations == 100
    assert benchmarks_of(find_application("imageproc")) == (("ImageProcPy",), None)


@asynccontextmanager
async def started(letter: str) -> AsyncIterator[Any]:
    """Run `empty` in the local runtime; nothing answers at its endpoint."""
    variant = msgspec.structs.replace(
        find_application("microbench").in_configuration(letter), probed=True
    )
    place = Place(cast(Clients, None), "123456789012", "aws", "microbench", "records")
    local_aws = SimpleNamespace(
        endpoint_url="http://127.0.0.1:9", endpoints={}, account_id="123456789012"
    )
    with local_runtime(cast(LocalAws, local_aws)) as runtime:
        container = runtime.container(place, variant, variant.manifest.functions[0])
        try:
            await container.start()
            yield container
        finally:
            await container.stop()


@pytest.mark.parametrize("letter", ["C", "T", "F", "S", "D", "B"])
async def test_the_local_runtime_measures_every_configuration(letter: str) -> None:
    async with started(letter) as container:
        first = (await container.invoke({"operations": 1})).answer
        second = (await container.invoke({"operations": 1})).answer

    assert (first.cold, second.cold) == (True, False)
    assert first.init_wall_s == second.init_wall_s > 0
    assert first.request_id != second.request_id
    assert second.peak_kb >= first.peak_kb > 5000, "of a Python, and not of what started it"


async def test_a_failure_in_the_local_runtime_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def handler(event, context):\n    raise KeyError('no')\n")
    (tmp_path / "app.toml").write_text(
        'title = "Bad"\nfunctions = [{ name = "Bad", region = "us-west-2", '
        'handler = "bad.handler", files = ["bad.py"] }]\nfire = { function = "Bad" }\n'
    )
    variant = msgspec.structs.replace(
        find_application(str(tmp_path)).in_configuration("C"), probed=True
    )
    place = Place(cast(Clients, None), "123456789012", "aws", "bad", "records")
    local_aws = SimpleNamespace(endpoint_url="http://127.0.0.1:9", endpoints={}, account_id="1")
    with local_runtime(cast(LocalAws, local_aws)) as runtime:
        container = runtime.container(place, variant, variant.manifest.functions[0])
        await container.start()

        with pytest.raises(UserError, match="KeyError"):
            await container.invoke({})

        await container.stop()


def test_samples_of_one_block_alone_make_a_summary() -> None:
    sample = Sample(
        benchmark="empty", configuration="C", block=0, round=1, request_id="r", wall_s=0.001,
        cpu_s=0.001, init_wall_s=0.0, init_cpu_s=0.0, peak_kb=1024,
    )  # fmt: skip
    cold = msgspec.structs.replace(sample, round=0)
    setup = msgspec.structs.replace(SETUP, blocks=1, rounds=1)

    (line,) = summary_of(setup, [cold, sample]).lines

    assert (line.wall.median, line.wall.count, line.memory.median) == (1.0, 1, 1.0)
