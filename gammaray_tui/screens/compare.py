"""Two sets of chains side by side: which edges came or went, and what got slower or faster."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from causality.analysis import Comparison, Hop, Latency, Shift
from causality.analysis.comparison import Verdict
from gammaray_tui import screen_keys
from gammaray_tui.actions import Group
from gammaray_tui.hints import screen_hints
from gammaray_tui.screens.app_screen import AppScreen
from widgets import formats
from widgets.key_bar import KeyBar, KeyHint
from widgets.look import Look
from widgets.painted_list import Item, PaintedList, blank_item, pieces_item

_AFTER_S = 0.3  # of rest while typing
_NAME_LEAST, _NAME_CAP, _CHANGE, _WORD = 16, 48, 14, 15
_WIDE_FROM = 110  # columns; below, a side shows its median alone
_FIRST_HINT = KeyHint("tab", "before, after, result", "screen.focus_next")
_HINTS = (
    ("list.down list.up", "move"),
    ("compare.again", "compare again"),
    ("compare.leave", "back"),
    ("help", "help"),
)
_BOLD = Style(bold=True)
_WORDS: dict[Verdict, str] = {
    "slower": "slower",
    "faster": "faster",
    "unresolved": "may be chance",
}


class CompareScreen(AppScreen[None]):
    """Compares the chains that fit one expression to those that fit another."""

    DEFAULT_CSS = """
    CompareScreen {
        layout: vertical;
        background: $background;
        #title { height: 1; background: $panel-line; color: $text-muted; padding: 0 1; }
        #title, .trouble { text-wrap: nowrap; text-overflow: ellipsis; }
        .side { height: 1; }
        .side Static { width: 9; color: $text-muted; padding: 0 1; }
        .side .trouble { width: 40%; color: $error; }
        Input { height: 1; width: 1fr; border: none; padding: 0 1; background: $panel; }
        Input:focus { border: none; background: $cursor-line; }
        #result { height: 1fr; margin-top: 1; }
    }
    """

    HELP_GROUP: ClassVar[Group] = "Compare"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.COMPARE, *screen_keys.ALWAYS]

    def __init__(self, look: Look, before: str, after: str) -> None:
        super().__init__()
        self._look = look
        self._expressions = (before, after)
        self._result = PaintedList(look, picks=True, id="result")
        self._keys = KeyBar(look, id="keys")
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Compose the screen."""
        yield Static("", id="title", markup=False)
        for name, text in zip(("before", "after"), self._expressions, strict=True):
            with Horizontal(classes="side"):
                yield Static(name, markup=False)
                yield Input(text, id=name, placeholder="an expression, such as version:7")
                yield Static("", id=f"{name}-trouble", classes="trouble", markup=False)
        yield self._result
        yield self._keys

    def on_mount(self) -> None:
        """Compare at once."""
        hints = screen_hints(self.gammaray.keymap, *_HINTS)
        self._keys.show_hints([_FIRST_HINT, *hints])
        self._result.focus()
        self._compare()

    @on(Input.Changed)
    def _typed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_AFTER_S, self._compare)

    @on(Input.Submitted)
    def _entered(self) -> None:
        self._compare()
        self._result.focus()

    def action_again(self) -> None:
        """Compare again: more may have come since."""
        self._compare()

    def action_leave(self) -> None:
        """Go back to the tree."""
        self.dismiss(None)

    def _compare(self) -> None:
        self.run_worker(self._show_comparison(), exclusive=True)

    async def _show_comparison(self) -> None:
        before, after = (self.query_one(f"#{name}", Input).value for name in ("before", "after"))
        compared = await self.gammaray.model.compare(before, after)
        for name, trouble in zip(("before", "after"), compared.troubles, strict=True):
            shown = Content(self._look.safe(trouble))
            self.query_one(f"#{name}-trouble", Static).update(shown)
        if compared.comparison is None:
            return
        sides = [formats.plural(count, "chain") for count in compared.chains]
        title = f"compare · before {sides[0]} · after {sides[1]}"
        if compared.both:
            title += f" · {formats.plural(compared.both, 'chain')} in both, left out"
        self.query_one("#title", Static).update(Content(self._look.glyphs.text(title)))
        self._result.show_items(self._items(compared.comparison))

    # --- the result ---------------------------------------------------------------------------

    def _items(self, found: Comparison) -> list[Item]:
        palette = self._look.palette
        items = self._hops("edges that appeared", "+", found.appeared, palette.ok)
        items += self._hops("edges that vanished", "-", found.vanished, palette.warn)
        for title, sign, functions, style in (
            ("functions that appeared", "+", found.functions_appeared, palette.ok),
            ("functions that vanished", "-", found.functions_vanished, palette.warn),
        ):
            if functions:
                items += [self._heading(f" {title}")]
                items += [
                    pieces_item([(f" {sign} ", style), (self._named(name, account), palette.text)])
                    for name, _, account in functions
                ]
                items.append(blank_item())
        items.append(Item(self._paint_heads))
        items += [self._shift(shift) for shift in found.shifts]
        if not found.shifts:
            items.append(pieces_item([("   none was seen on both sides", palette.muted)]))
        return items

    def _named(self, name: str, account: str) -> str:
        return self._look.safe(f"{name} {account}".strip())

    def _heading(self, text: str) -> Item:
        return pieces_item([(text, self._look.palette.muted + _BOLD)])

    def _hops(
        self, title: str, sign: str, hops: tuple[tuple[Hop, int], ...], style: Style
    ) -> list[Item]:
        if not hops:
            return [self._heading(f" no {title}"), blank_item()]
        items = [self._heading(f" {title}")]
        look = self._look
        for hop, count in hops:
            called = f"{hop.function} {hop.account}".strip()
            parts = (hop.caller, f"{hop.operation} {hop.resource}".strip(), called)
            text = f" {look.glyphs.arrow} ".join(look.safe(part) for part in parts if part)
            times = f"  {look.glyphs.times}{formats.count(count)}"
            pieces = [(f" {sign} ", style), (text, look.palette.text), (times, look.palette.muted)]
            items.append(pieces_item(pieces, text))
        return [*items, blank_item()]

    def _widths(self, width: int) -> tuple[int, int]:
        """Give the cells of names and of one side's figures."""
        side = 24 if width >= _WIDE_FROM else 13
        rest = width - 3 - 2 * side - _CHANGE - (_WORD if width >= _WIDE_FROM else 0)
        return max(_NAME_LEAST, min(_NAME_CAP, rest)), side

    def _paint_heads(self, width: int) -> list[Segment]:
        name, side = self._widths(width)
        what = ("p50", "p50 p95 n")[width >= _WIDE_FROM]
        text = f"   {'latency of both':<{name}}{f'before {what}':>{side}}{f'after {what}':>{side}}"
        return [Segment(f"{text}{'median':>{_CHANGE}}", self._look.palette.muted + _BOLD)]

    def _shift(self, shift: Shift) -> Item:
        look, palette = self._look, self._look.palette
        style = {"slower": palette.error, "faster": palette.ok}.get(shift.verdict, palette.muted)
        sign = {"slower": look.glyphs.up, "faster": look.glyphs.down}.get(shift.verdict, " ")

        def paint(width: int) -> list[Segment]:
            name, side = self._widths(width)
            wide = width >= _WIDE_FROM
            return [
                Segment(f" {sign} ", style),
                Segment(
                    look.name(self._named(shift.name, shift.account), name),
                    look.region_style(shift.region),
                ),
                Segment(look.right(_side(shift.before, wide=wide), side), palette.text),
                Segment(look.right(_side(shift.after, wide=wide), side), palette.text),
                Segment(look.right(_change(shift), _CHANGE), style),
                Segment(f"  {_WORDS[shift.verdict]}" if wide else "", style),
            ]

        return Item(paint, shift.name)


def _side(latency: Latency, *, wide: bool) -> str:
    if not wide:
        return formats.duration(latency.p50_s)
    figures = f"{formats.duration(latency.p50_s)} {formats.duration(latency.p95_s)}"
    return f"{figures} n={formats.short_count(latency.count)}"


def _change(shift: Shift) -> str:
    if shift.ratio is None:
        return formats.offset(shift.p50_s)
    return f"{formats.offset(shift.p50_s)} {shift.ratio - 1:+.0%}"
