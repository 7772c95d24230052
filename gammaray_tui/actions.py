"""The one registry of what a user can do: keys, footer, palette and help are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias

from textual.binding import Binding, BindingType

from gammaray_tui import handlers, past, screen_keys, tape_handlers, tree_handlers
from widgets.answer_table import AnswerTable
from widgets.causal_tree import CausalTree
from widgets.choice_list import ChoiceList
from widgets.detail_pane import DetailPane
from widgets.filter_keys import FILTER
from widgets.latency_table import LatencyTable
from widgets.line_list import LineList
from widgets.map_view import MapView
from widgets.painted_list import PaintedList
from widgets.waterfall import WaterfallView

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp

Group: TypeAlias = Literal[
    "Move",
    "Tree",
    "Latency",
    "Invocation",
    "View",
    "Replay",
    "Act",
    "Program",
    "Map",
    "Time line",
    "Compare",
    "History",
    "Dialogs",
]
Pane: TypeAlias = Literal["tree", "latency", "detail"]
Run: TypeAlias = "Callable[[GammarayApp], Awaitable[None] | None]"

GROUPS: tuple[Group, ...] = (
    "Move", "Tree", "Latency", "Invocation", "View", "Replay", "Act", "Program", "Map",
    "Time line", "Compare", "History", "Dialogs",
)  # fmt: skip
_SIGNS = {
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "escape": "esc",
    "shift+tab": "S-tab",
    "apostrophe": "'",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
}


@dataclass(frozen=True, slots=True)
class Action:
    """Something a user can do.

    Attributes:
        id: stable; a keymap names it.
        keys: as Textual writes them.
        label: a word or two, for the footer.
        text: how the palette and the help name it.
        group: the heading under which the help lists it.
        run: does it.
        destructive: deletes or overwrites something; always asks first.
        needs_operations: acts on AWS, and so needs a session that may.
        needs_replay: a control of replays.
        widget: the pane or screen that binds the keys itself, for they mean something else
            elsewhere.
        in_palette: whether the palette offers it; moving the cursor makes no sense there.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    text: str
    group: Group
    run: Run
    destructive: bool = False
    needs_operations: bool = False
    needs_replay: bool = False
    widget: str = ""
    in_palette: bool = True

    def is_offered(self, *, can_operate: bool, replaying: bool) -> bool:
        """Say whether it makes sense in this session."""
        return (can_operate or not self.needs_operations) and (replaying or not self.needs_replay)


def key_sign(key: str) -> str:
    """Write a key as a user reads it: ctrl+d as ^d."""
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+")
    return _SIGNS.get(key, key)


def _bound_by(widget: type[LineList], target: str, group: Group) -> Iterator[Action]:
    """List what a pane binds itself, in the words of its own bindings."""
    for binding in widget.BINDINGS:
        if isinstance(binding, Binding) and binding.id is not None:
            yield Action(
                id=binding.id,
                keys=tuple(binding.key.split(",")),
                label=binding.description,
                text=binding.description,
                group=group,
                run=handlers.on_pane(target, binding.action),
                widget=target or "list",
                in_palette=bool(target),
            )


def _on_screen(
    name: str, group: Group, *bound: Sequence[BindingType], prefix: str = ""
) -> Iterator[Action]:
    """List what another screen binds, itself and the widget that it shows."""
    for binding in chain.from_iterable(bound):
        if isinstance(binding, Binding) and binding.id is not None:
            yield Action(
                id=binding.id,
                keys=tuple(binding.key.split(",")),
                label=binding.description,
                text=prefix + binding.description,
                group=group,
                run=handlers.on_screen(binding.action),
                widget=name,
                in_palette=False,
            )


