"""What holds for all tests of the screen: nothing of the user's own is read or written."""

from __future__ import annotations

from pathlib import Path

import pytest
import textual.app
import textual.pilot
from textual.widgets import Button

from gammaray_tui import filter_history, fire_history
from gammaray_tui.history import remembered
from tests.functional.running import come_to_rest


@pytest.fixture(autouse=True)
def exact_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each key and pause wait until nothing is left to do, and no longer."""
    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", come_to_rest)
    # A button that was pressed lights up for a moment, in which it hears no other key.
    monkeypatch.setattr(Button, "_start_active_affect", lambda _button: None)


@pytest.fixture(autouse=True)
def own_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what is fired, filtered by, and asked, in files of the test's own."""
    path = tmp_path / "history" / "fired.json"
    monkeypatch.setattr(fire_history, "default_path", lambda: path)
    filtered = tmp_path / "history" / "filtered.json"
    monkeypatch.setattr(filter_history, "default_path", lambda: filtered)
    asked = tmp_path / "history" / "asked.json"
    monkeypatch.setattr(remembered, "default_path", lambda: asked)
    return path
