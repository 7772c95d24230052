"""Acts on AWS that both the screens and the commands offer: one code path for each.

The dataclasses here are what screens show and commands print; `Operations` is what they call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from providers.errors import UserError

if TYPE_CHECKING:
    from providers.acts import Unfinished

_NAMED_REGIONS = 3  # at a time

StepState: TypeAlias = Literal["waiting", "running", "done", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a longer act, reported as it goes.

    Attributes:
        id: stable within the act, so that a later report replaces an earlier one.
        text: what is done, on what: "function ImageProcPy", "stream mapping image-proc-B".
        region: where; empty when nowhere in particular.
        detail: why it failed and what to do, or what came of it.
    """

    id: str
    text: str
    region: str
    state: StepState
    detail: str = ""


Report: TypeAlias = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Application:
    """An application that can be deployed and fired, as its manifest describes it.

    Attributes:
        variant_of: name of the application that this is one configuration of; empty for the
            application as its manifest says.
    """

    name: str
    title: str
    functions: tuple[tuple[str, str], ...]  # (function name, region)
    triggers: tuple[str, ...]  # "DynamoDB stream image-proc-B → DBSyncPy"
    fires: str  # what firing does: "invoke ImageProcPy with d1.jpg"
    deployed: bool | None = None  # None: not looked yet
    payload: str = ""  # what firing sends, as JSON for people
    variant_of: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deployment would do, before it does anything."""

    application: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Fired:
    """What came of firing: the ids that AWS gave, in order, and what failed.

    Attributes:
        application: what was fired: an application, a function, or another target's name.
        request_ids: of an Invoke the request's, else the message's, event's or request's.
        began_at_s: epoch seconds before the first was sent.
        kind: "function", or the service or protocol that was asked.
        resource: function, bucket, topic, queue, table, ... that was asked.
    """

    application: str
    request_ids: tuple[str, ...]
    errors: tuple[str, ...] = ()
    began_at_s: float = 0.0
    kind: str = "function"
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that exists in the account and that cleanup can remove.

    Attributes:
        kind: "function", "layer", "table", "bucket", "mapping", "role", "log group", ...
        id: what the service's delete call takes: name, ARN or UUID.
        managed: whether it carries our tag; only such resources are preselected.
        application: value of the tag, "" when unknown.
        created_at_s: epoch seconds; None when the service does not say.
        size_bytes: of what it holds; None when that means nothing or is not told.
    """

    kind: str
    id: str
    name: str
    region: str
    managed: bool
    application: str = ""
    created_at_s: float | None = None
    detail: str = ""
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where resources were looked for.

    Attributes:
        looked: regions that were looked at kind by kind.
        by_tag: regions that were asked for our tag only, and had nothing that carries it.
        left_out: other regions, each with why nothing is known of it.
    """

    looked: tuple[str, ...]
    by_tag: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Say it in a few sentences, what matters least last."""
        text = f"Looked in {_some(self.looked)}."
        reasons: dict[str, list[str]] = {}
        for region, why in self.left_out:
            reasons.setdefault(why, []).append(region)
        if reasons:
            left_out = "; ".join(f"{_some(names)} ({why})" for why, names in reasons.items())
            text += f" Not looked in: {left_out}."
        if self.by_tag:
            text += f" Nothing carries our tag in {_some(self.by_tag)}."
        return text


def _some(regions: Sequence[str]) -> str:
    """Name some regions, and say how many more: an account has more than anyone reads."""
    if len(regions) <= _NAMED_REGIONS:
        return ", ".join(regions)
    return f"{regions[0]} and {len(regions) - 1} more regions"


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a cleanup did."""

    deleted: tuple[Resource, ...]
    failed: tuple[tuple[Resource, str], ...] = field(default=())


CheckState: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """What one look at the account, a region or a function found.

    Attributes:
        id: stable: "identity", "us-west-2/table".
        text: what was looked at: "record table gammaRays".
        region: where; empty when nowhere in particular.
        state: "warning" hinders something, "failed" keeps records from being read or written,
            "skipped" could not be looked at.
        detail: what was found.
        todo: what the user can do about it; empty when nothing is to be done.
    """

    id: str
    text: str
    region: str
    state: CheckState
    detail: str = ""
    todo: str = ""


@dataclass(frozen=True, slots=True)
class LogsOf:
    """One invocation whose logs are wanted; times are epoch seconds, None when not known."""

    function: str
    region: str
    request_id: str
    started_at_s: float | None = None
    ended_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log."""

    at_s: float
    function: str
    region: str
    request_id: str
    text: str


@dataclass(frozen=True, slots=True)
class LogReport:
    """What Lambda's REPORT line says of one invocation; None for what it leaves out.

    Attributes:
        billed_s: what is paid for, rounded up by AWS.
        used_mb: the most memory that the container has used so far.
    """

    request_id: str
    duration_s: float | None = None
    billed_s: float | None = None
    init_s: float | None = None
    memory_mb: int | None = None
    used_mb: int | None = None


