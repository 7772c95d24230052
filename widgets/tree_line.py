"""One line of the causal tree, painted."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from causality.snapshot import TreeRow
from widgets import formats
from widgets.glyphs import EVIDENCE_LETTERS, STATE_WORDS
from widgets.look import Look
from widgets.timeline import timeline
from widgets.tree_columns import TreeColumns

_LATE_S = 1.0  # a trigger delay from here on is shown as a warning
_LONGEST_RUN_S = 900.0  # what AWS lets an invocation run
_NAME_KEPT = 20  # cells that a name leaves to nothing behind it
_PIECE_LEAST = 6  # of less than that of what stands behind a name, nobody recognises it
_NAME_LEAST = 8  # cells that deep indentation leaves to the name
FOLD_MARK_AT = 3  # where the fold mark of a root stands
CELLS_A_LEVEL = 2


@dataclass(frozen=True, slots=True)
class LineContext:
    """What a line looks like besides its row.

    Attributes:
        foldable: whether lines stand (or are hidden) below this one.
        elapsed_s: of a running invocation, for how long it runs; None when unknown.
        bookmarked: whether the user has put a bookmark here.
    """

    foldable: bool
    elapsed_s: float | None
    bookmarked: bool = False


def elapsed_s(row: TreeRow, now_s: float) -> float | None:
    """Say how long a running invocation has been running; None when that cannot be known."""
    if row.kind != "invocation" or row.state != "running":
        return None
    if row.duration_s is not None or row.started_at_s is None:
        return None
    elapsed = now_s - row.started_at_s
    # The clocks of the function and of this machine differ; nonsense is not shown.
    return elapsed if 0 <= elapsed <= _LONGEST_RUN_S else None


def paint_head(columns: TreeColumns, look: Look) -> list[Segment]:
    """Paint the titles of the columns."""
    titles = [
        ("  ", 2, False),
        ("  function", columns.function, False),
        ("region" if columns.full_region else "reg", columns.region, False),
        ("trigger", columns.trigger, False),
        ("+start", columns.start, True),
        ("dur", columns.duration, True),
        ("time line", columns.timeline, False),
        ("delay", columns.delay, True),
        ("cold" if columns.init_shown else "c", columns.cold, False),
        ("e", columns.evidence, False),
    ]
    style = look.palette.muted + Style(bold=True)
    fit = {True: look.right, False: look.left}
    cells = [fit[flush_right](title, width) for title, width, flush_right in titles if width]
    return [Segment(" ".join(cells), style)]


def paint_row(
    row: TreeRow, context: LineContext, columns: TreeColumns, look: Look
) -> list[Segment]:
    """Paint a row of the tree, the cells of its columns side by side."""
    palette = look.palette
    gap = Segment(" ")
    quiet = palette.muted if row.matched else palette.faint
    state, state_style = _state(row, look)
    mark = Segment(look.glyphs.bookmark, palette.key) if context.bookmarked else gap
    line = [Segment(" "), Segment(state, state_style), mark]
    line += _function(row, context, columns, look)
    is_call = row.kind != "invocation"
    if columns.region:
        region = row.region if columns.full_region else formats.short_region(row.region)
        style = look.region_style(row.region) if row.matched and not is_call else quiet
        line += [gap, Segment(look.left(look.safe(region), columns.region), style)]
    if columns.trigger:
        trigger = "" if row.kind == "link" else look.safe(row.trigger)
        line += [gap, Segment(look.name(trigger, columns.trigger), quiet)]
    if columns.start:
        is_root = row.depth == 0
        start = formats.clock(row.started_at_s) if is_root else formats.offset(row.offset_s)
        if row.kind == "offer" and row.started_at_s is not None:
            start = formats.hour_and_minute(row.started_at_s)
        style = palette.text if is_root and row.matched else quiet
        line += [gap, Segment(look.right(look.glyphs.text(start), columns.start), style)]
    line += [gap, _duration(row, context, columns.duration, look)]
    if columns.timeline:
        run = palette.muted if is_call else palette.state(row.state)
        if row.state == "error":
            run = palette.error
        line.append(gap)
        line += timeline(row.spans, row.chain_s, columns.timeline, look.glyphs, palette, run)
    if columns.delay:
        delay = "" if row.delay_s is None else formats.delay(row.delay_s)
        late = row.delay_s is not None and row.delay_s >= _LATE_S
        style = palette.warn if late else quiet
        line += [gap, Segment(look.right(delay, columns.delay), style)]
    if columns.cold:
        line += [gap, Segment(_cold(row, columns, look), palette.running)]
    if columns.evidence:
        line += [gap, _evidence(row, columns.evidence, look)]
    return line


def paint_note(row: TreeRow, width: int, look: Look) -> list[Segment]:
    """Paint a line that is mere text."""
    return [Segment(look.cut(f"   {look.safe(row.function)}", width), look.palette.muted)]


def paint_heading(row: TreeRow, width: int, look: Look) -> list[Segment]:
    """Paint the heading of a group: what its chains have in common, and what is in them."""
    palette, glyphs = look.palette, look.glyphs
    at_s = row.started_at_s
    chains = formats.plural(row.children, "chain")
    counts = f"  {chains} {glyphs.separator} {formats.count(row.invocations)} inv"
    pieces = [
        (f" {glyphs.folded if row.folded else glyphs.unfolded} ", palette.key),
        (look.safe(row.function) if at_s is None else formats.minute(at_s), palette.strong),
        (f" {look.safe(row.region)}" if row.region else "", look.region_style(row.region)),
        (counts if row.children else "", palette.muted),
    ]
    if row.hidden_errors:
        pieces.append((f"  {row.hidden_errors}{glyphs.state['error']}", palette.error))
    if row.hidden_running:
        pieces.append((f"  {row.hidden_running}{glyphs.state['running']}", palette.running))
    left = width - sum(cell_len(text) for text, _ in pieces) - 1
    pieces.append((f" {glyphs.rule * max(0, left)}", palette.rail))
    return [Segment(text, style) for text, style in pieces if text]


def _state(row: TreeRow, look: Look) -> tuple[str, Style]:
    glyphs, palette = look.glyphs, look.palette
    if row.kind == "call":
        if row.state == "error":
            return glyphs.state["error"], palette.error
        return " ", palette.faint
    if row.kind == "link":
        return glyphs.state[row.state], palette.muted
    if row.kind == "offer" and row.state == "unknown":
        return " ", palette.faint  # it is over, and nothing tells how it went
    state = row.state
    if row.folded and row.hidden_errors:
        state = "error"
    elif row.folded and row.hidden_running and state == "ok":
        state = "running"
    style = palette.error_badge if state not in ("ok", "running", "unknown") else None
    return glyphs.state[state], style or palette.state(state)


def _function(
    row: TreeRow, context: LineContext, columns: TreeColumns, look: Look
) -> list[Segment]:
    palette, width = look.palette, columns.function
    rail = _rail(row, context, look)
    fold = ""
    if row.kind == "invocation" and context.foldable:
        fold = look.glyphs.folded if row.folded else look.glyphs.unfolded
    elif row.depth == 0:
        fold = " "
    elif row.evidence == "ambiguous" or row.kind == "link":
        fold = look.glyphs.evidence_rail["order"]
    elif row.kind == "call":
        fold = look.glyphs.leader
    else:
        fold = rail[-1]
    room = max(0, width - _NAME_LEAST - 2)
    if len(rail) > room:
        rail = look.glyphs.ellipsis[:1] + rail[len(rail) - room + 1 :]
    used = len(rail) + 2
    fold_style = palette.key if context.foldable else palette.rail
    segments = [Segment(rail, palette.rail), Segment(fold, fold_style), Segment(" ")]
    name, *others = _name(row, columns, look)
    room = width - used
    told = sum(cell_len(text) for text, _ in others)
    name = (look.shortened(name[0], min(room, max(_NAME_KEPT, room - told))), name[1])
    for text, style in (name, *others):
        room = width - used
        if room < min(cell_len(text), _PIECE_LEAST):
            break
        piece = look.shortened(text, room)
        segments.append(Segment(piece, style))
        used += cell_len(piece)
    segments.append(Segment(" " * max(0, width - used)))
    return segments


def _rail(row: TreeRow, context: LineContext, look: Look) -> str:
    if row.depth == 0:
        return ""
    glyphs = look.glyphs
    guides = "".join((glyphs.pass_on if goes_on else " ") + " " for goes_on in row.guides)
    corner = glyphs.last_branch if row.last else glyphs.branch
    return guides + corner + glyphs.evidence_rail[row.evidence or "exact"]


def _name(row: TreeRow, columns: TreeColumns, look: Look) -> list[tuple[str, Style]]:
    palette = look.palette
    if row.kind == "call":
        failed = row.state == "error"
        style = palette.error if failed else palette.muted if row.matched else palette.faint
        pieces = [(look.safe(row.function), style)]
        if not columns.trigger:  # no column of its own for what the call worked on
            pieces.append((f" {look.safe(row.trigger)}", palette.faint))
        return pieces
    name = look.safe(row.function)
    if row.kind == "offer":
        pieces = [(name, palette.text if row.matched else palette.faint)]
        if not columns.trigger:
            pieces.append((f" {look.safe(row.trigger)}", palette.muted))
        return pieces
    if row.kind == "link":
        return [
            (f"{look.glyphs.arrow} {name}", palette.muted),
            (" see its own line", palette.faint),
        ]
    failed = row.state not in ("ok", "running", "unknown")
    if not row.matched:
        style = palette.faint
    elif failed:
        style = palette.error
    else:
        style = palette.strong if row.depth == 0 else palette.text
    pieces = [(name, style)]
    if row.state not in ("ok", "running"):
        word = STATE_WORDS[row.state]
        pieces.append((f" {word}", palette.state(row.state)))
    if row.attempts > 1:
        pieces.append((f" try {row.attempt}/{row.attempts}", palette.warn))
    if row.causes > 1:
        pieces.append((f" {row.causes} causes", palette.muted))
    if row.folded:
        pieces += _hidden(row, look)
    return pieces


def _hidden(row: TreeRow, look: Look) -> list[tuple[str, Style]]:
    palette, state = look.palette, look.glyphs.state
    pieces = [(f" +{row.children}", palette.muted)] if row.children else []
    if row.hidden_errors:
        pieces.append((f" {row.hidden_errors}{state['error']}", palette.error))
    if row.hidden_running:
        pieces.append((f" {row.hidden_running}{state['running']}", palette.running))
    return pieces


def _duration(row: TreeRow, context: LineContext, width: int, look: Look) -> Segment:
    palette = look.palette
    if row.kind == "offer":
        return Segment(" " * width)
    if row.duration_s is not None:
        text = formats.duration(row.duration_s)
        failed = row.state not in ("ok", "running", "unknown")
        style = palette.error if failed and row.kind == "invocation" else palette.text
        if row.kind != "invocation" or not row.matched:
            style = palette.muted
    elif row.state == "running" and row.kind == "invocation":
        style = palette.running
        running_s = context.elapsed_s
        text = look.glyphs.ellipsis if running_s is None else formats.duration(running_s)
    else:
        text, style = look.glyphs.text(formats.UNKNOWN), palette.muted
    return Segment(look.right(text, width), style)


def _cold(row: TreeRow, columns: TreeColumns, look: Look) -> str:
    if not row.cold:
        return " " * columns.cold
    text = look.glyphs.cold
    if columns.init_shown and row.init_s is not None:
        text += formats.duration(row.init_s)
    return look.left(text, columns.cold)


def _evidence(row: TreeRow, width: int, look: Look) -> Segment:
    palette = look.palette
    if row.evidence is None or row.kind == "call":
        return Segment(" " * width)
    letter = EVIDENCE_LETTERS[row.evidence]
    if row.evidence == "ambiguous":
        many = str(row.candidates) if width > 1 and 1 < row.candidates <= 9 else ""
        return Segment(look.left(letter + many, width), palette.warn)
    style = palette.ok if row.evidence == "exact" else palette.muted
    return Segment(look.left(letter, width), style)
