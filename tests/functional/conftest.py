"""What holds for all tests of the screen: nothing of the user's own is read or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammaray_tui import filter_history, fire_history
from gammaray_tui.history import remembered


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
