"""The keys of the screens beside the main one; those of what they show stand with its widgets.

They are in a room of their own so that the registry of actions has them without the screens,
which are imported when they are first opened.
"""

from __future__ import annotations

from textual.binding import Binding, BindingType

JUMP = Binding("ctrl+o", "app.act('jump')", id="jump", show=False)
"""Letters on what is in sight; dialogs have them, too."""

ALWAYS: tuple[BindingType, ...] = (
    Binding("q", "app.act('quit')", show=False),
    Binding("question_mark", "app.act('help')", show=False),
    Binding("ctrl+c", "app.help_quit", show=False),
    JUMP,
)
"""What leads out of every screen."""

MAP: tuple[BindingType, ...] = (
    Binding("escape,m", "leave", "back to the tree", id="map.leave", show=False),
)
WATERFALL: tuple[BindingType, ...] = (
    Binding("a", "calls", "calls", id="waterfall.calls", show=False),
    Binding("escape,t", "leave", "back to the tree", id="waterfall.leave", show=False),
)
COMPARE: tuple[BindingType, ...] = (
    Binding("r", "again", "compare again: more may have come", id="compare.again", show=False),
    Binding("escape", "leave", "back to the tree", id="compare.leave", show=False),
)
HISTORY: tuple[BindingType, ...] = (
    Binding("r", "ask", "ask, or ask again", id="history.ask", show=False),
    Binding("/", "search", "only rows with some words", id="history.search", show=False),
    Binding("e", "export", "write the answer to a file", id="history.export", show=False),
    Binding("y", "copy", "copy the value", id="history.copy", show=False),
    Binding("escape", "leave", "stop, or back to the tree", id="history.leave", show=False),
)
