"""Setting an account up: record tables in every region, and, when asked for, role and policy.

And the collector of these tables, when that is asked for.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from providers.clients import Clients
from providers.collector import APPLICATION, CollectorNames, collector_pieces
from providers.deploy_role import ROLE_PATH
from providers.operations import Report, Step, StepState
from providers.pieces import Change, Piece, found, run_pieces
from providers.place import Place, open_place
from providers.session import AwsSession
from providers.setup_policies import (
    TRUST_LAMBDA,
    Owner,
    collector_policy,
    execution_policy,
    operator_policy,
)
from providers.tables import drop_record_table, record_table
from providers.tags import as_list, our_tags
from providers.together import together

COLLECTOR_ROLE: Final = "collector_role"
"""Which of the policies is made with the collector, and not by `make_roles`."""

EXECUTION_ROLE: Final = "gammaray-execution"
OPERATOR_POLICY: Final = "gammaray-operator"
_INLINE: Final = "gammaray"
_MISSING: Final = "NoSuchEntity"


async def plan_setup(
    session: AwsSession,
    *,
    reset: bool = False,
    collector: bool = False,
    wheel: Path | None = None,
) -> Sequence[Step]:
    """Say what `set_up` would do in each region; change nothing.

    Raises:
        UserError: AWS refuses, or a table of that name has another key; of the collector, as
            `set_up`.
    """
    async with _pieces(session, collector, wheel) as pieces:
        steps = await run_pieces(pieces, lambda _step: None, only_look=True)
    return list(_anew(steps, session.table)) if reset else steps


def _anew(steps: Sequence[Step], table: str) -> Iterator[Step]:
    """Plan to delete the record tables that are there, and to create them again."""
    for step in steps:
        if step.text != f"table {table}" or step.detail == "create":
            yield step
            continue
        yield _deletion(table, step.region, "waiting", "with all its records")
        yield replace(step, state="waiting", detail="create")


def _deletion(table: str, region: str, state: StepState, detail: str = "") -> Step:
    return Step(f"reset/{region}", f"delete table {table}", region, state, detail)


async def set_up(
    session: AwsSession,
    report: Report,
    *,
    reset: bool = False,
    collector: bool = False,
    wheel: Path | None = None,
) -> None:
    """Make or complete the record table of every region, and wait until all can be used.

    On-demand billing, a stream with both images, expiry and our tags. Idempotent.

    Args:
        session: its regions are set up side by side.
        report: told of each step.
        reset: delete each table first, and all records with it.
        collector: make the collector of these tables as well; what it has found so far stays.
        wheel: of msgspec for Lambda, where the collector needs another than the installed one.

    Raises:
        UserError: of the first region that failed; the others are done nevertheless. Or, before
            anything is done, why there can be no collector.
    """

    async def emptied(region: str) -> None:
        report(_deletion(session.table, region, "running"))
        await drop_record_table(session, region)
        report(_deletion(session.table, region, "done", "gone, with all its records"))

    async with _pieces(session, collector, wheel) as pieces:
        if reset:
            await together(emptied(region) for region in session.regions)
        await run_pieces(pieces, report, only_look=False)


@asynccontextmanager
async def _pieces(
    session: AwsSession, collector: bool, wheel: Path | None
) -> AsyncIterator[Sequence[Piece]]:
    """Describe what is set up: the record tables, and the collector where it is wanted."""
    if collector:
        async with open_place(session, session.regions[0], APPLICATION) as place:
            yield await collector_pieces(place, wheel)
    else:
        async with Clients(session) as clients:
            place = Place(clients, account="", partition="", application="", table=session.table)
            yield [record_table(place, region) for region in session.regions]


async def wanted_policies(session: AwsSession) -> dict[str, Any]:
    """Write the documents that `make_roles` would put into IAM, and the collector's role.

    The collector's is made with the collector.

    Raises:
        UserError: there are no credentials, so that it is not known whose account it is.
    """
    async with open_place(session, session.regions[0]) as place:
        owner = _owner(place)
    names = CollectorNames.of(session.table)
    return {
        "execution_role": {
            "name": EXECUTION_ROLE,
            "path": ROLE_PATH,
            "trust": TRUST_LAMBDA,
            "policy": execution_policy(owner),
        },
        "operator_policy": {
            "name": OPERATOR_POLICY,
            "path": ROLE_PATH,
            "policy": operator_policy(owner),
        },
        COLLECTOR_ROLE: {
            "name": names.function,
            "path": ROLE_PATH,
            "trust": TRUST_LAMBDA,
            "policy": collector_policy(
                owner, names.function, names.lost, names.table, session.regions[0]
            ),
        },
    }


async def make_roles(session: AwsSession, report: Report) -> None:
    """Make or update the execution role and the operator's policy.

    Raises:
        UserError: IAM refuses; the message names the permission that is missing.
    """
    async with open_place(session, session.regions[0]) as place:
        await run_pieces([_ExecutionRole(place), _OperatorPolicy(place)], report, only_look=False)


class _ExecutionRole(Piece):
    """A role that any recorded function can run with."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, "", f"role {EXECUTION_ROLE}")
        self._policy = execution_policy(_owner(place))

    async def look(self) -> Change:
        """Compare the role's policy with what it should be."""
        iam = await _iam(self.place)
        if await found(iam.get_role(RoleName=EXECUTION_ROLE), _MISSING) is None:
            return Change("create")
        there = await found(
            iam.get_role_policy(RoleName=EXECUTION_ROLE, PolicyName=_INLINE), _MISSING
        )
        same = there is not None and _document(there["PolicyDocument"]) == self._policy
        return Change("leave") if same else Change("update", "policy")

    async def make(self, change: Change) -> None:
        """Create the role, and put its policy."""
        iam = await _iam(self.place)
        if change.verb == "create":
            await iam.create_role(
                RoleName=EXECUTION_ROLE,
                Path=ROLE_PATH,
                AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA),
                Description="Runs recorded functions; made by gammaray-tui",
                Tags=as_list(our_tags()),
            )
        await iam.put_role_policy(
            RoleName=EXECUTION_ROLE, PolicyName=_INLINE, PolicyDocument=json.dumps(self._policy)
        )


