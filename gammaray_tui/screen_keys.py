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
DIALOG: tuple[BindingType, ...] = (
    Binding("escape", "cancel", "cancel, or close", id="dialog.cancel", show=False),
)
CLEANUP: tuple[BindingType, ...] = (
    Binding("a", "all", "all of ours or none", id="cleanup.all", show=False),
    Binding("b", "application", "by application", id="cleanup.application", show=False),
    Binding("r", "again", "look again", id="cleanup.again", show=False),
)
DEPLOY: tuple[BindingType, ...] = (
    Binding("r", "retry", "try again", id="deploy.retry", show=False),
)
FIRE: tuple[BindingType, ...] = (
    Binding("f", "fire", "fire", id="fire.fire", show=False),
    Binding("pageup", "before(1)", "payload before", id="fire.before", priority=True, show=False),
    Binding("pagedown", "before(-1)", "payload after", id="fire.after", priority=True, show=False),
)
LOGS: tuple[BindingType, ...] = (
    Binding("c", "chain", "whole chain", id="logs.chain", show=False),
    Binding("/", "search", "search", id="logs.search", show=False),
    Binding("s", "save", "save", id="logs.save", show=False),
    Binding("t", "tail", "tail", id="logs.tail", show=False),
)
CONFIRM: tuple[BindingType, ...] = (
    Binding("y", "agree", "yes", id="confirm.yes", show=False),
    Binding("n", "cancel", "no", id="confirm.no", show=False),
)
DOCTOR: tuple[BindingType, ...] = (
    Binding("r", "again", "check again", id="doctor.again", show=False),
)
COPY: tuple[BindingType, ...] = (
    Binding("y", "copy", "copy what it says", id="dialog.copy", show=False),
)
DIALOGS = {
    "dialog": (*DIALOG, *COPY),
    "fire": FIRE,
    "deploy": DEPLOY,
    "cleanup": CLEANUP,
    "confirm": CONFIRM,
    "logs": LOGS,
    "doctor": DOCTOR,
}
"""The keys of each dialog that has some of its own, and of all of them."""
