"""The answer to "why this edge": what matched, how well that proves it, and who lost."""

from __future__ import annotations

from datetime import UTC, datetime

from causality.clock import ROUNDING_S
from causality.facts import Cause
from causality.graph import CallNode, CauseNode, Edge, Invocation, OutputNode
from causality.keys import display_key
from causality.matching.agreement import accounts_differ, same_address, started_by
from causality.matching.match_keys import is_destination
from causality.matching.matcher import Matcher
from causality.snapshot import Why
from gammaray_recorder import wire

_MAX_RIVALS = 8
_WHOLE_SECONDS = frozenset({"dynamodb", "events"})  # that is all that they tell of a time
_SUMMARY = {
    "exact": "AWS issued this id once and showed it to both sides.",
    "content": "What the call wrote equals what the invocation received.",
    "order": "Same resource and key; no other call fits the order in time.",
}
_CALLER = "The caller put its own request id into the payload."
_DESTINATION = "Lambda handed on the result of that invocation, and named its request id."
_ANSWERED_LATER = ("lambda", "http")  # by what they start, mostly
_HEADER = "The recorder added this header to the request, and it arrived where it was sent."


def explain(matcher: Matcher, edge: Edge) -> Why:
    """Explain an edge, certain or ambiguous."""
    cause, calls = edge.cause, edge.candidates
    fields: list[tuple[str, str, str]] = []
    if edge.parent is not None and cause.fact.caller == edge.parent.request_id:
        fields.append(("caller's request id", edge.parent.request_id, cause.fact.caller))
    for call in calls[:1]:
        output = _output_for(call, cause.fact)
        if output is not None:
            fields.extend(_fields(output, cause))
    trace = _shared_trace(edge.parent, cause) if edge.parent is not None else None
    if trace is not None:
        fields.append(("X-Ray trace", trace, trace))
    candidates: list[str] = []
    if edge.call is None:
        candidates = [f"{_call_text(call)}: {_why_perhaps(call, cause)}" for call in calls]
    rivals = [f"{_call_text(output.call)}: {reason}" for output, reason in matcher.rivals(cause)]
    return Why(
        edge.evidence,
        _summary(matcher, edge) + _no_delay(edge),
        tuple(fields),
        _shortened(rivals),
        _shortened(candidates),
    )


def _summary(matcher: Matcher, edge: Edge) -> str:
    cause, calls = edge.cause, edge.candidates
    if edge.evidence == "ambiguous":
        if len(calls) > 1:
            return f"{len(calls)} calls could be meant; nothing recorded tells them apart."
        if not calls:
            return "Calls of other chains could be meant, which are not loaded."
        return f"One call could be meant, but {_why_not_certain(matcher, cause, calls[0])}."
    if is_destination(cause.fact):
        return _DESTINATION if edge.call is None else _SUMMARY[edge.evidence]
    if cause.fact.caller is not None:
        if len(calls) > 1:
            return f"{_CALLER} Which of its {len(calls)} Invoke calls it was cannot be told."
        if calls and edge.call is None:
            return f"{_CALLER} It has more callees than recorded calls: one of them was lost."
        return _CALLER
    if edge.evidence == "exact" and wire.ID_TRACEPARENT in cause.fact.ids:
        ids = cause.fact.ids
        if edge.call is not None and not any(
            started_by(output, cause)
            or any(
                output.fact.ids.get(kind) == value
                for kind, value in ids.items()
                if kind != wire.ID_TRACEPARENT
            )
            for output in edge.call.outputs
        ):
            return _HEADER
    return _SUMMARY[edge.evidence]


def _no_delay(edge: Edge) -> str:
    """Say why a delay counts as none; "" where it is one, or the caller waited for an answer."""
    call, delay_s = edge.call, edge.delay_s
    if call is None or delay_s is None or delay_s >= -ROUNDING_S:
        return ""
    made_s, began_s = call.started_at_s, edge.cause.invocation.started_at_s
    if made_s is not None and began_s is not None and made_s - began_s > ROUNDING_S:
        apart = f"{made_s - began_s:.3f} s"
        return f" It began {apart} before the call: two clocks differ by that at least; no delay."
    if call.fact.service in _ANSWERED_LATER:
        return ""
    return f" It began {-delay_s:.3f} s before the call was answered: no delay."


def _why_not_certain(matcher: Matcher, cause: CauseNode, call: CallNode) -> str:
    """Say why the only candidate is not certain."""
    if _may_have_handed_on(call, cause):
        return "its answer does not tell whether it started this"
    if cause.exact is not None:
        return (
            "its header arrived elsewhere than it was sent: "
            "a function in between may have handed it on"
        )
    output = _output_for(call, cause.fact)
    if output is not None and accounts_differ(output, cause):
        return "it was made in another account, which may use the same names"
    found = cause.content or cause.order
    if found is None and call.fact.error is not None:
        return "it was not answered: nobody knows the id of what it may have sent"
    if found is None:
        return "its answer shows another id: this may be what an earlier try of it sent"
    if found.short:
        return "more records came than recorded calls can explain"
    if not found.certain:
        return "it fits another record as well, or came too long before for order to prove it"
    return matcher.doubts.reason(cause) or "a record beside it cannot be explained"


def _may_have_handed_on(call: CallNode, cause: CauseNode) -> bool:
    return call.fact.service == "lambda" and cause.fact.service != "lambda"


