"""Checking everything that watching and acting need, and saying what to do about each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from providers.aws_errors import user_error
from providers.clients import Clients
from providers.doctor_collector import check_collector
from providers.doctor_permissions import check_permissions
from providers.doctor_region import RegionDoctor
from providers.errors import UserError
from providers.operations import Check, CheckState
from providers.place import AWS_ERRORS, Place
from providers.session import AwsSession

ReportCheck = Callable[[Check], None]

_REGION: Final = "all of this region"
_PATIENCE_S: Final = 45.0  # for all looks at one region: a region that hangs holds up no other
# AWS refuses what was signed more than five minutes ago, or so far in the future
# (IAM User Guide, "Troubleshoot Signature Version 4 requests").
_SKEW_REFUSED_S: Final = 300.0
_SKEW_NOTED_S: Final = 30.0


async def examine(session: AwsSession, report: ReportCheck) -> Sequence[Check]:
    """Check profile, identity, clock, permissions and each region; change nothing.

    Args:
        session: account and regions.
        report: told of each check as soon as it is known; regions are looked at side by side.

    Returns:
        All checks, in the order in which they were reported.
    """
    found: list[Check] = []

    def tell(check: Check) -> None:
        found.append(check)
        report(check)

    tell(_profile(session))
    async with Clients(session) as clients:
        place = await _identity(clients, session, tell)
        if place is None:
            return found
        owner = place[0]
        works: list[Coroutine[Any, Any, None]] = [
            _in_time(RegionDoctor(owner, region, tell).examine(), tell, _REGION, region)
            for region in session.regions
        ]
        permissions = check_permissions(owner, place[1], session.regions, tell)
        works.append(_in_time(permissions, tell, "permissions"))
        works.append(_in_time(check_collector(owner, tell), tell, "collector"))
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    return found


def worst(checks: Sequence[Check]) -> CheckState:
    """Give the state that matters most among checks: failed, warning, else ok."""
    states = {check.state for check in checks}
    return next((state for state in ("failed", "warning") if state in states), "ok")


def unopened(error: UserError) -> Check:
    """Give the check that stands for a session that could not be opened at all."""
    return Check("profile", "profile and regions", "", "failed", f"{error.what}", error.todo)


def _profile(session: AwsSession) -> Check:
    name = f"profile {session.profile}" if session.profile else "the default credentials"
    where = f", at {session.endpoint_url}" if session.endpoint_url else ""
    detail = f"{name}{where}; {', '.join(session.regions)}; table {session.table}"
    return Check("profile", "profile and regions", "", "ok", detail)


async def _identity(
    clients: Clients, session: AwsSession, tell: ReportCheck
) -> tuple[Place, str] | None:
    """Find out whose account it is, and how far the clock is off; None when nobody says."""
    errors: list[UserError] = []
    for region in session.regions:  # the first one may be down, or not enabled
        try:
            async with asyncio.timeout(_PATIENCE_S):
                sts = await clients.of("sts", region)
                asked_at_s = time.time()
                identity = await sts.get_caller_identity()
        except AWS_ERRORS as error:
            failure = user_error(error, profile=session.profile, region=region)
            if isinstance(error, ClientError):
                clock = _clock(error.response, time.time())
                if clock is not None and clock.state == "failed":
                    tell(clock)
            errors.append(failure)
            continue
        except UserError as error:
            errors.append(error)
            continue
        arn = str(identity["Arn"])
        account = str(identity["Account"])
        partition = arn.split(":")[1]
        if arn.endswith(":root") and session.endpoint_url is None:
            tell(
                Check(
                    "identity", "identity", "", "warning", f"account {account}, the root user",
                    "Work with a role or user that has the policy of `gammaray-tui setup --role"
                    " --print` instead.",
                )
            )  # fmt: skip
        else:
            tell(Check("identity", "identity", "", "ok", f"account {account}, {arn}"))
        clock = _clock(identity, (asked_at_s + time.time()) / 2)
        if clock is not None:
            tell(clock)
        return Place(clients, account, partition, "", session.table), arn
    first = errors[0]
    tell(Check("identity", "identity", "", "failed", f"{first.what} ({first.on})", first.todo))
    return None


def _clock(answer: Any, now_s: float) -> Check | None:
    """Compare this computer's clock with the answer's; None when the answer has no date."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        there = parsedate_to_datetime(date)
    except ValueError:
        return None
    # The header is cut to a whole second: the middle of that second is the best guess.
    there_s = (there if there.tzinfo else there.replace(tzinfo=UTC)).timestamp() + 0.5
    off_s = now_s - there_s
    way = "ahead of" if off_s > 0 else "behind"
    if abs(off_s) < _SKEW_NOTED_S:
        here = datetime.fromtimestamp(now_s, UTC)
        return Check("clock", "clock", "", "ok", f"agrees with AWS's, {here:%H:%M:%S} UTC")
    return Check(
        "clock",
        "clock",
        "",
        "failed" if abs(off_s) >= _SKEW_REFUSED_S else "warning",
        f"{abs(off_s):.0f} s {way} AWS's; requests are refused from {_SKEW_REFUSED_S:.0f} s on",
        "Set the clock, for instance with `timedatectl set-ntp true`.",
    )


async def _in_time(
    work: Coroutine[Any, Any, None], tell: ReportCheck, what: str, region: str = ""
) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await work
    except TimeoutError:
        tell(
            Check(
                f"{region or what}/time", what, region,
                "failed", f"no answer within {_PATIENCE_S:.0f} s",
                "Check the network, or leave the region out with --region.",
            )
        )  # fmt: skip
