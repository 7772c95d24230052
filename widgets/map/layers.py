"""A directed graph in layers, left to right (Sugiyama's way: rank, order, place).

Everything is deterministic, so that the same graph looks the same each time. An edge that would
lead back is cut: its source gets a stub that names the target, which reads better in a terminal
than a line around half of the picture.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

Node: TypeAlias = Hashable

BOX_ROWS = 3
_SWEEPS = 8
_PLACINGS = 4


@dataclass(frozen=True, slots=True)
class Stub:
    """The end of an edge that leads back to a node further left, or to itself."""

    source: Node
    target: Node


@dataclass(frozen=True, slots=True)
class Bend:
    """A place in a layer through which the lines of one node pass on to later layers."""

    source: Node
    layer: int


@dataclass(slots=True)
class Layers:
    """Where everything stands.

    Attributes:
        layers: nodes, stubs and bends by layer, from top to bottom.
        port: the row in which the lines of each of them arrive and leave.
        links: what each of them leads to in the next layer.
    """

    layers: list[list[Node]]
    port: dict[Node, int] = field(default_factory=dict)
    links: dict[Node, list[Node]] = field(default_factory=dict)

    def height(self) -> int:
        """Give the number of rows needed."""
        return max((row + rows_below(node) for node, row in self.port.items()), default=0)


def rows_above(node: Node) -> int:
    """Give the rows that a node takes above its port."""
    return 0 if isinstance(node, Stub | Bend) else 1


def rows_below(node: Node) -> int:
    """Give the rows that a node takes from its port on."""
    return 1 if isinstance(node, Stub | Bend) else BOX_ROWS - 1


def layered(nodes: Sequence[Node], edges: Iterable[tuple[Node, Node]]) -> Layers:
    """Lay a graph out.

    Args:
        nodes: in a stable order, which decides wherever nothing else does.
        edges: pairs of nodes; repetitions count once.
    """
    targets = _without_cycles(nodes, edges)
    ranks = _ranks(targets)
    links = _links(targets, ranks)
    layers = _ordered(targets, ranks, links)
    result = Layers(layers, links=links)
    _place(result)
    return result


def _without_cycles(
    nodes: Sequence[Node], edges: Iterable[tuple[Node, Node]]
) -> dict[Node, list[Node]]:
    """Give each node's targets, with a stub in the place of each that leads back."""
    followers: dict[Node, dict[Node, None]] = {node: {} for node in nodes}
    entered: set[Node] = set()
    for source, target in edges:
        followers[source][target] = None
        entered.add(target)
    targets: dict[Node, list[Node]] = {node: [] for node in nodes}
    done: set[Node] = set()
    # Roots first: starting inside a cycle would cut it at some arbitrary place.
    for start in sorted(nodes, key=lambda node: node in entered):
        if start in done:
            continue
        path = {start}
        stack = [(start, iter(followers[start]))]
        while stack:
            node, rest = stack[-1]
            target = next(rest, None)
            if target is None:
                stack.pop()
                path.discard(node)
                done.add(node)
            elif target in path:
                stub = Stub(node, target)
                targets[node].append(stub)
                targets[stub] = []
            else:
                targets[node].append(target)
                if target not in done:
                    path.add(target)
                    stack.append((target, iter(followers[target])))
    return targets