def _output_for(call: CallNode, cause: Cause) -> OutputNode | None:
    """Find the output of a call that meets a cause best; the first of those that do."""

    def agreement(output: OutputNode) -> tuple[int, bool, bool]:
        fact = output.fact
        return (
            sum(fact.ids.get(kind) == value for kind, value in cause.ids.items()),
            fact.item_hash is not None and fact.item_hash == cause.item_hash,
            fact.key is not None and fact.key == cause.key,
        )

    return max(call.outputs, key=agreement, default=None)


def _fields(output: OutputNode, cause: CauseNode) -> list[tuple[str, str, str]]:
    ours, theirs = output.fact, cause.fact
    fields = [
        (kind.replace("_", " "), ours.ids[kind], value)
        for kind, value in theirs.ids.items()
        if kind in ours.ids
    ]
    if started_by(output, cause) and wire.ID_LAMBDA_REQUEST not in theirs.ids:
        answered = ours.ids[wire.ID_LAMBDA_REQUEST]
        fields.append(("lambda request", answered, cause.invocation.request_id))
    if ours.item_hash and theirs.item_hash:
        fields.append(("content hash", ours.item_hash, theirs.item_hash))
    resource = ours.resource or output.call.fact.resource or ""
    fields.append(("resource", resource, theirs.resource or ""))
    if theirs.key is not None:
        shown = display_key(ours.key) if ours.key is not None else "hash of each attribute"
        fields.append(("key", shown, display_key(theirs.key)))
    if theirs.subject is not None:
        fields.append(("subject", ours.subject or "", theirs.subject))
    if theirs.name is not None and theirs.service in ("dynamodb", "s3"):
        fields.append(("operation", output.call.fact.operation, theirs.name))
    if theirs.at_s is not None:
        written = _clock(theirs.at_s)
        if theirs.service in _WHOLE_SECONDS:
            written = written.partition(".")[0]
        fields.append(("made, written", _clock(output.made_s), written))
    began_s = cause.invocation.recorded_at_s
    if began_s is not None:
        fields.append(("made, began", _clock(output.made_s), _clock(began_s)))
    return fields


def _why_perhaps(call: CallNode, cause: CauseNode) -> str:
    """Say why a call could be meant."""
    output = _output_for(call, cause.fact)
    if output is None:
        return "it called this function"
    ours, theirs = output.fact, cause.fact
    reasons = []
    same_ids = [
        kind
        for kind, value in theirs.ids.items()
        if kind != wire.ID_ACCOUNT and ours.ids.get(kind) == value
    ]
    same_content = ours.item_hash is not None and ours.item_hash == theirs.item_hash
    if _may_have_handed_on(call, cause) and not same_content:
        reasons.append("it called this function, and its caller was given the same")
    elif same_ids:
        reasons.append(f"same {', '.join(same_ids).replace('_', ' ')}")
        if wire.ID_TRACEPARENT in same_ids and not same_address(output, theirs):
            reasons.append(f"sent to {ours.resource}")
    elif same_content:
        reasons.append("same content")
    elif theirs.key is not None:
        reasons.append(
            "same key"
            if theirs.item_hash is None or ours.item_hash
            else "same key, content not recorded"
        )
    elif theirs.subject is not None:
        reasons.append("same subject")
    elif theirs.caller is not None:
        reasons.append("it is the caller, and called this function")
    began_s = cause.invocation.recorded_at_s
    if began_s is not None:
        reasons.append(_distance(output.made_s, began_s))
    if _shared_trace(call.invocation, cause) is not None:
        reasons.append("of the same X-Ray trace")
    if call.fact.retries:
        reasons.append(f"tried {call.fact.retries + 1} times, any of which may have worked")
    elif call.effect == "possible":
        reasons.append("it was not answered, and may have taken effect")
    if ours.doubtful:
        reasons.append("its text can be read so, and in another way")
    return ", ".join(reasons)


def _shared_trace(maker: Invocation, cause: CauseNode) -> str | None:
    """Give the X-Ray trace that both sides show: it supports an edge, and proves none."""
    ours = {attempt.trace_id for attempt in maker.attempts.values()}
    theirs = {attempt.trace_id for attempt in cause.invocation.attempts.values()}
    theirs.add(cause.fact.ids.get(wire.ID_TRACE_ROOT))
    return min((trace for trace in ours & theirs if trace), default=None)


def _distance(made_s: float, began_s: float) -> str:
    if made_s == float("-inf"):
        return "when it was made is not known"
    before_s = began_s - made_s
    if before_s < -ROUNDING_S:
        return f"made {-before_s:.3f} s after the invocation began, by clocks that may differ"
    return f"made {max(0.0, before_s):.3f} s before the invocation began"


def _clock(at_s: float) -> str:
    if not 0 <= at_s < 1e11:
        return "unknown"
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S.%f")[:-3]


def _shortened(lines: list[str]) -> tuple[str, ...]:
    more = len(lines) - _MAX_RIVALS
    return (*lines[:_MAX_RIVALS], *((f"and {more} more",) if more > 0 else ()))


def _call_text(call: CallNode) -> str:
    function = call.invocation.function or "an unknown function"
    return f"{call.fact.operation} by {function} {call.invocation.request_id}"
