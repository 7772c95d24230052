"""Measuring: which function is invoked when, so that all configurations get the same weather."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import msgspec

from providers.errors import UserError
from providers.manifest import LoadedApplication
from providers.manifest_parts import Function
from providers.overhead.containers import Container, Invoked
from providers.overhead.samples import Sample, SampleFile
from providers.place import Place

WARM_ROUNDS: Final = 4
"""Warm invocations of each function between two starts."""

OPERATIONS: Final = 100
_PARAMETER: Final = "operations"
_RECORDED_TIMEOUT_S: Final = 10.0
_PAUSE_S: Final = 0.1

MakeContainer = Callable[[Place, LoadedApplication, Function], Container]
Progress = Callable[[str, int, int], None]
"""Called with what is measured now, and how many of how many invocations are done."""


def benchmarks_of(application: LoadedApplication) -> tuple[tuple[str, ...], int | None]:
    """Say which functions are measured, and how many calls a warm invocation makes.

    All functions of an application whose payload has "operations", as microbench's; else the
    one that it is fired with, with the payload that it is fired with.
    """
    fire = application.plain.fire
    if fire.function is None:
        raise UserError(
            f"{application.id} cannot be measured: it is not fired by invoking a function",
            todo="Name another application.",
            kind="not-measurable",
        )
    if _PARAMETER in fire.payload:
        return tuple(function.name for function in application.plain.functions), OPERATIONS
    return (fire.function,), None


class Experiment:
    """Runs the blocks that a sample file lacks.

    A block belongs to one benchmark. It starts the function anew in every configuration, then
    invokes them in turn, one round after another, each round in another order.
    """

    def __init__(
        self,
        file: SampleFile,
        variants: Mapping[str, tuple[Place, LoadedApplication]],
        make: MakeContainer,
        progress: Progress,
    ) -> None:
        """Take what to measure.

        Args:
            file: what to measure, and where samples are kept.
            variants: the application in each configuration, by letter, with its place.
            make: gives a function's container.
            progress: is told how it goes.
        """
        self._file = file
        self._variants = variants
        self._make = make
        self._progress = progress

    async def run(self) -> None:
        """Measure until the file is complete.

        Raises:
            UserError: a function failed.
        """
        setup = self._file.setup
        a_round = len(setup.configurations)
        a_block = a_round * (setup.rounds + 2)
        total = len(setup.benchmarks) * setup.blocks * a_block
        done = 0
        # Block by block, and all benchmarks in each: an interrupted run has some of everything.
        for block in range(setup.blocks):
            for benchmark in setup.benchmarks:
                if not self._file.has(benchmark, block):
                    async with self._containers(benchmark) as containers:
                        self._progress(benchmark, done, total)
                        self._file.add(await self._block(benchmark, block, containers))
                done += a_block
                self._progress(benchmark, done, total)

    async def _block(
        self, benchmark: str, block: int, containers: Mapping[str, Container]
    ) -> list[Sample]:
        setup = self._file.setup
        samples = []
        for letter in _turned(setup.configurations, block):
            await containers[letter].start()
            invoked = await containers[letter].invoke(self._event(letter, 1))
            samples.append(_sample(benchmark, letter, block, 0, invoked))
        for number in range(setup.rounds + 1):
            for letter in _turned(setup.configurations, block + number):
                invoked = await containers[letter].invoke(self._event(letter, setup.operations))
                if number:  # the first of many calls opens connections and fills caches
                    samples.append(_sample(benchmark, letter, block, number, invoked))
        written = await self._writes([sample.request_id for sample in samples])
        return [
            msgspec.structs.replace(sample, writes=written.get(sample.request_id, 0))
            for sample in samples
        ]

    @asynccontextmanager
    async def _containers(self, benchmark: str) -> AsyncIterator[dict[str, Container]]:
        async with AsyncExitStack() as stack:
            containers = {}
            for letter in self._file.setup.configurations:
                place, variant = self._variants[letter]
                number = [item.name for item in variant.plain.functions].index(benchmark)
                function = variant.manifest.functions[number]
                containers[letter] = self._make(place, variant, function)
                stack.push_async_callback(containers[letter].stop)
            yield containers

    def _event(self, letter: str, operations: int | None) -> dict[str, Any]:
        place, variant = self._variants[letter]
        region = variant.manifest.functions[0].region
        payload = {
            name: place.filled(value, region) if isinstance(value, str) else value
            for name, value in variant.manifest.fire.payload.items()
        }
        if _PARAMETER in payload and operations is not None:
            payload[_PARAMETER] = operations
        return payload

    async def _writes(self, request_ids: Sequence[str]) -> dict[str, int]:
        """Count the items that each invocation left in the record table.

        What is written after an invocation has answered is waited for: until two looks agree.
        """
        before: dict[str, int] | None = None
        async with asyncio.timeout(_RECORDED_TIMEOUT_S):
            while True:
                counts = await self._count(set(request_ids))
                if counts == before:
                    return counts
                before = counts
                await asyncio.sleep(_PAUSE_S)

    async def _count(self, request_ids: set[str]) -> dict[str, int]:
        recorded = [
            (place, variant)
            for place, variant in self._variants.values()
            if variant.configuration.recorder is not None
        ]
        counts: dict[str, int] = {}
        if not recorded:
            return counts
        place, variant = recorded[0]  # they share the table
        client = await place.clients.of("dynamodb", variant.manifest.functions[0].region)
        pages = client.get_paginator("scan").paginate(
            TableName=place.table, ProjectionExpression="reqID"
        )
        async for page in pages:
            for item in page["Items"]:
                request_id = item["reqID"]["S"].partition(":")[0]
                if request_id in request_ids:
                    counts[request_id] = counts.get(request_id, 0) + 1
        return counts


def _turned(letters: Sequence[str], by: int) -> list[str]:
    """Give the letters in another order each time: none is always first, or after the same."""
    start = by % len(letters)
    turned = [*letters[start:], *letters[:start]]
    return turned[::-1] if by // len(letters) % 2 else turned


def _sample(benchmark: str, letter: str, block: int, number: int, invoked: Invoked) -> Sample:
    answer = invoked.answer
    return Sample(
        benchmark=benchmark,
        configuration=letter,
        block=block,
        round=number,
        request_id=answer.request_id,
        wall_s=answer.wall_s,
        cpu_s=answer.cpu_s,
        init_wall_s=answer.init_wall_s,
        init_cpu_s=answer.init_cpu_s,
        peak_kb=answer.peak_kb,
        billed_ms=invoked.billed_ms,
        reported_mb=invoked.reported_mb,
        reported_init_ms=invoked.reported_init_ms,
    )
