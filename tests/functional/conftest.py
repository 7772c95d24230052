"""What holds for all tests of the screen: nothing of the user's own is read or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammaray_tui import fire_history


@pytest.fixture(autouse=True)
def own_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what is fired in a file of the test's own."""
    path = tmp_path / "history" / "fired.json"
    monkeypatch.setattr(fire_history, "default_path", lambda: path)
    return path
