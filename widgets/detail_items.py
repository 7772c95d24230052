"""What the detail pane says of an invocation, as a list of lines that are painted when seen."""

from __future__ import annotations

from typing import TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from causality.snapshot import CallRow, ChainBar, Detail, PathSplit, Why
from widgets import formats
from widgets.glyphs import EVIDENCE_LETTERS, STATE_WORDS
from widgets.look import Look
from widgets.painted_list import Item, blank_item, pieces_item
from widgets.timeline import timeline

_Figure: TypeAlias = tuple[str, str, Style]  # name, value, how the value looks

_FROM = " from "
_CHAIN_DURATION = 7
_NAME_KEPT = 16  # cells that a name leaves to nothing beside it
_CALL_FIGURES = 17  # cells of sign, offset and duration
_CHAIN_NAME_LEAST, _CHAIN_NAME_CAP = 12, 28


class DetailItems:
    """Makes the lines of one detail."""

    def __init__(self, detail: Detail, look: Look) -> None:
        self._detail = detail
        self._look = look

    def brief(self) -> list[Item]:
        """Give the four lines that stand below a tree that fills the screen."""
        detail = self._detail
        last = self._error() if detail.error else self._label("id", detail.request_id)
        figures = self._figures_item(self._times() + self._resources())
        return [self._title(), figures, self._cause(), last]

    def full(self) -> list[Item]:
        """Give everything."""
        detail = self._detail
        items = [self._title(), self._figures_item(self._times())]
        # In a line of their own: a narrow pane would cut them.
        if resources := self._resources():
            items.append(self._figures_item(resources))
        items.append(self._cause())
        if detail.error:
            items.append(self._error())
        if detail.chain:
            items += [self._blank(), self._axis()]
            items += [self._bar(bar) for bar in detail.chain]
        if detail.path is not None:
            items.append(self._path(detail.path))
        if detail.calls:
            items += [self._blank(), self._heading(formats.plural(len(detail.calls), "call"))]
            items += [self._call(call) for call in detail.calls]
        for why in detail.edges:
            items += [self._blank(), *self._why(why)]
        items.append(self._blank())
        items += self._ids()
        return items

    # Lines

    def _title(self) -> Item:
        detail, look = self._detail, self._look
        palette = look.palette
        state = palette.state(detail.state)
        before = f" {look.glyphs.state[detail.state]} {STATE_WORDS[detail.state]}"
        region = "  " + look.safe(detail.region)
        tries = f"  try {detail.attempt} of {detail.attempts}" if detail.attempts > 1 else ""

        def paint(width: int) -> list[Segment]:
            room = width - cell_len(before + region + tries) - 2
            name = look.shortened(look.safe(detail.function), max(_NAME_KEPT, room))
            return [
                Segment(before, state),
                Segment(f"  {name}", palette.strong),
                Segment(region, look.region_style(detail.region)),
                *([Segment(tries, palette.warn)] if tries else ()),
            ]

        return Item(paint, detail.function)

    def _times(self) -> list[_Figure]:
        detail, palette = self._detail, self._look.palette
        init = "–" if detail.cold is None else "cold" if detail.cold else "warm"
        if detail.init_s is not None:
            init = f"{init} {formats.duration(detail.init_s)}"
        return [
            ("dur", formats.duration(detail.duration_s), palette.text),
            ("init", init, palette.running if detail.cold else palette.text),
            ("delay", formats.delay(detail.delay_s), palette.text),
        ]

    def _resources(self) -> list[_Figure]:
        detail, palette = self._detail, self._look.palette
        figures: list[_Figure] = []
        if detail.sdk_s is not None:
            figures.append(("sdk", formats.duration(detail.sdk_s), palette.text))
        if detail.memory_mb is not None:
            used = f"{detail.used_mb}/" if detail.used_mb is not None else ""
            figures.append(("mem", f"{used}{detail.memory_mb}MB", palette.text))
        if detail.billed_s is not None:
            figures.append(("billed", formats.duration(detail.billed_s), palette.text))
        return figures

    def _figures_item(self, figures: list[_Figure]) -> Item:
        look = self._look
        pieces: list[tuple[str, Style]] = []
        for name, value, style in figures:
            pieces += [(f" {name} ", look.palette.muted), (look.glyphs.text(value) + " ", style)]
        return pieces_item(pieces, " ".join(f"{name} {value}" for name, value, _ in figures))

    def _cause(self) -> Item:
        detail, look = self._detail, self._look
        graded = {why.evidence for why in detail.edges}
        grades = [
            Segment(
                f"  {EVIDENCE_LETTERS[grade]} {grade}",
                look.palette.warn if grade == "ambiguous" else look.palette.ok,
            )
            for grade in EVIDENCE_LETTERS
            if grade in graded
        ]

        def paint(width: int) -> list[Segment]:
            room = width - len(_FROM) - sum(len(grade.text) for grade in grades)
            cause = look.shortened(look.safe(detail.cause), max(_NAME_KEPT, room))
            return [
                Segment(_FROM, look.palette.muted),
                Segment(cause, look.palette.text),
                *grades,
            ]

        return Item(paint, detail.cause)

    def _error(self) -> Item:
        text = self._detail.error or ""
        look = self._look
        sign = look.glyphs.state["error"]
        return pieces_item([(f" {sign} {look.safe(text)}", look.palette.error)], text)

    def _label(self, name: str, value: str | None) -> Item:
        look = self._look
        text = look.glyphs.text(formats.UNKNOWN) if value is None else look.safe(value)
        head = f" {name} "

        def paint(width: int) -> list[Segment]:
            shown = look.shortened(text, width - cell_len(head))
            return [Segment(head, look.palette.muted), Segment(shown, look.palette.text)]

        return Item(paint, value or "")

    def _heading(self, text: str) -> Item:
        style = self._look.palette.muted + Style(bold=True)
        return pieces_item([(f" {self._look.glyphs.text(text)}", style)])

    def _blank(self) -> Item:
        return blank_item()

    def _ids(self) -> list[Item]:
        detail = self._detail
        items = [
            self._heading("ids"),
            self._label("request ", detail.request_id),
            self._label("trace   ", detail.trace_id),
            self._label("started ", formats.instant(detail.started_at_s)),
            self._label("account ", detail.account or None),
            self._label("version ", detail.version),
        ]
        if detail.recorder_us is not None:
            spent = f"{detail.recorder_us / 1000:.1f}ms of this invocation"
            items.append(self._label("recorder", spent))
        if detail.dropped:
            text = f" {formats.plural(detail.dropped, 'event')} lost by the recorder"
            items.append(pieces_item([(text, self._look.palette.warn)], text.strip()))
        return items

    def _chain_layout(self, width: int) -> tuple[int, int]:
        deepest = max((len(bar.function) + bar.depth for bar in self._detail.chain), default=0)
        room = width - _CHAIN_DURATION - 6
        name = max(_CHAIN_NAME_LEAST, min(deepest + 1, _CHAIN_NAME_CAP, room * 2 // 5))
        return name, max(0, room - name)

    def _axis(self) -> Item:
        detail, look = self._detail, self._look

        def paint(width: int) -> list[Segment]:
            name, bars = self._chain_layout(width)
            head = look.glyphs.text(f" chain {formats.short_count(detail.chain_count)} inv")
            line = look.left(head, 3 + name) + " "
            half, whole = formats.duration(detail.chain_s / 2), formats.duration(detail.chain_s)
            scale = "0".ljust(max(0, bars // 2)) + half
            if len(scale) + 1 + len(whole) > bars:
                scale = "0"[: max(0, bars - len(whole) - 1)]
            style = look.palette.muted
            return [
                Segment(line, style + Style(bold=True)),
                Segment(scale.ljust(max(0, bars - len(whole))) + whole, style),
            ]

        return Item(paint)

    def _bar(self, bar: ChainBar) -> Item:
        detail, look = self._detail, self._look
        palette, glyphs = look.palette, look.glyphs

        def paint(width: int) -> list[Segment]:
            name_width, bars = self._chain_layout(width)
            chosen = bar.node == detail.node
            indent = " " * min(bar.depth, name_width // 2)
            name = indent + look.shortened(look.safe(bar.function), name_width - 1 - len(indent))
            if bar.duration_s is None:
                took = glyphs.ellipsis if bar.state == "running" else glyphs.text(formats.UNKNOWN)
            else:
                took = formats.duration(bar.duration_s)
            failed = bar.state not in ("ok", "running", "unknown")
            return [
                Segment(" "),
                Segment(glyphs.selected if chosen else " ", palette.key),
                Segment(glyphs.state[bar.state], palette.state(bar.state)),
                Segment(" "),
                Segment(
                    look.left(name, name_width - 1) + " ",
                    palette.strong if chosen else palette.text,
                ),
                *timeline(
                    bar.spans, detail.chain_s, bars, glyphs, palette, palette.state(bar.state)
                ),
                Segment(
                    look.right(took, _CHAIN_DURATION), palette.error if failed else palette.text
                ),
            ]

        return Item(paint, bar.function, bar.node)

    def _path(self, path: PathSplit) -> Item:
        palette = self._look.palette
        took = formats.duration(path.latency_s) + ("" if path.complete else " so far")
        pieces = [(" critical path ", palette.muted), (took, palette.text)]
        for kind, seconds in path.parts:
            share = f" {seconds / path.latency_s:.0%}"
            pieces += [(f"  {kind}", palette.muted), (share, palette.text)]
        hops = formats.plural(path.hops, "hop")
        text = " ".join(f"{kind} {formats.duration(seconds)}" for kind, seconds in path.parts)
        return pieces_item(pieces, f"critical path {took}, {hops}: {text}")

    def _call(self, call: CallRow) -> Item:
        look = self._look
        palette, glyphs = look.palette, look.glyphs

        def paint(width: int) -> list[Segment]:
            sign = glyphs.state["error"] if call.error else " "
            on = look.safe(call.resource)
            started = ", ".join(look.safe(name) for name in call.triggered)
            operation = f"  {look.safe(call.operation)}"
            # Half of what is left for each of the two names, when there are two.
            room = width - _CALL_FIGURES - cell_len(operation) - 1
            kept = max(_NAME_KEPT, (room - 3) // 2 if started else room)
            pieces = [
                (f" {sign} ", palette.error),
                (look.right(formats.offset(call.offset_s), 7) + " ", palette.muted),
                (look.right(glyphs.text(formats.duration(call.duration_s)), 6), palette.text),
                (operation, palette.text),
                (
                    f"{glyphs.arrow}{look.shortened(on, kept)}"
                    if on
                    else f" {look.safe(call.service)}",
                    palette.text,
                ),
            ]
            if started:
                pieces.append((f"  {glyphs.arrow} {look.shortened(started, kept)}", palette.key))
            if call.error:
                pieces.append((f"  {look.safe(call.error)}", palette.error))
            if call.key:
                pieces.append((f" {look.safe(call.key)}", palette.muted))
            return [Segment(text, style) for text, style in pieces]

        return Item(paint, " ".join(filter(None, (call.operation, call.resource, call.key))))

    def _why(self, why: Why) -> list[Item]:
        look = self._look
        style = look.palette.warn if why.evidence == "ambiguous" else look.palette.ok
        pieces = [
            (" why ", look.palette.muted + Style(bold=True)),
            (f"{EVIDENCE_LETTERS[why.evidence]} {why.evidence}", style),
            (f"  {look.safe(why.summary)}", look.palette.text),
        ]
        items = [pieces_item(pieces, why.summary)]
        for name, at_call, at_cause in why.fields:
            value = at_call if at_call == at_cause else f"{at_call} / {at_cause}"
            items.append(self._label(f"  {look.safe(name)}", value))
        return items
