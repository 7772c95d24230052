"""Pictures of every screen, at three sizes, dark, light and without colours.

After a change that is meant: `pytest tests/functional/test_snapshots.py --snapshot-update`, then
look at the pictures in `__snapshots__` before committing them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import pytest
from textual.pilot import Pilot

from causality.snapshot import Playback, RegionState
from gammaray_tui.app import GammarayApp
from gammaray_tui.screens.main import MainScreen
from gammaray_tui.switching import Place, Switching
from providers.errors import UserError
from providers.operations import Step
from tests.functional.mock_data import START_S
from tests.functional.mock_model import MockModel, image_model, shop_model
from tests.functional.mock_operations import STOPPED, MockOperations
from tests.functional.running import text_of, until

if TYPE_CHECKING:
    from providers.replay import Player


class SnapCompare(Protocol):
    def __call__(
        self,
        app: GammarayApp,
        *,
        terminal_size: tuple[int, int],
        run_before: Callable[[Pilot[None]], Awaitable[None]],
    ) -> bool: ...


SIZES = [(80, 24), (120, 40), (200, 50)]
LOOKS = ["gammaray-dark", "gammaray-light", "no colour"]


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    chosen: tuple[int, int] = request.param
    return chosen


@pytest.fixture(params=LOOKS)
def theme(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    if request.param == "no colour":
        monkeypatch.setenv("NO_COLOR", "1")
        return None
    monkeypatch.delenv("NO_COLOR", raising=False)
    return str(request.param)


@pytest.fixture(autouse=True)
def still_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("textual.widgets._input.Input.cursor_blink", False)


def _app(model: MockModel, theme: str | None = None, *, ascii_only: bool = False) -> GammarayApp:
    operations = MockOperations()
    began_at_s = time.time() - 2.5 * 3600  # it is shown by its age
    operations.stopped = [replace(one, began_at_s=began_at_s) for one in STOPPED]
    return GammarayApp(
        model, operations=operations, title=model.title, theme=theme, ascii_only=ascii_only
    )


def _shows(text: str, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run_before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, GammarayApp)
        await pilot.pause()
        await pilot.press(*keys)
        await until(pilot, lambda: text in text_of(app))
        # What the last keys changed in the model may still wait for the timer's next turn.
        app.refresh_views()
        await pilot.pause()
        await pilot.pause()

    return run_before


def test_shop(snap_compare: SnapCompare, size: tuple[int, int], theme: str | None) -> None:
    keys = ["k"] * 7
    shown = _shows("HOLD", *keys)
    assert snap_compare(_app(shop_model(), theme), terminal_size=size, run_before=shown)


def test_demo(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    shown = _shows("UpdateWebsite")
    assert snap_compare(_app(image_model()), terminal_size=size, run_before=shown)


def test_map(snap_compare: SnapCompare, size: tuple[int, int], theme: str | None) -> None:
    shown = _shows("starts", "m")
    assert snap_compare(_app(shop_model(), theme), terminal_size=size, run_before=shown)


def test_waterfall(snap_compare: SnapCompare, size: tuple[int, int], theme: str | None) -> None:
    shown = _shows("critical path", "k", "t")
    assert snap_compare(_app(shop_model(), theme), terminal_size=size, run_before=shown)


def test_compare(snap_compare: SnapCompare, size: tuple[int, int], theme: str | None) -> None:
    shown = _shows("latency of both", "c")
    assert snap_compare(_app(shop_model(), theme), terminal_size=size, run_before=shown)


def test_folded_and_paused(snap_compare: SnapCompare) -> None:
    shown = _shows("PAUSED", "z", "space")
    assert snap_compare(_app(shop_model(30)), terminal_size=(120, 40), run_before=shown)


def test_ascii(snap_compare: SnapCompare) -> None:
    shown = _shows("HOLD", "k")
    app = _app(shop_model(), ascii_only=True)
    assert snap_compare(app, terminal_size=(120, 40), run_before=shown)


@pytest.mark.parametrize("key", ["2", "3"])
def test_pages(snap_compare: SnapCompare, key: str) -> None:
    shown = _shows("HOLD", "k", "k", key)
    assert snap_compare(_app(shop_model()), terminal_size=(80, 24), run_before=shown)


def test_filter_that_cannot_be_read(snap_compare: SnapCompare) -> None:
    typed = _shows("not closed", "left_parenthesis")

    async def run_before(pilot: Pilot[None]) -> None:
        # What can be read stays on, whether or not the typing rested before the parenthesis.
        await pilot.press("slash", *"mail")
        screen = pilot.app.screen
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: screen.filter_text == "mail")
        await typed(pilot)

    assert snap_compare(_app(shop_model()), terminal_size=(80, 24), run_before=run_before)


def test_too_small(snap_compare: SnapCompare) -> None:
    shown = _shows("60x15")
    assert snap_compare(_app(shop_model()), terminal_size=(50, 12), run_before=shown)


DIALOGS = {
    "fire": (["f"], "invokes ImageProcPy"),
    "deploy": (["i"], "This will take 5 steps"),
    "deployed": (["i", "tab", "enter"], "is deployed; close this"),
    "cleanup": (["D"], "5 resources chosen"),
    "delete": (["D", "tab", "tab", "enter"], "type testuser"),
    "export": (["e"], "everything"),
    "why": (["k", "w"], "rivals"),
    "problems": (["P"], "orphan"),
    "regions": (["r"], "shards"),
    "help": (["question_mark"], "keys and signs"),
    "heat": (["2", "H"], "in each 10 s"),
    "jump": (["g", "ctrl+o"], " s "),
    "roomy": (["V"], "checkout-api"),
    "instrument": (["I"], "Choose functions."),
    "setup": (["M"], "The tables will take 1 step"),
    "unfinished": (["U"], "1 of 2 steps were through"),
    "doctor": (["d"], "1 wrong"),
    "logs": (["k", "O"], "lines of this invocation"),
    "preview": (["e", "shift+tab", "enter"], "preview: "),
    "open-chain": (["#"], "of any invocation of the chain"),
    "theme": (["T"], "gammaray-contrast"),
    "profile": (["A"], "eu-west-1"),
    "seek": (["@"], "The replay goes from"),
    "history": (["E"], "slowest chains"),
    "palette": (["ctrl+p", *"heat"], "Heat map"),
}
# Each size in another look: every dialog is seen in each of both.
SIZE_AND_LOOK = [
    ((80, 24), "gammaray-light"),
    ((120, 40), "gammaray-dark"),
    pytest.param((200, 50), None, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("dialog", DIALOGS)
@pytest.mark.parametrize(("size", "theme"), SIZE_AND_LOOK, ids=["80x24", "120x40", "200x50"])
def test_dialogs(
    snap_compare: SnapCompare,
    monkeypatch: pytest.MonkeyPatch,
    dialog: str,
    size: tuple[int, int],
    theme: str | None,
) -> None:
    keys, text = DIALOGS[dialog]
    if theme is None:
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    profiles = {"shop": "us-west-2", "test": "eu-west-1"}
    monkeypatch.setattr("gammaray_tui.screens.profile.known_profiles", lambda: profiles)

    async def run_before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, GammarayApp)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await until(pilot, lambda: text in text_of(app))
        await pilot.pause()

    app = _app(shop_model(), theme)
    if dialog == "profile":
        app.switching = Switching(Place("shop", ("us-west-2", "us-east-1")), _never)
    elif dialog == "seek":
        app.player = cast("Player", _StillPlayer())
    assert snap_compare(app, terminal_size=size, run_before=run_before)


async def _never(place: Place) -> None:
    raise AssertionError(f"nobody goes over to {place}")


class _StillPlayer:
    """A replay that stands still."""

    def playback(self) -> Playback:
        """Give where it stands."""
        return Playback("paused", START_S + 60, START_S, START_S + 600, 2.0)


def test_error(snap_compare: SnapCompare) -> None:
    async def fails() -> None:
        raise UserError(
            "The credentials of the profile are not accepted: the security token has expired.",
            on="profile testuser, us-west-2",
            todo="Run `aws sso login --profile testuser`, then start again.",
        )

    model = shop_model()
    app = GammarayApp(model, title=model.title, sources=(fails,))
    assert snap_compare(app, terminal_size=(80, 24), run_before=_shows("aws sso login"))


def test_no_records_yet(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    down = RegionState(
        "us-east-1",
        "down",
        "table-missing",
        "There is no table gammaRays here.",
        "Deploy an application with i: that creates the table and its stream.",
    )
    model = MockModel(regions=(RegionState("us-west-2", "live", lag_s=0.4, shards=4), down))
    shown = _shows("No records yet")
    assert snap_compare(_app(model), terminal_size=size, run_before=shown)


def test_starting(snap_compare: SnapCompare) -> None:
    async def start(app: GammarayApp) -> None:
        app.report(Step("aws", "local AWS on 127.0.0.1:41233", "", "done", "ready in 1.9 s"))
        app.report(Step("t1", "table gammaRays", "us-west-2", "done"))
        app.report(Step("t2", "table gammaRays", "us-east-1", "done"))
        app.report(Step("f1", "function ImageProcPy", "us-west-2", "running"))
        app.report(Step("f2", "function UpdateWebsite", "us-east-1", "waiting"))

    app = GammarayApp(MockModel(title="demo"), title="demo", on_start=start)
    assert snap_compare(app, terminal_size=(80, 24), run_before=_shows("Starting"))
