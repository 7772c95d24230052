"""The view with a node for every function and for every resource that calls worked on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from causality.engine import Engine
from causality.filters import Test
from causality.views.instance import instance_view
from causality.views.links import Links
from causality.views.model import View, ViewNode

# Objects of a bucket, and calls that name no resource, are nodes of their own, as the original
# drew them, until one operation has more of them than anyone can read.
FOLD_ABOVE = 32


def aggregate_view(engine: Engine, test: Test | None = None) -> View:
    """Make the view of functions and resources of a settled graph.

    Args:
        engine: the graph.
        test: keeps only chains with an invocation that fits.
    """
    return aggregate(instance_view(engine, test, name="calls"))


def aggregate(view: View) -> View:
    """Fold a view of all calls: what stands for the same function or resource becomes one."""
    folded = _folded(view.nodes)
    groups: dict[str, list[ViewNode]] = defaultdict(list)
    group_of: dict[str, str] = {}
    for node in view.nodes:
        group = _group(node, folded)
        groups[group].append(node)
        group_of[node.id] = group
    links = Links()
    for edge in view.edges:
        links.add(
            msgspec.structs.replace(
                edge, source=group_of[edge.source], target=group_of[edge.target]
            )
        )
    nodes = {group: _merged(group, members) for group, members in groups.items()}
    return View("aggregate", tuple(nodes.values()), links.in_order(nodes))


def _group(node: ViewNode, folded: set[tuple[str, ...]]) -> str:
    if node.kind == "source":
        return node.id
    if node.kind == "invocation":
        return ":".join(("function", *filter(None, [node.account]), node.region, node.name))
    what = _operation(node)
    return ":".join(("call", *what, "" if what in folded else _apart(node)))


def _operation(node: ViewNode) -> tuple[str, ...]:
    kind = "trigger" if node.triggers else "read"
    return (
        kind,
        *filter(None, [node.account]),
        node.service,
        node.name,
        node.region,
        node.resource,
    )


def _apart(node: ViewNode) -> str:
    """Give what tells a call from others of its operation and resource."""
    if not node.resource:
        return node.id
    return node.key if node.triggers and node.service == "s3" else ""


def _folded(nodes: Iterable[ViewNode]) -> set[tuple[str, ...]]:
    apart: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for node in nodes:
        if node.kind == "call" and (rest := _apart(node)):
            apart[_operation(node)].add(rest)
    return {what for what, rest in apart.items() if len(rest) > FOLD_ABOVE}


def _merged(group: str, members: list[ViewNode]) -> ViewNode:
    first = members[0]
    keys = {node.key for node in members}
    errors = sum(node.errors for node in members)
    both = [
        (node.sdk_s, node.duration_s)
        for node in members
        if node.sdk_s is not None and node.duration_s is not None
    ]
    whole_s = sum(duration_s for _, duration_s in both)
    starts = [node.started_at_s for node in members if node.started_at_s is not None]
    return msgspec.structs.replace(
        first,
        id=group,
        key=first.key if len(keys) == 1 and first.service == "s3" else "",
        request_id=None,
        state="error" if errors else first.state,
        error=next((node.error for node in members if node.error), None),
        traced=any(node.traced for node in members),
        count=len(members),
        attempts=sum(node.attempts for node in members),
        errors=errors,
        cold=sum(node.cold for node in members),
        duration_s=_mean(node.duration_s for node in members),
        init_s=_mean(node.init_s for node in members),
        sdk_s=_mean(node.sdk_s for node in members),
        sdk_share=min(1.0, sum(sdk_s for sdk_s, _ in both) / whole_s) if whole_s else None,
        started_at_s=min(starts, default=None),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
