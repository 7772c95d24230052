"""The answer to "why this edge": what matched, how well that proves it, and who lost."""

from __future__ import annotations

from causality.facts import Cause
from causality.graph import CallNode, Edge, OutputNode
from causality.keys import display_key
from causality.matching import Matcher
from causality.snapshot import Why

_MAX_RIVALS = 8
_SUMMARY = {
    "exact": "AWS issued this id once and showed it to both sides.",
    "content": "What the call wrote equals what the invocation received.",
    "order": "Same resource and key; no other call fits the order in time.",
}
_CALLER = "The caller put its own request id into the payload."


def explain(matcher: Matcher, edge: Edge) -> Why:
    """Explain an edge, certain or ambiguous."""
    cause = edge.cause.fact
    calls = edge.candidates
    if edge.evidence == "ambiguous":
        summary = f"{len(calls)} calls could be meant; nothing recorded tells them apart."
        if len(calls) == 1:
            summary = "One call could be meant, but more records came than it can explain."
    elif cause.caller is not None:
        summary = _CALLER
        if len(calls) > 1:
            summary += f" Which of its {len(calls)} Invoke calls it was cannot be told."
    else:
        summary = _SUMMARY[edge.evidence]
    fields: list[tuple[str, str, str]] = []
    if cause.caller is not None and edge.parent is not None:
        fields.append(("caller's request id", edge.parent.request_id, cause.caller))
    for call in calls[:1]:
        output = _output_for(call, cause)
        if output is not None:
            fields.extend(_fields(call, output, cause))
    rivals = [
        f"{_call_text(output.call)}: {reason}" for output, reason in matcher.rivals(edge.cause)
    ]
    if edge.evidence == "ambiguous":
        rivals = [_call_text(call) for call in calls] + rivals
    more = len(rivals) - _MAX_RIVALS
    if more > 0:
        rivals = [*rivals[:_MAX_RIVALS], f"and {more} more"]
    return Why(edge.evidence, summary, tuple(fields), tuple(rivals))


def _output_for(call: CallNode, cause: Cause) -> OutputNode | None:
    if not call.outputs:
        return None
    for output in call.outputs:
        if any(output.fact.ids.get(kind) == value for kind, value in cause.ids.items()):
            return output
        if output.fact.item_hash and output.fact.item_hash == cause.item_hash:
            return output
        if output.fact.key is not None and output.fact.key == cause.key:
            return output
    return call.outputs[0]


def _fields(call: CallNode, output: OutputNode, cause: Cause) -> list[tuple[str, str, str]]:
    fields = []
    for kind, value in cause.ids.items():
        ours = output.fact.ids.get(kind)
        if ours:
            fields.append((kind.replace("_", " "), ours, value))
    if output.fact.item_hash and cause.item_hash:
        fields.append(("content hash", output.fact.item_hash, cause.item_hash))
    fields.append(("resource", output.fact.resource or "", cause.resource or ""))
    if cause.key is not None:
        ours = output.fact.key
        shown = display_key(ours) if ours is not None else "hash of each attribute"
        fields.append(("key", shown, display_key(cause.key)))
    if cause.subject is not None:
        fields.append(("subject", output.fact.subject or "", cause.subject))
    if cause.name is not None and cause.service in ("dynamodb", "s3"):
        fields.append(("operation", call.fact.operation, cause.name))
    return fields


def _call_text(call: CallNode) -> str:
    function = call.invocation.function or "an unknown function"
    return f"{call.fact.operation} by {function} {call.invocation.request_id}"
