"""Steps of a longer act, one line each: waiting, running, done, failed, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol

from rich.segment import Segment

from widgets.line_list import LineList
from widgets.look import Look


class StepLike(Protocol):
    """What a step has to tell; the acts on AWS report such."""

    @property
    def id(self) -> str:
        """Stable within the act: a later report replaces an earlier one."""

    @property
    def text(self) -> str:
        """What is done, on what."""

    @property
    def region(self) -> str:
        """Where."""

    @property
    def state(self) -> Literal["waiting", "running", "done", "failed", "skipped"]:
        """How far it is."""

    @property
    def detail(self) -> str:
        """What came of it, or why it failed and what to do."""


def paint_step(step: StepLike, width: int, look: Look) -> list[Segment]:
    """Paint a step: sign, region, what, and at the end of the line what came of it."""
    palette = look.palette
    styles = {
        "waiting": palette.faint,
        "running": palette.running,
        "done": palette.ok,
        "failed": palette.error,
        "skipped": palette.muted,
    }
    style = styles[step.state]
    text_style = style if step.state in ("waiting", "failed") else palette.text
    segments = [Segment(f" {look.glyphs.step[step.state]} ", style)]
    used = 3
    if step.region:
        region = look.left(look.safe(step.region), 10) + " "
        segments.append(Segment(region, look.region_style(step.region)))
        used += 11
    detail = look.safe(step.detail.splitlines()[0]) if step.detail else ""
    word = {"running": "", "failed": "failed", "skipped": "left as it is"}.get(step.state, "")
    detail = detail or word
    room = width - used - 1
    text = look.shortened(look.safe(step.text), room)
    segments.append(Segment(text, text_style))
    room -= len(text) + 2
    if detail and room >= 4:
        segments.append(Segment("  " + look.cut(detail, room), style if detail else text_style))
    return segments


class StepList(LineList):
    """The steps reported so far, in the order of their first report; the newest in sight."""

    HEAD_LINES: ClassVar[int] = 0
    GROWS: ClassVar[bool] = True
    DEFAULT_CSS = """
    StepList { height: auto; overflow-y: auto; }
    """

    def __init__(self, look: Look, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(look, id=id, classes=classes)
        self._steps: dict[str, StepLike] = {}
        self._order: list[str] = []

    @property
    def steps(self) -> Sequence[StepLike]:
        """The steps, in order."""
        return [self._steps[step_id] for step_id in self._order]

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor is marked: only when keys move it."""
        return self.has_focus

    def report(self, step: StepLike) -> None:
        """Show a step, in the place of what was reported of it before."""
        if step.id not in self._steps:
            self._order.append(step.id)
        self._steps[step.id] = step
        self.lines_changed()
        if not self.has_focus:
            self.reveal(self._order.index(step.id))

    def replace(self, steps: Sequence[StepLike]) -> None:
        """Show these steps and no others."""
        self._steps = {step.id: step for step in steps}
        self._order = list(self._steps)
        self.cursor = 0
        self.lines_changed()

    def line_count(self) -> int:
        """Give the number of steps."""
        return len(self._order)

    def line_key(self, index: int) -> object:
        """Give the step itself."""
        return self._steps[self._order[index]]

    def paint_line(self, index: int, width: int) -> list[Segment]:
        """Paint one step."""
        return paint_step(self._steps[self._order[index]], width, self.look)
