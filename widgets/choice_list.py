"""A list to choose from: one of many, or any of many; the choice shows by sign, not by colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message

from widgets.line_list import LineList
from widgets.look import Look


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose.

    Attributes:
        id: what the program knows it by; "" makes a heading that cannot be chosen.
        text: what the user sees.
        note: more, in a quiet voice, at the end of the line.
        region: colours the text of a heading; "" for none.
    """

    id: str
    text: str
    note: str = ""
    region: str = ""


class ChoiceList(LineList):
    """Choices, one a line, with headings between them."""

    HEAD_LINES: ClassVar[int] = 0
    GROWS: ClassVar[bool] = True
    DEFAULT_CSS = """
    ChoiceList { height: auto; overflow-y: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "choose", "choose", id="choice.toggle", show=False),
    ]

    class Changed(Message):
        """Another choice was made."""

        def __init__(self, choices: ChoiceList) -> None:
            super().__init__()
            self.choices = choices

        @property
        def control(self) -> ChoiceList:
            """The list in which it was made."""
            return self.choices

    def __init__(
        self,
        look: Look,
        choices: Sequence[Choice] = (),
        *,
        chosen: Iterable[str] = (),
        many: bool = False,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(look, id=id, classes=classes)
        self._many = many
        self._choices: tuple[Choice, ...] = ()
        self._chosen: set[str] = set()
        self.set_choices(choices, chosen)

    def set_choices(self, choices: Sequence[Choice], chosen: Iterable[str] = ()) -> None:
        """Offer these, with some of them chosen; of a single choice, the first is by default."""
        self._choices = tuple(choices)
        known = [choice.id for choice in self._choices if choice.id]
        self._chosen = set(chosen) & set(known)
        if not self._many and not self._chosen and known:
            self._chosen = {known[0]}
        self.cursor = self._nearest(self._index_of_chosen(), 1)
        self.lines_changed()

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor is marked: only when keys move it; the choice has its own sign."""
        return self.has_focus

    @property
    def chosen(self) -> list[str]:
        """The ids chosen, in the order of the list."""
        return [choice.id for choice in self._choices if choice.id in self._chosen]

    @property
    def choice(self) -> str:
        """The one id chosen; "" when the list is empty."""
        return next(iter(self.chosen), "")

    def choose(self, ids: Iterable[str]) -> None:
        """Choose these and no others."""
        self._chosen = {choice.id for choice in self._choices if choice.id} & set(ids)
        self._tell()

    def action_choose(self) -> None:
        """Choose the line under the cursor, or take it out of the choice."""
        choice = self._choices[self.cursor] if self.cursor < len(self._choices) else None
        if choice is None or not choice.id:
            return
        if not self._many:
            self._chosen = {choice.id}
        else:
            self._chosen ^= {choice.id}
        self._tell()

    def move_to(self, index: int, *, by_user: bool = True) -> None:
        """Put the cursor on a choice, past the headings."""
        index = max(0, min(len(self._choices) - 1, index)) if self._choices else 0
        direction = 1 if index >= self.cursor else -1
        super().move_to(self._nearest(index, direction), by_user=by_user)
        if index == 0 or self.cursor == self._nearest(0, 1):
            self.reveal(0)

    def line_clicked(self, index: int, x: int, *, again: bool) -> None:
        """Choose what was clicked."""
        self.move_to(index)
        if self.cursor == index:
            self.action_choose()

    def _tell(self) -> None:
        self.repaint_changed()
        self.post_message(self.Changed(self))

    def _index_of_chosen(self) -> int:
        if self._many:
            return 0
        for index, choice in enumerate(self._choices):
            if choice.id in self._chosen:
                return index
        return 0

    def _nearest(self, index: int, direction: int) -> int:
        for step in (direction, -direction):
            at = index
            while 0 <= at < len(self._choices):
                if self._choices[at].id:
                    return at
                at += step
        return index

    def line_count(self) -> int:
        """Give the number of choices and headings."""
        return len(self._choices)

    def line_key(self, index: int) -> object:
        """Give the choice and whether it is made."""
        choice = self._choices[index]
        return (choice, choice.id in self._chosen)

    def paint_line(self, index: int, width: int) -> list[Segment]:
        """Paint one choice or heading."""
        look, choice = self.look, self._choices[index]
        palette, glyphs = look.palette, look.glyphs
        if not choice.id:
            style = look.region_style(choice.region) if choice.region else palette.muted
            return [Segment(f" {look.cut(look.safe(choice.text), width - 2)}", style)]
        made = choice.id in self._chosen
        on, off = (
            (glyphs.check_on, glyphs.check_off)
            if self._many
            else (glyphs.radio_on, glyphs.radio_off)
        )
        text = look.shortened(look.safe(choice.text), max(8, width - 6))
        segments = [
            Segment(" "),
            Segment(on if made else off, palette.key if made else palette.muted),
            Segment(f" {text}", palette.text),
        ]
        room = width - 6 - len(text)
        if choice.note and room >= 6:
            segments.append(
                Segment("  " + look.cut(look.safe(choice.note), room - 1), palette.muted)
            )
        return segments
