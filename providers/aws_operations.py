"""The acts of providers.operations.Operations, done on AWS or a local AWS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from providers import cleanup, deploy, doctor, fire, instrument, inventory, logs, setup
from providers.acts import Act, Unfinished
from providers.clients import Clients
from providers.collector import APPLICATION
from providers.configurations import CONFIGURATIONS
from providers.errors import UserError
from providers.fire_targets import target_of
from providers.instrumentable import known_functions
from providers.inventory import OnRefused
from providers.inventory_local import local_files
from providers.inventory_regions import Regions
from providers.manifest import LoadedApplication, find_application, find_applications, lasting_id
from providers.operations import (
    Application,
    Check,
    Deleted,
    Fired,
    KnownFunction,
    LogLine,
    LogReport,
    LogsOf,
    Plan,
    Report,
    Resource,
    Scope,
    Step,
)
from providers.place import AWS_ERRORS
from providers.session import AwsSession
from providers.together import together
from providers.unfinished import Journal


class AwsOperations:
    """Deploys, fires and cleans up with one session; implements `Operations`.

    Applications are named as `applications()` lists them, or by the path of a manifest.
    """

    def __init__(
        self,
        session: AwsSession,
        *,
        function_environment: Mapping[str, str] | None = None,
        folders: Sequence[Path] = (),
        journal: Journal | None = None,
    ) -> None:
        """Take a session.

        Args:
            session: account, regions and endpoints.
            function_environment: what every deployed function gets beside what its manifest
                says, for a local AWS: where it reaches what is not AWS.
            folders: folders of this computer whose files are listed and deleted as ours, too.
            journal: keeps what is under way, so that it is found if it is stopped half-way; None
                where nothing of it outlives this process.
        """
        self.session = session
        self.regions = session.regions
        self.table = session.table
        self._environment = function_environment or {}
        self._folders = folders
        self._journal = journal

    async def unfinished(self) -> Sequence[Unfinished]:
        """List the acts on this account that began and never ended, the oldest first."""
        return [] if self._journal is None else self._journal.unfinished()

    async def finish(self, unfinished: Unfinished, report: Report) -> None:
        """Do again what never ended; what stands or is gone already is left as it is.

        Raises:
            UserError: it cannot be finished; it is still listed then, or told of by the error.
        """
        act = unfinished.act
        match act.kind:
            case "setup":
                await self.set_up(report)
            case "collector":
                wheel = next(map(Path, act.names), None)
                await self.set_up(report, collector=True, wheel=wheel)
            case "roles":
                await self.make_roles(report)
            case "deploy":
                await self.deploy(act.names[0], report, regions=act.regions)
            case "instrument":
                await self.instrument(act.names, report, grant=act.grant)
            case "uninstrument":
                await self.uninstrument(act.names, report)
            case "cleanup":
                result = await self.delete(act.resources, report)
                if result.failed:
                    resource, reason = result.failed[0]
                    raise UserError(
                        f"{len(result.failed)} of {len(act.resources)} resources could not be "
                        f"deleted, among them {resource.kind} {resource.name}: {reason}",
                        on=resource.region,
                        kind="cleanup-incomplete",
                    )

    async def forget(self, unfinished: Unfinished) -> None:
        """Leave what never ended as it is, and speak of it no more."""
        if self._journal is not None:
            self._journal.forget(unfinished)

    def _keeping(self, act: Act) -> AbstractContextManager[Callable[[Report], Report]]:
        """Keep an act on file while it runs."""
        if self._journal is None:
            return nullcontext(lambda report: report)
        return self._journal.keeping(act)

    async def functions(self) -> Sequence[KnownFunction]:
        """List the functions of all regions of the session."""
        return await known_functions(self.session)

    async def applications(self) -> Sequence[Application]:
        """List the applications that come with this tool, and whether each is deployed.

        That is left open (None) where AWS does not say. After each come the configurations of
        it that are deployed.
        """
        applications = find_applications()
        regions = dict.fromkeys(region for item in applications for region in item.regions)
        async with Clients(self.session) as clients:
            listed = await together(_functions_in(clients, region) for region in regions)
        there = dict(zip(regions, listed, strict=True))
        return [
            described
            for application in applications
            for described in _described(application, there)
        ]

    async def examine(self, report: Callable[[Check], None]) -> Sequence[Check]:
        """Check everything that watching and acting need; change nothing."""
        stopped = [_check_of(one) for one in await self.unfinished()]
        for check in stopped:
            report(check)
        return [*stopped, *await doctor.examine(self.session, report)]

    async def logs(self, wanted: Sequence[LogsOf]) -> Sequence[LogLine]:
        """Give the log lines of invocations, in the order in which these were given."""
        return await logs.logs_of(self.session, wanted)

    async def reports(self, wanted: Sequence[LogsOf]) -> Sequence[LogReport]:
        """Give what the logs' REPORT lines say of invocations, as far as they have come."""
        return await logs.reports_of(self.session, wanted)

    async def account(self) -> str:
        """Say whose account it is; what deletes asks for it to be typed."""
        return await setup.account_of(self.session)

    async def plan_setup(
        self, *, reset: bool = False, collector: bool = False, wheel: Path | None = None
    ) -> Sequence[Step]:
        """Say what `set_up` would do in each region, without doing it."""
        return await setup.plan_setup(self.session, reset=reset, collector=collector, wheel=wheel)

    async def set_up(
        self,
        report: Report,
        *,
        reset: bool = False,
        collector: bool = False,
        wheel: Path | None = None,
    ) -> None:
        """Make or complete the record table of every region; `reset` empties it first.

        Args:
            report: told of each step.
            reset: delete each table first, and all records with it.
            collector: make or complete the collector of these tables as well.
            wheel: of msgspec for Lambda, where the collector needs another than the installed one.
        """
        names = (str(wheel),) if wheel is not None else ()
        act = Act("collector", names, APPLICATION) if collector else Act("setup")
        with self._keeping(act) as noting:
            await setup.set_up(
                self.session, noting(report), reset=reset, collector=collector, wheel=wheel
            )

    async def wanted_policies(self) -> dict[str, Any]:
        """Write the role and the policy that `make_roles` would make, and the collector's role."""
        return await setup.wanted_policies(self.session)

    async def make_roles(self, report: Report) -> None:
        """Make or update the execution role and the operator's policy."""
        with self._keeping(Act("roles")) as noting:
            await setup.make_roles(self.session, noting(report))

    async def plan(self, application: str, *, regions: Sequence[str] = ()) -> Plan:
        """Say what deploying would create, update or leave, without doing it."""
        return await deploy.plan(
            self.session, find_application(application), self._environment, regions=regions
        )

    async def deploy(
        self, application: str, report: Report, *, regions: Sequence[str] = ()
    ) -> None:
        """Create or update the application's functions, tables, buckets and triggers."""
        loaded = find_application(application)
        act = Act("deploy", (lasting_id(application),), loaded.name, tuple(regions))
        with self._keeping(act) as noting:
            await deploy.deploy(
                self.session, loaded, noting(report), self._environment, regions=regions
            )

    async def fire(
        self,
        application: str,
        count: int,
        report: Report,
        *,
        rate: float | None = None,
        payload: str | None = None,
    ) -> Fired:
        """Fire an application by its id or manifest, or a target, `count` times."""
        volley = fire.Volley(count, rate, payload)
        try:
            loaded = find_application(application)
        except UserError as error:
            if error.kind != "unknown-application":
                raise
            target = target_of(application)
            return await fire.fire_target(self.session, target, volley, report)
        return await fire.fire(self.session, loaded, volley, report)

    async def resources(
        self,
        on_refused: OnRefused | None = None,
        *,
        regions: Regions = (),
        on_scope: Callable[[Scope], None] | None = None,
    ) -> Sequence[Resource]:
        """List everything of ours: in the regions that are wanted, and on this computer."""
        refusals: list[UserError] = []

        def refused(error: UserError) -> None:
            if on_refused is None:
                raise error
            refusals.append(error)
            on_refused(error)

        there = await inventory.find_resources(
            self.session, find_applications(), refused, regions=regions, on_scope=on_scope
        )
        if self._journal is not None and regions in ("all", ()) and not refusals:
            self._journal.listed(there)
        return [*there, *await asyncio.to_thread(local_files, self._folders)]

    async def instrument(
        self, names: Sequence[str], report: Report, *, grant: bool = False, only_look: bool = False
    ) -> Sequence[Step]:
        """Attach the recorder to functions that exist already."""
        if only_look:
            return await instrument.instrument(
                self.session, names, report, grant=grant, only_look=True
            )
        with self._keeping(Act("instrument", tuple(names), grant=grant)) as noting:
            return await instrument.instrument(self.session, names, noting(report), grant=grant)

    async def uninstrument(
        self, names: Sequence[str], report: Report, *, only_look: bool = False
    ) -> Sequence[Step]:
        """Detach the recorder from functions, and restore what was there before."""
        if only_look:
            return await instrument.uninstrument(self.session, names, report, only_look=True)
        with self._keeping(Act("uninstrument", tuple(names))) as noting:
            return await instrument.uninstrument(self.session, names, noting(report))

    async def delete(self, resources: Sequence[Resource], report: Report) -> Deleted:
        """Delete these resources in the order of their dependencies; repeatable."""
        with self._keeping(Act("cleanup", resources=tuple(resources))) as noting:
            return await cleanup.delete_resources(self.session, resources, noting(report))


