"""Notifications: few at once, none twice, and what matters stays."""

from __future__ import annotations

from gammaray_tui.toasts import Severity, Toast, Toasts


def _toast(text: str, severity: Severity = "information") -> Toast:
    return Toast(text, "", severity, 5.0, False)


def test_the_same_is_told_once_and_stays_a_while_longer() -> None:
    now_s = 0.0
    toasts = Toasts(lambda: now_s)
    assert toasts.add(_toast("no error further down")) is None
    now_s = 2.0
    again = toasts.add(_toast("no error further down"))

    assert again is not None
    assert [(toast.message, toast.timeout_s) for toast in again] == [("no error further down", 5.0)]


def test_the_oldest_information_makes_room() -> None:
    now_s = 0.0
    toasts = Toasts(lambda: now_s)
    for toast in (_toast("failed", "error"), _toast("one"), _toast("two")):
        assert toasts.add(toast) is None
    now_s = 1.0
    shown = toasts.add(_toast("three"))

    assert shown is not None
    assert [toast.message for toast in shown] == ["failed", "two", "three"]
    assert [toast.timeout_s for toast in shown] == [4.0, 4.0, 5.0]
    now_s = 9.0
    assert toasts.add(_toast("four")) is None  # all the others have gone
