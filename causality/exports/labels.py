"""What the drawings write on nodes and edges, and how a name becomes harmless text."""

from __future__ import annotations

import hashlib
import re

from causality.views import ViewEdge, ViewNode

# Control characters, what turns the direction of writing, and what XML 1.0 cannot hold.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_ENTITY = re.compile("&(?=[#a-zA-Z0-9]*;)")
# Line feeds may stand between members; within texts JSON has none.
_UNPRINTABLE_IN_JSON = re.compile(_UNPRINTABLE.pattern.replace("\x00-\x1f", ""))
_SERVICES = {
    "dynamodb": "DynamoDB",
    "s3": "S3",
    "sns": "SNS",
    "sqs": "SQS",
    "lambda": "Lambda",
    "http": "HTTP",
}
_LONGEST = 200
# Graphviz before version 10 takes no more than 16,384 characters between quotes, and what is
# escaped once more takes two.
_LONGEST_IDENTITY = 4000


def printable(text: str) -> str:
    """Give text as one line that every reader accepts: what cannot be shown is spelled out."""
    if text.isascii() and text.isprintable():
        return text  # nearly all: ten times as quick as to look for what is not
    return _UNPRINTABLE.sub(_spelled, text)


def harmless_json(text: str) -> str:
    """Give JSON that means the same and that no terminal acts upon."""
    if text.isascii() and "\x7f" not in text:
        return text  # JSON spells out the other control characters of ASCII itself
    return _UNPRINTABLE_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def identity(text: str) -> str:
    """Give text to tell things apart by: printable, and different for different texts."""
    text = printable(text.replace("\\", "\\\\"))
    # Graphviz writes names into its SVG, and there lets stand what looks like an entity.
    text = _ENTITY.sub(r"\\x26", text) if "&" in text else text
    if len(text) <= _LONGEST_IDENTITY:
        return text
    return f"{text[:_LONGEST]}…{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def shortened(text: str) -> str:
    """Give text for a drawing: printable, and cut in its middle when it is very long."""
    text = printable(text)
    if len(text) <= _LONGEST:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}…{text[-half:]}"


def seconds(value_s: float) -> str:
    """Show a duration: "1.39 s", "98 ms", "0.4 ms"."""
    if value_s >= 0.9995:
        return f"{value_s:.2f} s"
    if value_s >= 0.00995:
        return f"{value_s * 1000:.0f} ms"
    return f"{value_s * 1000:.1f} ms"


def node_lines(node: ViewNode) -> list[str]:
    """Give the lines of a node's label."""
    error = node.error
    if node.kind == "source":
        said = [node.name, " ".join(part for part in (node.service, node.resource) if part)]
        said.append(error or "")
        return _shown(said)
    if node.kind == "invocation":
        where = f"{node.region} {node.account}"
        said, figures = [f"{node.name} {where}", node.request_id or ""], _times(node)
    else:
        service = _SERVICES.get(node.service, node.service)
        what = f"{service} {node.name}" if service != node.name else node.name
        said = [
            f"{what} {node.region} {node.account}",
            " ".join([p for p in (node.resource, node.key) if p]),
        ]
        figures = [] if node.duration_s is None else [seconds(node.duration_s)]
    counts = _counts(node)
    if counts:
        figures.append(counts)
    if not error and node.errors and node.count == 1:
        error = node.state
    return _shown(said) + figures + (_shown([error]) if error else [])


def _shown(said: list[str]) -> list[str]:
    return [shortened(line) for text in said if (line := text.strip(" "))]


def edge_text(edge: ViewEdge) -> str:
    """Give an edge's label: "?" marks a guess."""
    parts = []
    if edge.count > 1:
        parts.append(f"×{edge.count}")
    if edge.delay_s is not None:
        parts.append(seconds(max(0.0, edge.delay_s)))
    if is_guess(edge):
        parts.append(f"? one of {edge.candidates}" if edge.candidates > 1 else "?")
    return " ".join(parts)


def is_guess(edge: ViewEdge) -> bool:
    """Say whether several calls could be meant."""
    return edge.evidence == "ambiguous" or (edge.evidence is not None and edge.candidates > 1)


def _times(node: ViewNode) -> list[str]:
    lines = []
    if node.duration_s is not None:
        lines.append(seconds(node.duration_s))
    if node.init_s is not None:
        init = f"init {seconds(node.init_s)}"
        lines = [f"{lines[0]}, {init}" if lines else init]
    if node.sdk_s is not None:
        share = f" ({node.sdk_share:.0%})" if node.sdk_share is not None else ""
        lines.append(f"SDK {seconds(node.sdk_s)}{share}")
    return lines


def _counts(node: ViewNode) -> str:
    parts = []
    if node.count > 1:
        parts.append(f"×{node.count}")
        if node.errors:
            parts.append(f"{node.errors} failed")
        if node.cold:
            parts.append(f"{node.cold} cold")
    if node.attempts > node.count:
        parts.append(f"{node.attempts} attempts")
    return ", ".join(parts)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
