"""Stretches of time as a user writes them: FROM..TO, in UTC."""

from __future__ import annotations

from providers.errors import UserError


def read_span(name: str, text: str) -> tuple[float, float] | None:
    """Read a stretch of time, in epoch seconds, the second one not included; "" is None.

    Args:
        name: the option or field that it was given to, for the message.
        text: such as 2026-11-20..2026-11-22.

    Raises:
        UserError: it is none.
    """
    from causality.filters import read_time

    if not text:
        return None
    first, found, last = text.partition("..")
    begin_s, end_s = read_time(first.strip()), read_time(last.strip())
    if not found or begin_s is None or end_s is None or begin_s >= end_s:
        raise UserError(
            f"{name} is {text!r}, which is no stretch of time.",
            todo="Give one such as 2026-11-20..2026-11-22 or 2026-11-22T08:00Z..2026-11-22T09:00Z.",
            kind="usage",
        )
    return begin_s, end_s