FunctionState: TypeAlias = Literal["plain", "recorded", "deployed", "refused"]


@dataclass(frozen=True, slots=True)
class KnownFunction:
    """A function of the account, and what the recorder has to do with it.

    Attributes:
        state: "recorded" by `instrument`, "deployed" by this tool with its own recorder,
            "refused" when none can be attached (`detail` says why).
    """

    name: str
    region: str
    arn: str
    runtime: str
    state: FunctionState
    detail: str = ""


class Inspections(Protocol):
    """What only looks, and is offered in read-only mode too."""

    async def unfinished(self) -> Sequence[Unfinished]:
        """List the acts on this account that began and never ended, the oldest first."""

    async def functions(self) -> Sequence[KnownFunction]:
        """List the functions of all regions of the session."""

    async def examine(self, report: Callable[[Check], None]) -> Sequence[Check]:
        """Check everything that watching and acting need; report each check as it is known."""

    async def logs(self, wanted: Sequence[LogsOf]) -> Sequence[LogLine]:
        """Give the log lines of invocations, in the order in which these were given."""

    async def reports(self, wanted: Sequence[LogsOf]) -> Sequence[LogReport]:
        """Give what the logs' REPORT lines say of invocations, as far as they have come."""


class Operations(Inspections, Protocol):
    """The acts. Each raises providers.errors.UserError for what a user can meet."""

    async def account(self) -> str:
        """Say whose account it is; what deletes asks for it to be typed."""

    async def set_up(self, report: Report, *, reset: bool = False, collector: bool = False) -> None:
        """Make or complete the record table of every region; `reset` empties it first.

        Args:
            report: told of each step.
            reset: delete each table first, and all records with it.
            collector: make or complete the collector of these tables as well.
        """

    async def plan_setup(self, *, collector: bool = False) -> Sequence[Step]:
        """Say what `set_up` would do in each region, without doing it."""

    async def wanted_policies(self) -> dict[str, Any]:
        """Write the role and the policy that `make_roles` would make, and the collector's role."""

    async def make_roles(self, report: Report) -> None:
        """Make or update the execution role and the operator's policy."""

    async def instrument(
        self, names: Sequence[str], report: Report, *, grant: bool = False, only_look: bool = False
    ) -> Sequence[Step]:
        """Attach the recorder to functions, by name or ARN; `grant` lets their roles record."""

    async def uninstrument(
        self, names: Sequence[str], report: Report, *, only_look: bool = False
    ) -> Sequence[Step]:
        """Detach the recorder from functions, and restore what was there before."""

    async def finish(self, unfinished: Unfinished, report: Report) -> None:
        """Do again what never ended; what stands or is gone already is left as it is."""

    async def forget(self, unfinished: Unfinished) -> None:
        """Leave what never ended as it is, and speak of it no more."""

    async def applications(self) -> Sequence[Application]:
        """List the applications that can be deployed and fired.

        Configurations of them that are deployed (`Application.variant_of`) are listed, too.
        """

    async def plan(self, application: str, *, regions: Sequence[str] = ()) -> Plan:
        """Say what deploying would create, update or leave, without doing it."""

    async def deploy(
        self, application: str, report: Report, *, regions: Sequence[str] = ()
    ) -> None:
        """Create or update the application's functions, tables, buckets and triggers.

        Args:
            application: its name, or the path of a manifest; "imageproc:B" in a configuration.
            report: told of each step.
            regions: only what belongs there; () for all regions of the application.
        """

    async def fire(
        self,
        application: str,
        count: int,
        report: Report,
        *,
        rate: float | None = None,
        payload: str | None = None,
    ) -> Fired:
        """Fire an application, or a target (providers.fire_targets), `count` times.

        Args:
            application: its name, or a target's.
            count: how often.
            report: told how it goes.
            rate: firings begun a second; None: as many at once as makes sense.
            payload: text, with {run} and {number}; None: what the application's manifest says.
        """

    async def resources(
        self,
        on_refused: Callable[[UserError], None] | None = None,
        *,
        regions: Sequence[str] | Literal["all"] = (),
        on_scope: Callable[[Scope], None] | None = None,
    ) -> Sequence[Resource]:
        """List everything of ours.

        Args:
            on_refused: told of each listing that is refused, which is then left out; without
                it, the first one is raised.
            regions: "all" that the account has enabled; or only these; () for those of the
                session and of the applications.
            on_scope: told where it was looked, and where not.
        """

    async def delete(self, resources: Sequence[Resource], report: Report) -> Deleted:
        """Delete these resources in the order of their dependencies; repeatable."""
