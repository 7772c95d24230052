"""`gammaray-tui recordings`, and files of recordings given to other commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from providers.errors import UserError
from providers.recordings.entries import Began
from providers.recordings.folder import (
    KEPT_DEMOS,
    default_folder,
    find_recordings,
    latest_of,
    new_path,
    prune_demos,
)
from providers.recordings.writer import Recorder
from tests.unit.cli.run import run_inside
from tests.unit.recordings.making import recorded, watched


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let commands find nothing of the user's."""
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return recorded(tmp_path / "run.gammaray", watched("imageproc"))


def document(*arguments: str) -> dict[str, object]:
    done = run_inside("export", *arguments)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return {name: value[name] for name in ("invocations", "edges")}


def test_they_are_listed(tmp_path: Path, recording: Path) -> None:
    done = run_inside("recordings", "list", str(tmp_path))
    assert done.returncode == 0
    heading, line = done.stdout.splitlines()
    assert "records" in heading
    assert line.startswith("2023-11-14 22:13:20")
    assert line.endswith(str(recording))
    (told,) = run_inside("recordings", "list", "--json", str(recording)).stdout.splitlines()
    assert json.loads(told)["path"] == str(recording)
    assert json.loads(told)["regions"] == ["us-west-2"]


def test_none_is_said_to_be_there() -> None:
    done = run_inside("recordings")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no recordings in" in done.stderr


def test_what_is_no_recording_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.gammaray"
    path.write_text("no")
    done = run_inside("recordings", "list", str(path))
    assert "no recording" in done.stderr
    assert run_inside("recordings", "export", str(path)).returncode == 2


def test_an_exported_recording_gives_the_same_graph(tmp_path: Path, recording: Path) -> None:
    lines = tmp_path / "run.jsonl"
    done = run_inside("recordings", "export", str(recording), "-o", str(lines))
    assert done.returncode == 0, done.stderr
    assert document(str(lines)) == document(str(recording))
    first = json.loads(lines.read_text().splitlines()[0])
    assert {"eventID", "dynamodb", "awsRegion"} <= first.keys()


def test_an_anonymised_recording_is_one_too(tmp_path: Path, recording: Path) -> None:
    copy = tmp_path / "copy.gammaray"
    done = run_inside("recordings", "anonymise", str(recording), "-o", str(copy))
    assert done.returncode == 0, done.stderr
    before, after = document(str(recording)), document(str(copy))
    for part in ("invocations", "edges"):
        assert len(list(before[part])) == len(list(after[part])) > 0  # type: ignore[call-overload]
    assert "ImageProc" not in json.dumps(after)
    again = run_inside("recordings", "anonymise", str(recording), "-o", str(copy))
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_prune_names_what_goes_and_asks(tmp_path: Path, recording: Path) -> None:
    newest = recorded(tmp_path / "new.gammaray", [])
    done = run_inside("recordings", "prune", str(tmp_path), "--keep", "1")
    assert done.returncode == 2
    assert "no terminal" in done.stderr
    assert recording.exists()
    assert run_inside("recordings", "prune").returncode == 2
    assert run_inside("recordings", "prune", "--older", "soon", "--yes").returncode == 2
    done = run_inside("recordings", "prune", str(tmp_path), "--older", "7d", "--keep", "0", "-y")
    assert done.returncode == 0
    assert "2 deleted" in done.stderr
    assert not recording.exists()
    assert not newest.exists()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return default_folder()


def kept(number: int, kind: str, origin: str = "") -> Path:
    path = new_path(kind, 1_700_000_000.0 + number)
    Recorder(path, Began(at_s=1_700_000_000.0 + number, kind=kind, origin=origin)).close()
    return path


def test_only_demos_past_the_newest_are_deleted_unasked(state: Path) -> None:
    watched_one = kept(0, "watch")
    demos = [kept(number, "demo") for number in range(1, KEPT_DEMOS + 4)]
    prune_demos()
    found = [summary.path for summary in find_recordings()[0]]
    assert found == [watched_one, *demos[3:]]
    assert all(path.parent == state for path in found)


def test_names_are_free_ones(state: Path) -> None:
    assert kept(1, "demo") != kept(1, "demo")
    assert state.is_dir()


def test_the_latest_of_the_same_origin_is_found(state: Path) -> None:
    wanted = kept(1, "watch", "a AWS gammaRays")
    kept(2, "watch", "b AWS gammaRays")
    kept(3, "demo", "demo")
    assert latest_of("a AWS gammaRays") == wanted
    with pytest.raises(UserError, match="no recording to go on with"):
        latest_of("c AWS gammaRays")


def test_options_of_the_screen_are_refused_before_commands() -> None:
    for option in (("--record", "x"), ("--resume",)):
        done = run_inside(*option, "recordings")
        assert done.returncode == 2
        assert f"{option[0]} belongs to the screen" in done.stderr


def test_what_no_path_can_be_is_told_and_no_defect() -> None:
    for command in (("recordings", "list"), ("init", "--yes", "--config"), ("init", "--from")):
        done = run_inside(*command, "x" * 5000)
        assert "File name too long" in done.stderr
        assert "defect" not in done.stderr