def _ranks(targets: Mapping[Node, Sequence[Node]]) -> dict[Node, int]:
    """Give each node the layer after its last parent; roots stand right before their children."""
    waiting = dict.fromkeys(targets, 0)
    for followers in targets.values():
        for target in followers:
            waiting[target] += 1
    roots = [node for node, count in waiting.items() if not count]
    ready = list(roots)
    ranks = dict.fromkeys(ready, 0)
    for node in ready:
        for target in targets[node]:
            ranks[target] = max(ranks.get(target, 0), ranks[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for root in roots:
        if targets[root]:
            ranks[root] = min(ranks[target] for target in targets[root]) - 1
    return ranks


def _links(
    targets: Mapping[Node, Sequence[Node]], ranks: dict[Node, int]
) -> dict[Node, list[Node]]:
    """Lead edges over several layers through bends; all edges of a node share theirs."""
    links: dict[Node, list[Node]] = {}
    for source, followers in targets.items():
        first = ranks[source]
        here: Node = source
        last = max((ranks[target] for target in followers), default=first)
        for layer in range(first + 1, last + 1):
            found = [target for target in followers if ranks[target] == layer]
            links[here] = found
            if layer < last:
                bend = Bend(source, layer)
                ranks[bend] = layer
                found.append(bend)
                here = bend
    return links


def _ordered(
    targets: Mapping[Node, Sequence[Node]],
    ranks: Mapping[Node, int],
    links: Mapping[Node, Sequence[Node]],
) -> list[list[Node]]:
    """Order the layers so that few lines cross: barycentre sweeps, the best of all kept."""
    layers: list[list[Node]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    seen: set[Node] = set()

    def walk(start: Node) -> None:
        stack = [start]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            layers[ranks[node]].append(node)
            stack.extend(reversed(links.get(node, ())))

    for node in sorted(targets, key=lambda node: ranks[node]):
        walk(node)
    parents = _reversed(links)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, links)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        forward = sweep % 2 == 0
        near = parents if forward else links
        order = range(1, len(layers)) if forward else range(len(layers) - 2, -1, -1)
        for index in order:
            _by_barycentre(layers[index], layers[index - 1 if forward else index + 1], near)
        crossings = _crossings(layers, links)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _by_barycentre(
    layer: list[Node], fixed: Sequence[Node], near: Mapping[Node, Sequence[Node]]
) -> None:
    position = {node: index for index, node in enumerate(fixed)}
    own = {node: index * len(fixed) / max(1, len(layer)) for index, node in enumerate(layer)}

    def centre(node: Node) -> float:
        found = [position[other] for other in near.get(node, ())]
        return sum(found) / len(found) if found else own[node]

    layer.sort(key=centre)


def _crossings(layers: Sequence[Sequence[Node]], links: Mapping[Node, Sequence[Node]]) -> int:
    count = 0
    for left, right in pairwise(layers):
        position = {node: index for index, node in enumerate(right)}
        ends = [[position[target] for target in links.get(node, ())] for node in left]
        for index, mine in enumerate(ends):
            for others in ends[index + 1 :]:
                count += sum(a > b for a in mine for b in others)
    return count


def _reversed(links: Mapping[Node, Sequence[Node]]) -> dict[Node, list[Node]]:
    parents: dict[Node, list[Node]] = {}
    for source, found in links.items():
        for target in found:
            parents.setdefault(target, []).append(source)
    return parents


# --- rows -----------------------------------------------------------------------------------


def _place(result: Layers) -> None:
    """Choose rows: near to parents and children, in order, and without overlaps."""
    parents = _reversed(result.links)
    at: dict[Node, float] = {}
    for layer in result.layers:
        row = 0.0
        for node in layer:
            at[node] = row + rows_above(node)
            row += rows_above(node) + rows_below(node)
    for turn in range(2 * _PLACINGS):
        forward = turn % 2 == 0
        near = parents if forward else result.links
        for layer in result.layers if forward else reversed(result.layers):
            wanted = [
                _mean([at[other] for other in near.get(node, ())], at[node]) for node in layer
            ]
            for node, row in zip(layer, _apart(layer, wanted), strict=True):
                at[node] = row
    for layer in result.layers:
        below = 0
        for node in layer:
            port = max(round(at[node]), below + rows_above(node))
            result.port[node] = port
            below = port + rows_below(node)
    for left, right in pairwise(result.layers):
        _keep_apart(result, left, right, parents)
    top = min((port - rows_above(node) for node, port in result.port.items()), default=0)
    for node in result.port:
        result.port[node] -= top


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _apart(layer: Sequence[Node], wanted: Sequence[float]) -> list[float]:
    """Give the rows nearest to those wanted (least squares) that leave room for each node."""
    offsets = [0.0]
    for above, below in pairwise(layer):
        offsets.append(offsets[-1] + rows_below(above) + rows_above(below))
    # Without the room that each needs, rows must only not decrease: pool adjacent violators.
    pools: list[tuple[float, int]] = []
    for row, offset in zip(wanted, offsets, strict=True):
        total, size = row - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / size:
            before = pools.pop()
            total, size = total + before[0], size + before[1]
        pools.append((total, size))
    levels = [total / size for total, size in pools for _ in range(size)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]


def _keep_apart(
    result: Layers, left: Sequence[Node], right: Sequence[Node], parents: Mapping[Node, list[Node]]
) -> None:
    """Move nodes down where a line that arrives would lie on one that leaves another node.

    On the last stretch to a node that both lead to, lines may lie on each other: the one that
    leaves in that row turns first then. Two nodes cannot both turn before the other.
    """
    leaving = {result.port[node]: node for node in left if result.links.get(node)}
    turns_before: dict[Node, set[Node]] = {}
    below = min((result.port[node] - rows_above(node) for node in right), default=0)
    for node in right:
        port = max(result.port[node], below + rows_above(node))
        arriving = parents.get(node, [])
        while arriving and port in leaving:
            first = leaving[port]
            others = [parent for parent in arriving if parent != first]
            if first in arriving and not any(
                _turns_before(turns_before, other, first) for other in others
            ):
                turns_before.setdefault(first, set()).update(others)
                break
            port += 1
        result.port[node] = port
        below = port + rows_below(node)


def _turns_before(turns_before: Mapping[Node, set[Node]], first: Node, last: Node) -> bool:
    """Say whether one node has to turn before another, or before one that has to, and so on."""
    later = turns_before.get(first, set())
    return last in later or any(_turns_before(turns_before, node, last) for node in later)
