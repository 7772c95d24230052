"""A chain turned into lines: what is folded left out, what is shown in the order of its time."""

from __future__ import annotations

from causality.graph import CallNode, CauseNode, Invocation
from causality.tree.folding import Folds
from causality.tree.hierarchy import Hierarchy
from causality.tree.lines import Line, start_order


def flattened(
    root: Invocation,
    hierarchy: Hierarchy,
    folds: Folds,
    shown: set[Invocation] | None,
    *,
    with_calls: bool,
) -> list[Line]:
    """Give the visible lines of a chain.

    Args:
        root: where it begins.
        hierarchy: what hangs below what.
        folds: what is folded away.
        shown: the only invocations that get lines; None: all.
        with_calls: whether calls that triggered nothing get lines too, where all is shown.
    """
    lines: list[Line] = []
    pending = [Line("invocation", root, None, None, True)]
    while pending:
        line = pending.pop()
        lines.append(line)
        subject = line.subject
        if line.kind != "invocation" or not isinstance(subject, Invocation):
            continue
        if folds.hides(subject.node, line.depth):
            continue
        below = _below(subject, hierarchy, shown, with_calls=with_calls)
        for index in range(len(below) - 1, -1, -1):
            kind, child, cause = below[index]
            last = index == len(below) - 1
            pending.append(Line(kind, child, cause, line, last))
    return lines


def _below(
    invocation: Invocation,
    hierarchy: Hierarchy,
    shown: set[Invocation] | None,
    *,
    with_calls: bool,
) -> list[tuple[str, Invocation | CallNode, CauseNode | None]]:
    below: list[tuple[float, str, str, Invocation | CallNode, CauseNode | None]] = []
    for child in hierarchy.children.get(invocation, ()):
        if shown is None or child in shown:
            below.append((start_order(child)[0], child.request_id, "invocation", child, None))
    for cause in hierarchy.links(invocation):
        target = cause.invocation
        if shown is None or target in shown:
            below.append((start_order(target)[0], target.request_id, "link", target, cause))
    if with_calls and shown is None:
        for call in invocation.calls.values():
            if not call.edges:
                made = call.started_at_s
                time = made if made is not None else float("inf")
                below.append((time, call.id, "call", call, None))
    below.sort(key=lambda entry: entry[:3])
    return [entry[2:] for entry in below]
