"""Reading what the original drew, and naming its nodes and ours in the same words."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple, TypeAlias

from causality.views import View, ViewNode

Words: TypeAlias = tuple[str, ...]

_NAME = r'(?:"((?:[^"\\]|\\.)*)"|(\w+))'
_STATEMENT = re.compile(
    rf"\t{_NAME}(?: -> {_NAME})?(?: \[(.*?)\])?\n(?=\t|\}})",
    re.DOTALL,
)
_SERVICES = {"DynamoDB": "dynamodb", "S3": "s3", "SNS": "sns", "Rekognition": "rekognition"}
_ID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


class Drawing(NamedTuple):
    """Nodes and edges in common words; a node that several calls have in common counts often."""

    nodes: Counter[Words]
    edges: Counter[tuple[Words, Words]]


def drawn_by_the_original(path: Path) -> Drawing:
    """Read a .gv file; a node line that comes again (with newer times) is the same node."""
    nodes: dict[str, None] = {}
    edges: dict[tuple[str, str], None] = {}
    for match in _STATEMENT.finditer(path.read_text()):
        source, target = match[1] or match[2], match[3] or match[4]
        if target is None:
            nodes[source] = None
        else:
            edges[(source, target)] = None
    caller = {target: source for source, target in edges}
    single = path.stem != "aggregate"

    def words(name: str) -> Words:
        made_by = _words(caller[name])[-1] if single and name in caller else None
        return _words(name, made_by if not name.startswith("FN=") else None)

    return Drawing(
        Counter(words(name) for name in nodes),
        Counter((words(source), words(target)) for source, target in edges),
    )


def drawn_by_us(view: View) -> Drawing:
    words = {node.id: _our_words(view, node) for node in view.nodes}
    return Drawing(
        Counter(words.values()),
        Counter((words[edge.source], words[edge.target]) for edge in view.edges),
    )


def _words(name: str, made_by: str | None = None) -> Words:
    """Take a name of the original's apart.

    What a call returned (its own request id) and an item's key attribute are left out: we name
    no node after them. Which invocation made a call is told by the edge that leads to it.
    """
    parts = name.split()
    ids = [part for part in parts if _ID.match(part)]
    parts = [part for part in parts if not _ID.match(part)]
    request = (made_by,) if made_by is not None else ()
    if parts[0] == "Clients":
        return ("Clients",)
    kind, _, operation = parts[0].partition("=")
    if kind == "FN":
        return ("function", operation, parts[1], *ids)
    if kind == "Invoke":
        return ("lambda", "Invoke", parts[1], parts[2], *request, *ids[: 1 if request else 0])
    if kind == "requests":
        return ("http", operation, "", parts[1], *request)
    service = _SERVICES[kind]
    resource = parts[2] if len(parts) > 2 else ""
    key = parts[3:4] if service == "s3" else []
    return (service, operation, parts[1], resource, *key, *request)


def _our_words(view: View, node: ViewNode) -> Words:
    request = (node.request_id,) if node.request_id is not None else ()
    if node.kind == "source":
        return (node.name,)
    if node.kind == "invocation":
        return ("function", node.name, node.region, *request)
    key = [node.key] if node.service == "s3" and node.triggers and node.key else []
    started: list[str] = []
    if node.name == "Invoke" and request:
        started = [e.target.removeprefix("invocation:") for e in view.edges if e.source == node.id]
    return (node.service, node.name, node.region, node.resource, *key, *request, *started)
