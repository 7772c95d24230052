"""The keys of the filter's line, apart from it: the line is loaded when a filter is typed."""

from __future__ import annotations

from textual.binding import Binding, BindingType

FILTER: tuple[BindingType, ...] = (
    Binding("escape", "give_up", "take the filter off", id="filter.clear", show=False),
    Binding("up", "recall(-1)", "what was typed before", id="filter.older", show=False),
    Binding("down", "recall(1)", "what was typed after", id="filter.newer", show=False),
)
