"""Acts on an account that exists in memory only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from providers.acts import Act, Unfinished
from providers.errors import UserError
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

IMAGEPROC = Application(
    "imageproc",
    "picture labels, two regions",
    (("ImageProcPy", "us-west-2"), ("DBSyncPy", "us-west-2"), ("UpdateWebsite", "us-east-1")),
    ("DynamoDB stream image-proc-B → DBSyncPy",),
    "invokes ImageProcPy with imgProc/d1.jpg",
    True,
)
SHOP = replace(IMAGEPROC, name="shop", title="a shop", fires="posts an order", deployed=False)

STEPS = (
    Step("role", "role gammaray-imageproc", "", "waiting"),
    Step("table-b", "table image-proc-B", "us-west-2", "waiting"),
    Step("proc", "function ImageProcPy", "us-west-2", "waiting"),
    Step("sync", "function DBSyncPy", "us-west-2", "waiting"),
    Step("web", "function UpdateWebsite", "us-east-1", "waiting"),
    Step("mapping", "stream mapping image-proc-B", "us-west-2", "skipped", "stands already"),
)

RESOURCES = (
    Resource("function", "ImageProcPy", "ImageProcPy", "us-west-2", True, "imageproc"),
    Resource("function", "DBSyncPy", "DBSyncPy", "us-west-2", True, "imageproc"),
    Resource("table", "image-proc-B", "image-proc-B", "us-west-2", True, "imageproc"),
    Resource("table", "customers", "customers", "us-west-2", False, detail="212 items"),
    Resource("function", "UpdateWebsite", "UpdateWebsite", "us-east-1", True, "imageproc"),
    Resource("table", "eastSyncTable-B", "eastSyncTable-B", "us-east-1", True, "imageproc"),
)

CHECKS = (
    Check(
        "identity", "identity", "", "ok", "account 123456789012, arn:aws:iam::123456789012:user/x"
    ),
    Check("us-west-2/table", "table gammaRays", "us-west-2", "ok", "active, billed on demand"),
    Check(
        "us-east-1/table", "table gammaRays", "us-east-1", "failed", "there is none", "Set it up."
    ),
    Check("us-west-2/traces", "X-Ray", "us-west-2", "warning", "Access denied: xray:GetTraces"),
)


SCOPE = Scope(
    ("us-west-2", "us-east-1"), ("eu-west-1",), (("af-south-1", "not enabled in this account"),)
)

FUNCTIONS = (
    KnownFunction("Checkout", "us-west-2", "arn:checkout", "python3.12", "plain"),
    KnownFunction("Frontend", "us-west-2", "arn:front", "nodejs20.x", "refused", "is no Python"),
    KnownFunction("Worker", "us-west-2", "arn:worker", "python3.12", "recorded"),
)

STOPPED = (
    Unfinished(
        "a1", Act("deploy", ("imageproc",), "imageproc"), 1.7e9,
        (replace(STEPS[0], state="done"), replace(STEPS[1], state="running")),
    ),
    Unfinished("b2", Act("instrument", ("Checkout",)), 1.7e9, ()),
)  # fmt: skip


class MockOperations:
    """Implements providers.operations.Operations and remembers what was asked of it."""

    def __init__(self) -> None:
        self.listed: Sequence[Application] = (IMAGEPROC, SHOP)
        self.existing: Sequence[Resource] = RESOURCES
        self.logs_wanted: list[list[LogsOf]] = []
        self.checks: Sequence[Check] = CHECKS
        self.fired: list[tuple[str, int]] = []
        self.payloads: list[str | None] = []
        self.deployed: list[str] = []
        self.deployed_in: list[Sequence[str]] = []
        self.deleted: list[Resource] = []
        self.deploy_error: UserError | None = None
        self.fire_error: UserError | None = None
        self.list_error: UserError | None = None
        self.not_accepted: tuple[str, ...] = ()
        self.before_firing: Callable[[], object] = lambda: None
        self.fails_to_delete: str = ""
        self.stopped: list[Unfinished] = []
        self.finished: list[str] = []
        self.instrumented: list[tuple[str, tuple[str, ...], bool]] = []
        self.made: list[str] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def applications(self) -> Sequence[Application]:
        return self.listed

    async def examine(self, report: Callable[[Check], None]) -> Sequence[Check]:
        for check in self.checks:
            report(check)
        return self.checks

    async def logs(self, wanted: Sequence[LogsOf]) -> Sequence[LogLine]:
        self.logs_wanted.append(list(wanted))
        return [
            LogLine(1.7e9 + n, one.function, one.region, one.request_id, text)
            for one in wanted
            for n, text in enumerate((f"START RequestId: {one.request_id}", "hello", "END"))
        ]

    async def reports(self, wanted: Sequence[LogsOf]) -> Sequence[LogReport]:
        return [LogReport(one.request_id, billed_s=0.2, used_mb=70) for one in wanted]

    async def account(self) -> str:
        return "123456789012"

    async def unfinished(self) -> Sequence[Unfinished]:
        return list(self.stopped)

    async def finish(self, unfinished: Unfinished, report: Report) -> None:
        report(replace(STEPS[1], state="done"))
        self.finished.append(unfinished.id)

    async def forget(self, unfinished: Unfinished) -> None:
        self.stopped = [one for one in self.stopped if one.id != unfinished.id]

    async def functions(self) -> Sequence[KnownFunction]:
        return FUNCTIONS

    async def instrument(
        self, names: Sequence[str], report: Report, *, grant: bool = False, only_look: bool = False
    ) -> Sequence[Step]:
        return self._recorded("attach", names, report, grant, only_look)

    async def uninstrument(
        self, names: Sequence[str], report: Report, *, only_look: bool = False
    ) -> Sequence[Step]:
        return self._recorded("detach", names, report, False, only_look)

    def _recorded(
        self, what: str, names: Sequence[str], report: Report, grant: bool, only_look: bool
    ) -> Sequence[Step]:
        steps = [Step(name, f"function {name}", "us-west-2", "waiting", what) for name in names]
        if not only_look:
            for step in steps:
                report(replace(step, state="done"))
            self.instrumented.append((what, tuple(names), grant))
        return steps

    async def plan_setup(self, *, collector: bool = False) -> Sequence[Step]:
        tables = [Step("t", "table gammaRays", "us-west-2", "waiting", "create")]
        function = Step("f", "function gammaray-collector", "us-west-2", "waiting", "create")
        return [*tables, function] if collector else tables

    async def wanted_policies(self) -> dict[str, Any]:
        return {
            "execution_role": {"name": "gammaray-execution"},
            "operator_policy": {"name": "gammaray-operator", "path": "/gammaray/"},
            "collector_role": {"name": "gammaray-collector"},
        }

    async def make_roles(self, report: Report) -> None:
        self.made.append("roles")
        report(Step("r", "role gammaray-execution", "", "done", "created"))

    async def set_up(self, report: Report, *, reset: bool = False, collector: bool = False) -> None:
        await self.may_go_on.wait()
        self.made.append("tables anew" if reset else "tables")
        if collector:
            self.made.append("collector")
        for region in ("us-west-2", "us-east-1"):
            report(Step(f"{region}/table", "table gammaRays", region, "done", "created"))
        self.checks = [replace(check, state="ok") for check in self.checks]

    async def plan(self, application: str, *, regions: Sequence[str] = ()) -> Plan:
        return Plan(
            application,
            tuple(step for step in STEPS if not regions or step.region in ("", *regions)),
        )

    async def deploy(
        self, application: str, report: Report, *, regions: Sequence[str] = ()
    ) -> None:
        self.deployed.append(application)
        self.deployed_in.append(regions)
        for step in STEPS[:3]:
            report(replace(step, state="running"))
            await self.may_go_on.wait()
            report(replace(step, state="done"))
        if self.deploy_error is not None:
            report(replace(STEPS[3], state="failed", detail="AccessDenied"))
            raise self.deploy_error
        self.listed = [
            replace(item, deployed=True) if item.name == application else item
            for item in self.listed
        ]

    async def fire(
        self,
        application: str,
        count: int,
        report: Report,
        *,
        rate: float | None = None,
        payload: str | None = None,
    ) -> Fired:
        self.before_firing()
        self.payloads.append(payload)
        self.fired.append((application, count))
        if self.fire_error is not None:
            raise self.fire_error
        accepted = count - len(self.not_accepted)
        return Fired(application, tuple(f"r{n}" for n in range(accepted)), self.not_accepted)

    async def resources(
        self,
        on_refused: Callable[[UserError], None] | None = None,
        *,
        regions: Sequence[str] | Literal["all"] = (),
        on_scope: Callable[[Scope], None] | None = None,
    ) -> Sequence[Resource]:
        if self.list_error is not None:
            raise self.list_error
        assert regions == "all", "a screen that leaves regions out would have to say so"
        if on_scope is not None:
            on_scope(SCOPE)
        return self.existing

    async def delete(self, resources: Sequence[Resource], report: Report) -> Deleted:
        failed = []
        for resource in resources:
            step = Step(resource.id, f"{resource.kind} {resource.name}", resource.region, "running")
            report(step)
            await self.may_go_on.wait()
            if resource.name == self.fails_to_delete:
                report(replace(step, state="failed", detail="AccessDenied"))
                failed.append((resource, "AccessDenied"))
            else:
                report(replace(step, state="done"))
                self.deleted.append(resource)
        return Deleted(tuple(self.deleted), tuple(failed))