ACTIONS: tuple[Action, ...] = (
    *_bound_by(LineList, "", "Move"),
    *_bound_by(CausalTree, "tree", "Tree"),
    Action(
        "fold-all", ("z",), "fold all", "fold or unfold every chain", "Tree", tree_handlers.fold_all
    ),
    Action(
        "deeper",
        ("+", "="),
        "deeper",
        "one level more of every chain",
        "Tree",
        tree_handlers.deeper,
    ),
    Action("flatter", ("-",), "flatter", "one level less", "Tree", tree_handlers.flatter),
    Action(
        "group",
        ("u",),
        "group",
        "under headings: time, app, function",
        "Tree",
        tree_handlers.next_grouping,
    ),
    Action(
        "calls", ("a",), "calls", "calls that triggered nothing", "Tree", tree_handlers.show_calls
    ),
    Action("next-error", ("]",), "next error", "next error", "Tree", tree_handlers.next_error),
    Action(
        "previous-error",
        ("[",),
        "previous error",
        "previous error",
        "Tree",
        tree_handlers.previous_error,
    ),
    Action("next-cold", ("C",), "next cold", "next cold start", "Tree", tree_handlers.next_cold),
    Action(
        "filter", ("/",), "filter", "show only chains that fit", "Tree", tree_handlers.start_filter
    ),
    Action("next-match", ("n",), "next", "next match, or error", "Tree", tree_handlers.next_match),
    Action(
        "previous-match",
        ("N",),
        "previous",
        "previous match, or error",
        "Tree",
        tree_handlers.previous_match,
    ),
    *_bound_by(LatencyTable, "latency", "Latency"),
    *_bound_by(DetailPane, "detail", "Invocation"),
    Action("why", ("w",), "why", "why this edge is drawn", "Invocation", handlers.why),
    Action("copy", ("y",), "copy", "copy the id or the line", "Invocation", handlers.copy),
    Action("pause", ("space",), "pause", "pause; collecting goes on", "View", handlers.pause),
    Action("clear", ("x",), "clear", "only chains that begin from now on", "View", handlers.clear),
    Action("next-pane", ("tab",), "pane", "next pane", "View", handlers.next_pane),
    Action(
        "previous-pane",
        ("shift+tab",),
        "pane back",
        "previous pane",
        "View",
        handlers.previous_pane,
    ),
    Action("pane-tree", ("1",), "tree", "the causal tree", "View", handlers.show_tree),
    Action("pane-latency", ("2",), "latency", "the latency table", "View", handlers.show_latency),
    Action(
        "pane-detail", ("3",), "detail", "the selected invocation", "View", handlers.show_detail
    ),
    Action("maximise", ("o",), "maximise", "this pane alone, or all", "View", handlers.maximise),
    Action("layout", ("L",), "layout", "another layout", "View", handlers.next_layout),
    Action("density", ("V",), "density", "compact or roomy", "View", handlers.next_density),
    Action("jump", ("ctrl+o",), "jump", "jump by letter", "View", handlers.jump),
    Action(
        "back",
        ("escape",),
        "back",
        "all panes, then all chains again",
        "View",
        handlers.back,
        in_palette=False,
    ),
    Action("map", ("m",), "map", "map of the functions", "View", handlers.service_map),
    Action("waterfall", ("t",), "time line", "time line of the chain", "View", handlers.waterfall),
    Action("open-chain", ("#",), "go to id", "go to a request id", "View", handlers.open_chain),
    Action("compare", ("c",), "compare", "compare two sets of chains", "View", handlers.compare),
    Action("mark", ("apostrophe",), "mark", "mark this moment", "View", handlers.mark),
    Action(
        "history", ("E",), "history", "ask an archive of what was earlier", "View", past.history
    ),
    Action("problems", ("P",), "problems", "list of problems", "View", handlers.problems),
    Action("regions", ("r",), "regions", "regions and how reading goes", "View", handlers.regions),
    Action("slower", ("<",), "slower", "slower", "Replay", tape_handlers.slower, needs_replay=True),
    Action("faster", (">",), "faster", "faster", "Replay", tape_handlers.faster, needs_replay=True),
    Action(
        "step",
        (".",),
        "step",
        "next record",
        "Replay",
        tape_handlers.step_record,
        needs_replay=True,
    ),
    Action(
        "step-page",
        (";",),
        "page",
        "next page, as it once came",
        "Replay",
        tape_handlers.step_page,
        needs_replay=True,
    ),
    Action(
        "skip-back",
        ("(",),
        "back",
        "back a twentieth",
        "Replay",
        tape_handlers.skip_back,
        needs_replay=True,
    ),
    Action(
        "skip-forward",
        (")",),
        "forward",
        "forward a twentieth",
        "Replay",
        tape_handlers.skip_forward,
        needs_replay=True,
    ),
    Action(
        "seek", ("@",), "go to", "go to a time", "Replay", tape_handlers.seek, needs_replay=True
    ),
    Action(
        "fire", ("f",), "fire", "fire an application", "Act", handlers.fire, needs_operations=True
    ),
    Action(
        "fire-again",
        ("F",),
        "again",
        "fire the same again",
        "Act",
        handlers.fire_again,
        needs_operations=True,
    ),
    Action(
        "deploy",
        ("i",),
        "deploy",
        "deploy (install) an application",
        "Act",
        handlers.deploy,
        needs_operations=True,
    ),
    Action(
        "cleanup",
        ("D",),
        "cleanup",
        "delete what was deployed",
        "Act",
        handlers.cleanup,
        destructive=True,
        needs_operations=True,
    ),
    Action(
        "instrument",
        ("I",),
        "instrument",
        "record functions that exist already",
        "Act",
        handlers.instrument,
        needs_operations=True,
    ),
    Action(
        "set-up",
        ("M",),
        "set up",
        "make record tables, role and policy",
        "Act",
        handlers.set_up,
        needs_operations=True,
    ),
    Action(
        "unfinished",
        ("U",),
        "unfinished",
        "finish or undo what was stopped",
        "Act",
        handlers.unfinished,
        needs_operations=True,
    ),
    Action("logs", ("O",), "logs", "logs of the invocation or chain", "Invocation", handlers.logs),
    Action("doctor", ("d",), "doctor", "check account, tables, functions", "Act", handlers.doctor),
    Action("export", ("e",), "export", "write the graph to a file", "Act", handlers.export),
    Action("record", ("R",), "record", "record to a file, or stop", "Act", tape_handlers.record),
    Action("profile", ("A",), "profile", "another profile or regions", "Program", handlers.profile),
    Action("theme", ("T",), "theme", "choose a theme", "Program", handlers.theme),
    Action(
        "palette",
        (":",),
        "commands",
        "commands by their words (^p, too)",
        "Program",
        handlers.palette,
        in_palette=False,
    ),
    Action("help", ("?",), "help", "keys and signs", "Program", handlers.show_help),
    Action("quit", ("q",), "quit", "leave", "Program", handlers.leave),
    *_on_screen("map", "Map", MapView.BINDINGS, screen_keys.MAP),
    *_on_screen("waterfall", "Time line", WaterfallView.BINDINGS, screen_keys.WATERFALL),
    *_on_screen("compare", "Compare", screen_keys.COMPARE),
    *_on_screen("history", "History", AnswerTable.BINDINGS, screen_keys.HISTORY),
    *chain.from_iterable(
        _on_screen(name, "Dialogs", bound, prefix=f"{name}: ")
        for name, bound in screen_keys.DIALOGS.items()
    ),
    *_on_screen("choice", "Dialogs", ChoiceList.BINDINGS, prefix="list of choices: "),
    *_on_screen("painted", "Dialogs", PaintedList.BINDINGS, prefix="list: "),
    *_on_screen("filter", "Dialogs", FILTER, prefix="filter: "),
)

BY_ID = {action.id: action for action in ACTIONS}


def key_bindings() -> list[BindingType]:
    """Give the bindings of the main screen; those that panes bind themselves are left out."""
    return [
        Binding(
            ",".join(action.keys),
            f"app.act('{action.id}')",
            action.label,
            id=action.id,
            show=False,
            tooltip=action.text,
        )
        for action in ACTIONS
        if not action.widget
    ]
