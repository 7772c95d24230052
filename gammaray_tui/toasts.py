"""Which notifications are in sight: few, and none twice, however many there are to tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias

from textual.app import App

Severity: TypeAlias = Literal["information", "warning", "error"]

_MOST = 3


@dataclass(frozen=True, slots=True)
class Toast:
    """One notification; `timeout_s` is how long it stays from now on."""

    message: str
    title: str
    severity: Severity
    timeout_s: float
    markup: bool


class Toasts:
    """What was told and has not gone yet."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin with none."""
        self._monotonic = monotonic
        self._shown: list[tuple[float, Toast]] = []

    def add(self, toast: Toast) -> list[Toast] | None:
        """Take one more.

        Returns:
            All that are to be seen now, for as long as each has left; None when the new one just
            comes to those in sight. The same text in sight is not told again; where there are
            too many, the oldest go, mere information first.
        """
        now_s = self._monotonic()
        shown = [(until_s, old) for until_s, old in self._shown if until_s > now_s]
        others = [(until_s, old) for until_s, old in shown if not _same(old, toast)]
        again = len(others) < len(shown)
        while len(others) >= _MOST:
            least = next((old for old in others if old[1].severity == "information"), others[0])
            others.remove(least)
            again = True
        self._shown = [*others, (now_s + toast.timeout_s, toast)]
        if not again:
            return None
        return [replace(old, timeout_s=until_s - now_s) for until_s, old in self._shown]


class FewToasts(App[None]):
    """An application whose notifications do not pile up."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: Severity = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Tell something for a moment."""
        timeout_s = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        toast = Toast(message, title, severity, timeout_s, markup)
        told = self._told.add(toast)
        if told is not None:
            self.clear_notifications()
        for one in told or (toast,):
            super().notify(
                one.message,
                title=one.title,
                severity=one.severity,
                timeout=one.timeout_s,
                markup=one.markup,
            )

    @cached_property
    def _told(self) -> Toasts:
        return Toasts()


def _same(one: Toast, other: Toast) -> bool:
    return (one.message, one.title, one.severity) == (other.message, other.title, other.severity)
