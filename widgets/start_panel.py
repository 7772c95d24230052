"""What stands in the place of an empty tree: how the start goes, then what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from causality.snapshot import RegionState
from widgets.look import Look
from widgets.step_list import StepLike, paint_step

_SIDE = 3
_STEPS_WIDTH = 76
_SAID_ALREADY = re.compile(r" \(region [^()]*\)$")


class StartPanel(Widget):
    """Progress of the start, the state of each region, and a hint; nothing once rows have come."""

    DEFAULT_CSS = """
    StartPanel { background: transparent; }
    """

    def __init__(self, look: Look, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._look = look
        self._steps: dict[str, StepLike] = {}
        self._doing = "Starting"
        self._title = ""
        self._regions: tuple[RegionState, ...] = ()
        self._hints: tuple[tuple[str, str], ...] = ()
        self._notes: tuple[str, ...] = ()

    def begin(self, doing: str) -> None:
        """Forget the steps of what was done before, and name what is done now."""
        self._doing = doing
        self._steps.clear()
        self.refresh()

    def report(self, step: StepLike) -> None:
        """Show a step of what is done, in the place of what was reported of it before."""
        self._steps[step.id] = step
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether a step is under way or waits."""
        return any(step.state in ("running", "waiting") for step in self._steps.values())

    def show_state(
        self,
        regions: Sequence[RegionState],
        notes: Sequence[str],
        hints: Sequence[tuple[str, str]],
        title: str = "No records yet",
    ) -> None:
        """Show why there is nothing, how reading goes, and which keys help.

        Args:
            regions: how reading goes in each.
            notes: further lines.
            hints: keys, each with what it does.
            title: the first line.
        """
        state = (title, _without_figures(regions), tuple(notes), tuple(hints))
        if state != (self._title, self._regions, self._notes, self._hints):
            self._title, self._regions, self._notes, self._hints = state
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint line `y` (Textual's line interface)."""
        width = self.size.width
        lines = self._lines(width - 2 * _SIDE)
        top = max(0, (self.size.height - len(lines)) // 3)
        index = y - top + max(0, len(lines) - self.size.height)
        side = max(_SIDE, (width - _STEPS_WIDTH) // 2)
        line = lines[index] if 0 <= index < len(lines) else []
        strip = Strip([Segment(" " * side), *line]).adjust_cell_length(width)
        return strip.apply_style(self.rich_style)

    def _lines(self, width: int) -> list[list[Segment]]:
        look = self._look
        palette = look.palette
        width = min(width, _STEPS_WIDTH)
        lines: list[list[Segment]] = []
        steps = list(self._steps.values())
        failed = any(step.state == "failed" for step in steps)
        if steps and (self.busy or failed):
            room = max(3, self.size.height - 4)
            title = f"{self._doing} failed" if failed else self._doing
            lines += [[Segment(title, palette.error if failed else palette.strong)], []]
            lines += [paint_step(step, width, look) for step in steps[-room:]]
            for step in steps:
                if step.state == "failed":
                    lines += self._wrapped(step.detail, width)
            return lines
        lines += [[Segment(self._title, palette.strong)], []]
        for state in self._regions:
            lines += self._region(state, width)
        for note in self._notes:
            lines.append([Segment(look.cut(look.safe(note), width), palette.muted)])
        if self._hints:
            lines.append([])
        for key, text in self._hints:
            lines.append(
                [Segment("press ", palette.muted), Segment(key, palette.key), Segment(f" {text}")]
            )
        return lines

    def _region(self, state: RegionState, width: int) -> list[list[Segment]]:
        look = self._look
        palette = look.palette
        sign = look.glyphs.region[state.phase]
        style = {"live": palette.ok, "retrying": palette.warn, "down": palette.error}.get(
            state.phase, palette.muted
        )
        # The region stands before it, and the table is named in the message where it matters.
        text = look.safe(_SAID_ALREADY.sub("", state.message)) or {
            "connecting": "connecting" + look.glyphs.ellipsis,
            "live": "reading; nothing has come yet",
            "retrying": "trying again",
            "down": "cannot be read",
            "ended": "read to its end",
        }.get(state.phase, state.phase)
        room = max(8, width - len(state.region) - 5)
        lines = [
            [
                Segment(f"{sign} ", style),
                Segment(look.safe(state.region), look.region_style(state.region)),
                Segment(f"  {look.cut(text, room)}", palette.text),
            ]
        ]
        if state.todo:
            lines += self._wrapped(state.todo, width - 2, indent=2)
        return lines

    def _wrapped(self, text: str, width: int, indent: int = 3) -> list[list[Segment]]:
        style = self._look.palette.muted
        lines: list[list[Segment]] = []
        for paragraph in text.splitlines():
            for line in _fold(self._look.safe(paragraph), max(20, width - indent)):
                lines.append([Segment(" " * indent + line, style)])
        return lines


def _without_figures(regions: Sequence[RegionState]) -> tuple[RegionState, ...]:
    # Lag and countdowns change all the time and are not shown here.
    return tuple(
        RegionState(state.region, state.phase, state.kind, state.message, state.todo)
        for state in regions
    )


def _fold(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines
