"""Mermaid flowchart, for README files and wikis."""

from __future__ import annotations

import re
from collections import defaultdict

from causality.exports.labels import edge_text, is_guess, node_lines
from causality.views import View, ViewEdge, ViewNode

# Everything that Mermaid, its Markdown labels or HTML could take for syntax: of what is harmless
# within a word, underlines around one, and what begins a list.
_SPECIAL = re.compile(r"[^\w .,:/=@+\-×…?()]|(?<![^\W_])_|_(?![^\W_])|^[-+](?= )|\.(?= )", re.ASCII)
_DASHES = {"content": "7 4", "order": "2 4", "ambiguous": "2 4"}


def mermaid(view: View) -> bytes:
    """Write a view as a Mermaid flowchart; names stand in labels only, as entities if need be."""
    lines = ["flowchart LR"]
    names = {node.id: f"n{number}" for number, node in enumerate(view.nodes)}
    for node in view.nodes:
        # Mermaid takes no empty label.
        text = "<br/>".join(_escaped(line) for line in node_lines(node)) or " "
        before, after = _shape(node)
        lines.append(f'  {names[node.id]}{before}"{text}"{after}:::{_class(node)}')
    styled: dict[str, list[str]] = defaultdict(list)
    for number, edge in enumerate(view.edges):
        label = edge_text(edge)
        arrow = f'-->|"{_escaped(label)}"|' if label else "-->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.target]}")
        styled[_line_style(edge)].append(str(number))
    lines += [
        "  classDef plain fill:#fff,stroke:#333,color:#000",
        "  classDef error fill:#fff,stroke:#c00,color:#c00",
        "  classDef untimed fill:#fff,stroke:#e80,color:#000",
        "  classDef reading fill:#ddd,stroke:#888,color:#000",
        "  classDef unseen fill:#fff,stroke:#888,color:#888,stroke-dasharray:4 4",
    ]
    for style, numbers in styled.items():
        if style:
            lines.append(f"  linkStyle {','.join(numbers)} {style}")
    return ("\n".join(lines) + "\n").encode()


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"#{ord(match.group())};", text)


def _shape(node: ViewNode) -> tuple[str, str]:
    if node.kind == "source":
        return "([", "])"
    if node.kind == "invocation":
        return "(", ")"
    return ("{{", "}}") if node.triggers else ("[", "]")


def _class(node: ViewNode) -> str:
    if node.kind == "source":
        return "unseen" if node.error else "plain"
    if node.errors:
        return "error"
    if not node.triggers:
        return "reading"
    return "plain" if node.traced or node.duration_s is not None else "untimed"


def _line_style(edge: ViewEdge) -> str:
    if edge.evidence is None:
        return ""
    dashes = "2 4" if is_guess(edge) else _DASHES.get(edge.evidence)
    grey = ",stroke:#888" if edge.evidence == "ambiguous" else ""
    return f"stroke-dasharray:{dashes}{grey}" if dashes else ""
