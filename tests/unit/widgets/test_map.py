"""The service map's drawing, on graphs of any shape."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from widgets.map.layers import Bend, Layers, Node, Stub, layered
from widgets.map.routes import EAST, NORTH, SOUTH, WEST, Drawing, Frame, route

_GRAPHS = st.integers(1, 14).flatmap(
    lambda count: st.tuples(
        st.just([f"n{number}" for number in range(count)]),
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=24).map(
            lambda pairs: [(f"n{source}", f"n{target}") for source, target in pairs]
        ),
    )
)
_STEPS = {NORTH: (-1, 0), EAST: (0, 1), SOUTH: (1, 0), WEST: (0, -1)}
_OPPOSITE = {NORTH: SOUTH, SOUTH: NORTH, EAST: WEST, WEST: EAST}


def _drawn(nodes: list[str], edges: list[tuple[str, str]]) -> tuple[Layers, Drawing]:
    layers = layered(nodes, edges)
    widths: dict[Node, int] = {
        node: 4 if isinstance(node, Stub) else 12
        for layer in layers.layers
        for node in layer
        if not isinstance(node, Bend)
    }
    return layers, route(layers, widths, {pair: "label" for pair in edges})


@given(_GRAPHS)
def test_frames_and_lines_keep_apart(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    nodes, edges = graph
    _, drawing = _drawn(nodes, edges)
    taken: dict[tuple[int, int], Node] = {}
    for node, frame in drawing.frames.items():
        for cell in _cells(frame):
            assert cell not in taken
            taken[cell] = node
    assert {node for node in drawing.frames if not isinstance(node, Stub)} == set(nodes)
    assert not taken.keys() & drawing.strokes.keys()
    for row, column in [*taken, *drawing.strokes, *drawing.arrows]:
        assert 0 <= row < drawing.height
        assert 0 <= column < drawing.width


# Neither of two nodes that lead to the same two can turn before the other.
@example((["a", "b", "c", "d"], [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]))
@given(_GRAPHS)
def test_following_the_lines_from_a_frame_leads_to_its_targets_and_nowhere_else(
    graph: tuple[list[str], list[tuple[str, str]]],
) -> None:
    nodes, edges = graph
    _, drawing = _drawn(nodes, edges)
    at_arrow = {
        (row, column): node
        for row, column in drawing.arrows
        for node, frame in drawing.frames.items()
        if frame.x == column + 1 and frame.y <= row < frame.y + frame.height
    }
    assert len(at_arrow) == len(drawing.arrows)
    for node in nodes:
        expected = {target for source, target in edges if source == node}
        reached = {
            end.target if isinstance(end, Stub) else end
            for end in _followed(drawing, drawing.frames[node], at_arrow)
        }
        assert reached == expected


@given(_GRAPHS)
def test_a_line_that_leads_back_ends_in_a_stub(
    graph: tuple[list[str], list[tuple[str, str]]],
) -> None:
    nodes, edges = graph
    layers, _ = _drawn(nodes, edges)
    rank = {node: index for index, layer in enumerate(layers.layers) for node in layer}
    stubs = {(node.source, node.target) for node in rank if isinstance(node, Stub)}
    for source, target in edges:
        assert (source, target) in stubs or rank[source] < rank[target]
    assert stubs <= set(edges)


@given(_GRAPHS)
def test_a_label_stands_on_the_last_stretch_of_its_own_line(
    graph: tuple[list[str], list[tuple[str, str]]],
) -> None:
    nodes, edges = graph
    layers, drawing = _drawn(nodes, edges)
    for label in drawing.labels:
        assert (label.source, label.target) in edges
        assert label.y == layers.port[label.target]
        for column in range(label.x, label.x + len(label.text)):
            assert drawing.owners[label.y, column] == label.source


def test_a_chain_is_drawn_in_one_straight_line() -> None:
    layers, _ = _drawn(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("c", "d")])
    assert len({layers.port[node] for node in "abcd"}) == 1
    assert [list(layer) for layer in layers.layers] == [["a"], ["b"], ["c"], ["d"]]


def test_roots_stand_right_before_what_they_start() -> None:
    layers, _ = _drawn(["a", "b", "c", "late"], [("a", "b"), ("b", "c"), ("late", "c")])
    assert layers.layers[1] == ["b", "late"]


def _cells(frame: Frame) -> list[tuple[int, int]]:
    return [
        (frame.y + down, frame.x + across)
        for down in range(frame.height)
        for across in range(frame.width)
    ]


def _followed(drawing: Drawing, frame: Frame, at_arrow: dict[tuple[int, int], Node]) -> set[Node]:
    """Follow lines as the eye does: on from where they leave, beneath what crosses them.

    Lines of several nodes join on the last stretch to a common target, pointing right: whoever
    follows one of them never turns off against the arrows.
    """
    found: set[Node] = set()
    seen: set[tuple[int, int, int]] = set()
    column = frame.x + frame.width
    todo = [
        (row, column, EAST)
        for row in range(frame.y, frame.y + frame.height)
        if drawing.strokes.get((row, column), 0) & WEST
    ]
    while todo:
        row, column, heading = todo.pop()
        if (row, column, heading) in seen:
            continue
        seen.add((row, column, heading))
        if (row, column) in at_arrow:
            found.add(at_arrow[row, column])
            continue
        mask = drawing.strokes[row, column]
        if mask & _OPPOSITE[heading]:
            joins = heading == EAST and mask & EAST and mask & (NORTH | SOUTH)
            merge = joins and drawing.owners.get((row, column - 1)) != drawing.owners[row, column]
            ways = [EAST] if merge else [way for way in _STEPS if mask & way]
            ways = [way for way in ways if way not in (WEST, _OPPOSITE[heading])]
        else:
            ways = [heading]  # it passes beneath another line
        for way in ways:
            down, across = _STEPS[way]
            todo.append((row + down, column + across, way))
    return found
