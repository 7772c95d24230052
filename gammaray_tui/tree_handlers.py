"""What the actions of the tree do; each gets the application."""

from __future__ import annotations

import functools
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from causality.tree.grouping import GROUPINGS

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp


def fold_all(app: GammarayApp) -> None:
    """Fold every chain; when that was done last, unfold them."""
    main = app.main
    main.all_folded = not main.all_folded
    main.causal_tree.hold_at_root()
    app.model.set_folded(main.all_folded)
    main.levels = 1 if main.all_folded else None
    app.refresh_views()


def _step_levels(app: GammarayApp, step: int) -> None:
    app.main.causal_tree.hold_at_root()
    app.main.levels = app.model.step_levels(step)
    app.main.all_folded = app.main.levels == 1
    app.refresh_views()


deeper = functools.partial(_step_levels, step=1)
flatter = functools.partial(_step_levels, step=-1)


def next_grouping(app: GammarayApp) -> None:
    """Put the chains under other headings; after the last kind, one after the other again."""
    main = app.main
    main.grouping = GROUPINGS[(GROUPINGS.index(main.grouping) + 1) % len(GROUPINGS)]
    app.model.set_grouping(main.grouping)
    app.refresh_views()


def show_calls(app: GammarayApp) -> None:
    """Show or hide the calls that triggered nothing."""
    app.calls_shown = not app.calls_shown
    app.model.set_calls_shown(app.calls_shown)
    app.refresh_views()


def _find(app: GammarayApp, what: str, step: int) -> None:
    tree = app.main.causal_tree
    current = tree.current
    node = app.model.find(current.node if current is not None else None, what, step)
    if node is None:
        where = "further down" if step > 0 else "further up"
        app.notify(f"no {app.look.safe(what)} {where}", timeout=2, markup=False)
        return
    app.refresh_views()  # finding may have unfolded what hid it
    if not tree.go_to(node):
        app.model.select(node)
        app.refresh_views()
        app.notify("it is folded away; the selection shows it", timeout=3)


next_error = functools.partial(_find, what="error", step=1)
previous_error = functools.partial(_find, what="error", step=-1)
next_cold = functools.partial(_find, what="cold", step=1)


def _find_match(app: GammarayApp, step: int) -> None:
    _find(app, app.main.filter_text or "error", step)


next_match = functools.partial(_find_match, step=1)
previous_match = functools.partial(_find_match, step=-1)


def start_filter(app: GammarayApp) -> Awaitable[None]:
    """Let the user type a filter."""
    return app.main.start_filter()
