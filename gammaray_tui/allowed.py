"""What may be done now: looking at AWS, acting on it, or neither, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import UserError

if TYPE_CHECKING:
    from providers.operations import Inspections, Operations


def inspections(known: Operations | None, account: str) -> Inspections:
    """Give what only looks at AWS.

    Args:
        known: the acts that there are; None: none, or none yet.
        account: the name of what they would act on.

    Raises:
        UserError: there is no AWS to look at.
    """
    if known is None:
        raise UserError(
            "There is no AWS to look at here.",
            on=account,
            todo="Start gammaray-tui on a profile, or wait until the start is through.",
            kind="no-operations",
        )
    return known


def operations(known: Operations | None, account: str, read_only: bool, past: bool) -> Operations:
    """Give the acts on AWS.

    Args:
        known: the acts that there are; None: none, or none yet.
        account: the name of what they would act on.
        read_only: whether the user has forbidden them all.
        past: whether a chain of an archive is shown, which nothing can be done with.

    Raises:
        UserError: there are none; it says why and what to do.
    """
    if read_only:
        raise UserError(
            "Nothing is changed from here: this session only reads.",
            on=account,
            todo="Start gammaray-tui on a profile, without --read-only, to act on AWS.",
            kind="read-only",
        )
    if past:
        raise UserError(
            "This is a chain of the past: nothing is done from here.",
            on=account,
            todo="Go back to the watch first (esc).",
            kind="history",
        )
    if known is None:
        raise UserError(
            "There is nothing to act on yet.",
            on=account,
            todo="Wait until the start is through, then try again.",
            kind="no-operations",
        )
    return known


def need_writing(*, read_only: bool) -> None:
    """See whether an archive may be asked with an engine that writes on the way: Athena does.

    Raises:
        UserError: this session only reads.
    """
    if read_only:
        raise UserError(
            "Athena makes tables and writes results, and this session only reads.",
            todo="Ask with the engine duckdb, or start gammaray-tui without --read-only.",
            kind="read-only",
        )
