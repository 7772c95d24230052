"""The dialogs that only look: doctor and logs; they work in read-only mode, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.operations import LogsOf
from tests.functional.mock_model import shop_model
from tests.functional.mock_operations import MockOperations
from tests.functional.running import running, text_of, until


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_doctor_names_what_is_wrong_and_what_to_do(size: tuple[int, int]) -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, size=size) as (app, pilot):
        await pilot.press("d")
        await until(pilot, lambda: "2 in order, 1 to note, 1 wrong" in text_of(app))
        assert "Set it up." in text_of(app)
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: "4 in order, 0 to note, 0 wrong" in text_of(app))


async def test_what_the_doctor_sets_up_goes_on_when_it_is_closed() -> None:
    operations = MockOperations()
    operations.may_go_on.clear()
    async with running(shop_model(), operations=operations) as (app, pilot):
        await pilot.press("d")
        await until(pilot, lambda: "1 wrong" in text_of(app))
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: "setting up the record tables" in text_of(app))
        await pilot.press("escape")
        operations.may_go_on.set()
        await until(pilot, lambda: operations.made == ["tables"])


async def test_doctor_sets_nothing_up_in_read_only_mode() -> None:
    operations = MockOperations()
    async with running(shop_model(), operations=operations, read_only=True) as (app, pilot):
        await pilot.press("d")
        await until(pilot, lambda: "1 wrong" in text_of(app))
        assert "set up the tables" not in text_of(app)


async def test_logs_of_the_invocation_of_the_chain_searched_and_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    operations = MockOperations()
    async with running(shop_model(), operations=operations, read_only=True) as (app, pilot):
        await pilot.press("O")
        await until(pilot, lambda: "3 lines of this invocation" in text_of(app))
        await pilot.press("c")
        await until(pilot, lambda: "6 lines of chain of 2" in text_of(app))
        assert "order-worker us-east-1" in text_of(app)
        await pilot.press("slash", *"hell", "enter")
        await until(pilot, lambda: "2 lines of chain of 2 with hell" in text_of(app))
        await pilot.press("s")
        await until(pilot, lambda: "save the lines that are shown" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "saved checkout-api-" in text_of(app))
    (saved,) = [path for path in _files(tmp_path) if path.suffix == ".log"]
    lines = saved.read_text("utf-8").splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["hello", "hello"]


async def test_the_chain_that_grows_is_tailed(monkeypatch: pytest.MonkeyPatch) -> None:
    model, operations = shop_model(), MockOperations()
    async with running(model, operations=operations) as (app, pilot):
        await pilot.press("O", "c")
        await until(pilot, lambda: "6 lines of chain of 2" in text_of(app))
        (node, later) = operations.logs_wanted[-1]
        third = LogsOf("mailer", "us-east-1", "third")
        monkeypatch.setattr(model, "logs_wanted", lambda _node: [node, later, third])
        await pilot.press("t")
        await until(pilot, lambda: "9 lines of chain of 3, tailing" in text_of(app))


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_billed_time_is_fetched_for_the_selection() -> None:
    operations = MockOperations()
    model = shop_model()
    async with running(model, operations=operations) as (_app, pilot):
        await until(pilot, lambda: model.reports)
        assert model.reports[0].billed_s == 0.2