def _check_of(unfinished: Unfinished) -> Check:
    """Give the finding that an act was stopped half-way."""
    ago_s = time.time() - unfinished.began_at_s
    undone = f" or undone with {unfinished.undone_by}" if unfinished.undone_by else ""
    return Check(
        f"unfinished/{unfinished.id}",
        "interrupted",
        "",
        "warning",
        f"{unfinished.act}, begun {ago_s / 60:.0f} min ago; {unfinished.progress}",
        f"It can be finished with `gammaray-tui unfinished --finish`{undone}; "
        "on screen with the key U.",
    )


async def _functions_in(clients: Clients, region: str) -> frozenset[str] | None:
    """Give the names of a region's functions; None where AWS does not say."""
    try:
        client = await clients.of("lambda", region)
        return frozenset(
            [
                function["FunctionName"]
                async for page in client.get_paginator("list_functions").paginate()
                for function in page["Functions"]
            ]
        )
    except AWS_ERRORS:
        return None


def _described(
    application: LoadedApplication, there: Mapping[str, frozenset[str] | None]
) -> Iterator[Application]:
    """Describe an application, and its other configurations that are deployed."""

    def deployed(item: LoadedApplication) -> bool | None:
        known = [(function.name, there[function.region]) for function in item.manifest.functions]
        if any(names is None for _name, names in known):
            return None
        return all(name in (names or ()) for name, names in known)

    yield application.described(deployed(application))
    for letter in CONFIGURATIONS:
        other = application.in_configuration(letter)
        if other.id != application.id and deployed(other):
            yield replace(other.described(True), variant_of=application.id)
