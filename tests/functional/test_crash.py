"""A defect that ends the screen: what stays, and what the user is told."""

from __future__ import annotations

import stat
from functools import partialmethod
from pathlib import Path

import pytest
import typer

from gammaray_tui import crash
from gammaray_tui.app import GammarayApp
from gammaray_tui.commands.screen import run_app
from gammaray_tui.recording import WatchRecording
from tests.functional.mock_model import shop_model


class _Dying(GammarayApp):
    def on_ready(self) -> None:
        raise RuntimeError("a bad \x1b[31m line")


async def test_it_is_told_where_the_traceback_and_the_recording_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(crash, "default_folder", lambda: tmp_path / "crashes")
    monkeypatch.setattr(
        GammarayApp, "run_async", partialmethod(GammarayApp.run_async, headless=True)
    )
    recording = WatchRecording(path=tmp_path / "run.gammaray")
    recording.start()
    with pytest.raises(typer.Exit) as left:
        await run_app(_Dying(shop_model(), title="testuser", recording=recording))
    recording.stop()
    (kept,) = (tmp_path / "crashes").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "RuntimeError" in kept.read_text(encoding="utf-8")
    assert left.value.exit_code == 1
    told = capsys.readouterr().err
    assert "RuntimeError: a bad" in told
    assert "\x1b" not in told
    assert str(kept) in told
    assert f"gammaray-tui replay {tmp_path / 'run.gammaray'}" in told


def test_without_room_for_it_the_rest_is_told(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    error = crash.crashed("line\nValueError: x\n", None, taken)
    assert error.what.endswith("ValueError: x")
    assert "could not be written" in error.todo
    assert "replay" not in error.todo
