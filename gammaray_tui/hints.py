"""The keys that matter now, for the footer and for the screen that has nothing to show yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from causality.snapshot import Header, Snapshot
from gammaray_tui.actions import BY_ID, Pane, key_sign
from gammaray_tui.keymap import Keymap
from widgets import formats
from widgets.key_bar import KeyHint

_FOOTERS: dict[Pane, tuple[str, ...]] = {
    "tree": (
        "pause", "tree.follow", "tree.left", "fire", "filter", "help", "quit", "next-match",
        "next-pane", "waterfall", "map", "compare", "why", "export", "tree.open", "fold-all",
        "group", "calls", "copy", "problems", "maximise", "deploy", "cleanup",
    ),
    "latency": (
        "pause", "latency.sort", "latency.window", "latency.view", "latency.filter", "help",
        "quit", "latency.heat", "latency.reverse", "next-pane", "maximise", "copy", "fire",
        "export",
    ),
    "detail": (
        "pause", "detail.go", "why", "copy", "next-pane", "help", "quit", "maximise", "fire",
        "export",
    ),
}  # fmt: skip
_EMPTY_FOOTER = ("fire", "deploy", "regions", "problems", "cleanup", "theme", "help", "quit")
_REPLAY_FOOTER = ("pause", "slower", "faster", "seek", "help", "quit", "step")
# In a footer a shorter word does, and of several keys those that one remembers.
_WORDS = {
    "tree.follow": "follow",
    "tree.left": "fold",
    "tree.open": "open",
    "latency.sort": "sort",
    "latency.reverse": "reverse",
    "latency.view": "edges",
    "latency.window": "window",
    "latency.heat": "heat map",
    "latency.filter": "filter",
    "detail.go": "go to",
}
_KEYS = {"tree.follow": "G", "tree.left": "h l", "latency.filter": "enter", "detail.go": "enter"}


def empty_hints(
    header: Header,
    keymap: Keymap,
    *,
    can_operate: bool,
    can_look: bool = False,
    can_switch: bool = False,
) -> list[tuple[str, str]]:
    """Choose the keys that help while nothing can be shown, each with what it does.

    Args:
        header: how reading goes.
        keymap: the keys.
        can_operate: whether acts on AWS are possible.
        can_look: whether AWS can at least be looked at.
        can_switch: whether there are other profiles and regions to go over to.
    """
    phases = {state.phase for state in header.regions}
    missing = any(state.kind == "table-missing" for state in header.regions)
    unreadable = any(
        state.phase == "down" and state.kind != "table-missing" for state in header.regions
    )
    wanted = []
    if header.problems:
        wanted.append(("problems", f"to see {formats.plural(header.problems, 'problem')}"))
    if can_operate and missing:
        wanted += [
            ("deploy", "to deploy an application, record table and all"),
            ("set-up", "to make the record table where there is none"),
        ]
    if can_operate and (phases & {"live", "connecting"} or not header.regions):
        wanted.append(("fire", "to fire an application"))
        if not missing:
            wanted.append(("deploy", "to deploy one first"))
        wanted.append(("instrument", "to record functions that exist already"))
    if can_look and header.regions:
        wanted.append(("doctor", "to check account, tables and functions"))
    if can_switch and (unreadable or phases == {"down"}):
        wanted.append(("profile", "to go over to another profile or other regions"))
    return [(keymap.shown(BY_ID[action_id]), text) for action_id, text in wanted]


class Emptiness(NamedTuple):
    """Why nothing is shown, and the keys that change that, each with what it does."""

    title: str
    hints: list[tuple[str, str]]


def chosen_away(snapshot: Snapshot, keymap: Keymap, filter_text: str) -> Emptiness | None:
    """Say by which choice of the user nothing of what there is can be seen; None: by none."""
    back = keymap.shown(BY_ID["back"])
    if filter_text:
        change = keymap.shown(BY_ID["filter"])
        hints = [(back, "to take the filter off"), (change, "to change it")]
        return Emptiness("Nothing fits the filter", hints)
    if snapshot.after_s is not None:
        since = formats.clock(snapshot.after_s)
        return Emptiness(
            f"No chain has begun since {since} UTC", [(back, "to show all chains again")]
        )
    return None


def in_trouble(header: Header) -> bool:
    """Say whether a region cannot be read now."""
    return any(state.phase in ("retrying", "down") for state in header.regions)


def screen_hints(keymap: Keymap, *wanted: tuple[str, str]) -> Sequence[KeyHint]:
    """Give the hints of a screen beside the main one.

    Args:
        keymap: the keys.
        wanted: ids of actions with a blank between them, and what they do together; a click
            does the first.
    """
    hints = []
    for ids, label in wanted:
        actions = [BY_ID[action_id] for action_id in ids.split()]
        keys = [key_sign(keys[0]) for action in actions if (keys := keymap.keys(action))]
        hints.append(KeyHint(" ".join(keys), label, f"app.act('{actions[0].id}')"))
    return hints


def footer_hints(
    pane: Pane,
    keymap: Keymap,
    *,
    can_operate: bool,
    paused: bool,
    empty: bool,
    filtered: bool,
    troubled: bool = False,
    replaying: bool = False,
    ended: bool = False,
    past: bool = False,
) -> Sequence[KeyHint]:
    """Choose the keys that matter now, the most important first."""
    hints = []
    wanted = _EMPTY_FOOTER if empty else _FOOTERS[pane]
    if replaying:
        wanted = tuple(dict.fromkeys((*_REPLAY_FOOTER, *wanted)))
    if troubled:  # what is wrong with a region is told there, and what to do
        wanted = tuple(dict.fromkeys(("regions", *wanted)))
    if past:
        wanted = ("back", *(action_id for action_id in wanted if action_id != "pause"))
    for action_id in wanted:
        action = BY_ID[action_id]
        if not action.is_offered(can_operate=can_operate, replaying=replaying):
            continue
        label = _WORDS.get(action_id, action.label)
        key = keymap.shown(action)
        if action_id in _KEYS and action_id not in keymap.changes:
            key = _KEYS[action_id]
        if action_id == "back":
            label = "back to history"
        elif action_id == "pause" and ended:
            label = "play again"
        elif action_id == "pause" and paused:
            label = "resume"
        elif action_id == "next-match":
            label = "next match" if filtered else "next ✗"
        hints.append(KeyHint(key, label, f"app.act('{action_id}')"))
    return hints