class _OperatorPolicy(Piece):
    """A managed policy to attach to whoever uses this tool."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, "", f"policy {OPERATOR_POLICY}")
        self._policy = operator_policy(_owner(place))
        self._arn = f"arn:{place.partition}:iam::{place.account}:policy{ROLE_PATH}{OPERATOR_POLICY}"

    async def look(self) -> Change:
        """Compare the policy's default version with what it should be."""
        iam = await _iam(self.place)
        there = await found(iam.get_policy(PolicyArn=self._arn), _MISSING)
        if there is None:
            return Change("create")
        version = await iam.get_policy_version(
            PolicyArn=self._arn, VersionId=there["Policy"]["DefaultVersionId"]
        )
        same = _document(version["PolicyVersion"]["Document"]) == self._policy
        return Change("leave") if same else Change("update", "policy")

    async def make(self, change: Change) -> None:
        """Create the policy, or a new default version of it in the place of the oldest."""
        iam = await _iam(self.place)
        if change.verb == "create":
            await iam.create_policy(
                PolicyName=OPERATOR_POLICY,
                Path=ROLE_PATH,
                PolicyDocument=json.dumps(self._policy),
                Description="For those who work with gammaray-tui; made by it",
                Tags=as_list(our_tags()),
            )
            return
        listed = (await iam.list_policy_versions(PolicyArn=self._arn))["Versions"]
        others = [item for item in listed if not item["IsDefaultVersion"]]
        if len(listed) >= 5:  # IAM keeps no more
            oldest = min(others, key=lambda item: item["CreateDate"])
            await iam.delete_policy_version(PolicyArn=self._arn, VersionId=oldest["VersionId"])
        await iam.create_policy_version(
            PolicyArn=self._arn, PolicyDocument=json.dumps(self._policy), SetAsDefault=True
        )


def _owner(place: Place) -> Owner:
    return Owner(place.partition, place.account, place.table)


async def _iam(place: Place) -> Any:
    # IAM is the same everywhere; any region's client reaches it.
    return await place.clients.of("iam", place.clients.session.regions[0])


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value  # as some local servers give it


async def account_of(session: AwsSession) -> str:
    """Say whose account the session works in.

    Raises:
        UserError: there are no credentials, or AWS does not accept them.
    """
    async with open_place(session, session.regions[0]) as place:
        return place.account
