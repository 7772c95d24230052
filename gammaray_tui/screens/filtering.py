"""The place of the filter's line: it comes when a filter is typed, and stays while one is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.containers import Container
from textual.message import Message
from textual.timer import Timer

from gammaray_tui.filter_history import FilterHistory
from widgets.look import Look

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp
    from widgets.filter_bar import FilterBar

_AFTER_S = 0.12  # of rest while typing


class FilterLine(Container):
    """Opens the line, and filters by what is typed in it.

    Attributes:
        text: the filter that is on; "" for none.
    """

    DEFAULT_CSS = """
    FilterLine { height: auto; }
    """

    class Applied(Message):
        """Another filter is on."""

    class Left(Message):
        """The user is done with typing."""

    def __init__(self, look: Look) -> None:
        super().__init__(id="filter")
        self.text = ""
        self._look = look
        self._bar: FilterBar | None = None
        self._typed: list[str] | None = None  # before, the newest last; None: not read yet
        self._timer: Timer | None = None

    @property
    def _gammaray(self) -> GammarayApp:
        return cast("GammarayApp", self.app)

    @property
    def is_open(self) -> bool:
        """Whether the line is in sight."""
        return self._bar is not None

    async def start(self, text: str | None = None) -> None:
        """Open the line, with `text` in it when given."""
        from widgets.filter_bar import FilterBar

        if self._typed is None:
            self._typed = FilterHistory().entries()[::-1]
        if self._bar is None:
            self._bar = FilterBar(self._typed, self._seen)
            await self.mount(self._bar)
        if text is not None:
            self._bar.set_text(text)
        else:
            self._bar.start()

    def _seen(self) -> dict[str, list[str]]:
        rows = self._gammaray.snapshot.functions
        return {
            "function": list(dict.fromkeys(row.name for row in rows)),
            "region": list(dict.fromkeys(row.region for row in rows)),
        }

    async def give_up(self) -> None:
        """Show everything again."""
        if self._bar is not None:
            self._bar.set_text("")
        self._apply()
        await self._leave(keep=False)

    def on_filter_bar_changed(self) -> None:
        """Filter as soon as the typing rests."""
        self._stop_timer()
        self._timer = self.set_timer(_AFTER_S, self._apply)

    async def on_filter_bar_done(self) -> None:
        """Keep the filter, and go back to the tree."""
        self._apply()
        if self.text.strip():
            FilterHistory().add(self.text.strip())
        await self._leave(keep=bool(self.text))

    async def on_filter_bar_given_up(self) -> None:
        """Show everything again."""
        await self.give_up()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _apply(self) -> None:
        self._stop_timer()
        bar = self._bar
        if bar is None:
            return
        try:
            self._gammaray.model.set_filter(bar.text)
        except ValueError as error:
            bar.show_trouble(self._look.safe(str(error)))
            return
        bar.show_trouble("")
        self.text = bar.text
        self.post_message(self.Applied())

    async def _leave(self, *, keep: bool) -> None:
        bar = self._bar
        self.post_message(self.Left())
        if bar is not None and not keep:
            self._bar = None
            await bar.remove()
