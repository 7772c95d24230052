"""Why an edge is drawn: the fields that matched, the grade, and the rivals that lost."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from causality.snapshot import Detail, Evidence, Why
from gammaray_tui import screen_keys
from gammaray_tui.screens.dialog import Dialog
from widgets.glyphs import EVIDENCE_LETTERS
from widgets.growing_list import GrowingList
from widgets.look import Look
from widgets.painted_list import Item, blank_item, pieces_item
from widgets.wrapping import wrapped

_MEANING: dict[Evidence, str] = {
    "exact": "an id that AWS gave to the call came back in the event",
    "content": "the call's content and the event's are the same, and nobody else's is",
    "order": "resource and key are the same; the order in time decided",
    "ambiguous": "several calls could be meant; none is chosen",
}
_NAME = 14


class WhyScreen(Dialog[None]):
    """The evidence for the edge, or edges, that lead to an invocation."""

    TITLE_TEXT = "why this edge"
    KEYS_TEXT = "y copy · esc close"
    BINDINGS: ClassVar[list[BindingType]] = [*screen_keys.COPY]
    WIDE = True
    SAFE = "#why"
    DEFAULT_CSS = """
    WhyScreen #why { max-height: 60vh; }
    """

    def __init__(self, look: Look, detail: Detail) -> None:
        super().__init__(look)
        self._detail = detail

    def content(self) -> ComposeResult:
        """Compose the answer."""
        yield GrowingList(self.look, id="why")

    def copied(self) -> str:
        """Give the answer as text."""
        lines = [f"{self._detail.function} caused by {self._detail.cause}"]
        for why in self._detail.edges:
            lines.append(f"{why.evidence}: {why.summary}")
            lines += [f"  {name}: {call} / {cause}" for name, call, cause in why.fields]
            lines += [f"  could be meant: {call}" for call in why.candidates]
            lines += [f"  rival: {call}" for call in why.rivals]
        return "\n".join(lines)

    def on_mount(self) -> None:
        """Show the answer."""
        super().on_mount()
        self.on_resize()

    def on_resize(self) -> None:
        """Fold the lines anew."""
        look = self.look
        width = max(30, min(100, self.app.size.width - 14))
        cause = f"caused by {look.safe(self._detail.cause)}"
        items = [
            pieces_item([(look.safe(self._detail.function), look.palette.strong)]),
            *(pieces_item([(line, look.palette.muted)]) for _, line in wrapped(cause, width)),
        ]
        for why in self._detail.edges:
            items += [blank_item(), *self._edge(why, width)]
        self.query_one(GrowingList).show_items(items)

    def _edge(self, why: Why, width: int) -> list[Item]:
        look = self.look
        palette = look.palette
        grade_style = palette.warn if why.evidence == "ambiguous" else palette.ok
        items = [
            pieces_item(
                [
                    (f"{EVIDENCE_LETTERS[why.evidence]} {why.evidence}", grade_style),
                    (f"  {_MEANING[why.evidence]}", palette.muted),
                ]
            )
        ]
        items += [
            pieces_item([(f"  {line}", palette.text)])
            for _, line in wrapped(look.safe(why.summary), width - 2)
        ]
        if why.fields:
            value = max(12, (width - _NAME - 8) // 2)
            head = f"    {'field':<{_NAME}} {'at the call':<{value}}   at the cause"
            items += [blank_item(), pieces_item([(head, palette.muted)])]
            for name, at_call, at_cause in why.fields:
                same = at_call == at_cause
                items.append(
                    pieces_item(
                        [
                            (
                                f"  {look.glyphs.state['ok'] if same else ' '} ",
                                palette.ok,
                            ),
                            (look.left(look.safe(name), _NAME) + " ", palette.muted),
                            (look.name(look.safe(at_call), value), palette.text),
                            (" = " if same else "   ", palette.ok),
                            (look.name(look.safe(at_cause), value), palette.text),
                        ]
                    )
                )
        for title, calls in (("could be meant", why.candidates), ("rivals", why.rivals)):
            if calls:
                items += [blank_item(), pieces_item([(f"    {title}", palette.muted)])]
            items += [
                pieces_item([(f"    {'-' if first else ' '} {line}", palette.text)])
                for call in calls
                for first, line in wrapped(look.safe(call), width - 8)
            ]
        return items
