"""A whole measurement: deploying in all configurations, measuring, and leaving nothing."""

from __future__ import annotations

import platform
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from providers.cleanup import delete_resources
from providers.demo import local_session
from providers.deploy import deploy
from providers.inventory import find_resources
from providers.layer import layer_hash
from providers.local_aws import LocalAws
from providers.manifest import find_application
from providers.operations import Report, Resource
from providers.overhead.deployed import DeployedContainer
from providers.overhead.experiment import (
    WARM_ROUNDS,
    Experiment,
    MakeContainer,
    Progress,
    benchmarks_of,
)
from providers.overhead.local_runtime import local_runtime
from providers.overhead.samples import SampleFile, Setup
from providers.overhead.summary import Summary, summary_of
from providers.place import open_place
from providers.session import AwsSession

RECORD_TABLE: Final = "gammaRays-overhead"
"""The record table of a measurement: the user's own stays as it is."""

LOCAL: Final = "local AWS"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants to be measured.

    Attributes:
        application: its name, or the path of its manifest.
        configurations: letters.
        runs: warm invocations of each function in each configuration, at least.
        file: where samples are kept.
        resume: go on with what is in the file.
    """

    application: str
    configurations: tuple[str, ...]
    runs: int
    file: Path
    resume: bool

    def setup(self, where: str) -> Setup:
        """Give the setup that samples must agree with.

        Raises:
            UserError: there is no such application.
        """
        application = find_application(self.application)
        benchmarks, operations = benchmarks_of(application)
        return Setup(
            application=application.name,
            where=where,
            configurations=self.configurations,
            benchmarks=benchmarks,
            operations=operations,
            blocks=max(1, -(-self.runs // WARM_ROUNDS)),
            rounds=min(self.runs, WARM_ROUNDS),
            recorder=layer_hash(),
            python=platform.python_version() if where == LOCAL else "",
        )

    def open_file(self, where: str) -> SampleFile:
        """Begin the file, or go on with it.

        Raises:
            UserError: there is nothing to go on with.
        """
        opened = SampleFile.resume if self.resume else SampleFile.begin
        return opened(self.file, self.setup(where))


async def measure_locally(wish: Wish, report: Report, progress: Progress) -> Summary:
    """Measure in the local runtime, against a local AWS that is started for it.

    Raises:
        UserError: the local AWS does not start, or a function fails.
    """
    file = wish.open_file(LOCAL)
    async with LocalAws(report) as local_aws:
        regions = find_application(wish.application).regions
        session = local_session(local_aws, regions=regions, table=RECORD_TABLE)
        with local_runtime(local_aws) as runtime:
            await _measure(session, wish, file, runtime.container, report, progress)
    return summary_of(file.setup, file.samples)


async def measure_deployed(
    session: AwsSession, wish: Wish, report: Report, progress: Progress
) -> Summary:
    """Deploy, measure, and delete what was made for it, whatever happens.

    Raises:
        UserError: AWS refuses something, or a function fails.
    """
    file = wish.open_file(session.endpoint_url or f"profile {session.profile or 'default'}")
    application = find_application(wish.application)
    before = {_key(resource) for resource in await find_resources(session, [application])}
    try:
        await _measure(
            session,
            wish,
            file,
            lambda place, _variant, function: DeployedContainer(place, function),
            report,
            progress,
        )
    finally:
        made = [
            resource
            for resource in await find_resources(session, [application])
            if resource.managed and _key(resource) not in before
        ]
        await delete_resources(session, made, report)
    return summary_of(file.setup, file.samples)


def _key(resource: Resource) -> tuple[str, str, str]:
    return resource.kind, resource.id, resource.region


async def _measure(
    session: AwsSession,
    wish: Wish,
    file: SampleFile,
    make: MakeContainer,
    report: Report,
    progress: Progress,
) -> None:
    variants = {}
    async with AsyncExitStack() as stack:
        for letter in wish.configurations:
            variant = msgspec.structs.replace(
                find_application(wish.application).in_configuration(letter), probed=True
            )
            # One after another: they share the layer and the record table.
            await deploy(session, variant, report)
            region = variant.manifest.functions[0].region
            place = await stack.enter_async_context(
                open_place(session, region, variant.name, configuration=letter)
            )
            variants[letter] = (place, variant)
        await Experiment(file, variants, make, progress).run()
