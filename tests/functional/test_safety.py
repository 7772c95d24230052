"""Whatever stands in names is shown as text: no markup, no escape sequence, right widths."""

from __future__ import annotations

from rich.cells import cell_len

from causality.snapshot import ProblemRow, RegionState
from tests.functional.mock_data import START_S, shop_chain
from tests.functional.mock_model import MockModel
from tests.functional.running import line_with, running, text_of, until

EVIL = "[red]a\x1b[2J\x07b\u202ec\n[/red]"


def evil_model(name: str) -> MockModel:
    chain = shop_chain(0, START_S)
    for item in chain.root.walk():
        item.function = name
        item.trigger = f"PutItem→{name}"
    model = MockModel([chain], title=name)
    model.problems = [ProblemRow(name, name)]
    model.regions = (RegionState(name, "down", message=name, todo=name),)
    return model


async def test_markup_and_escapes_in_names_are_shown_as_text() -> None:
    async with running(evil_model(EVIL)) as (app, pilot):
        for key in ("g", "P", "escape", "r", "escape", "j", "w", "escape", "y", "3", "o", "2"):
            await pilot.press(key)
            text = text_of(app)
            assert not any(ord(c) < 32 and c != "\n" for c in text)
            assert "\u202e" not in text
        await pilot.press("escape", "1")
        assert "[red]a␛[2J␇b\ufffdc␊[/red]" in text_of(app)


async def test_an_empty_screen_is_safe_too() -> None:
    model = MockModel(
        title=EVIL, regions=(RegionState("us-west-2", "down", message=EVIL, todo=EVIL),)
    )
    model.notes = (EVIL,)
    async with running(model) as (app, _):
        assert "\x1b" not in text_of(app)
        assert "[red]a␛[2J" in text_of(app)


async def test_wide_characters_keep_the_columns() -> None:
    chain = shop_chain(0, START_S)
    plain = MockModel([shop_chain(1, START_S)])
    for item in chain.root.walk():
        item.function = "請求書作成サービス處理函数请求书生成服务最长名字"
    plain.chains.insert(0, chain)
    async with running(plain) as (app, pilot):
        await until(pilot, lambda: "請求書" in text_of(app))
        wide = line_with(app, "請求書")
        narrow = line_with(app, "checkout-api")
        assert cell_len(wide[: wide.index("usw2")]) == cell_len(narrow[: narrow.index("usw2")])
