"""What tells the two halves of an edge apart, or that they agree, once they share a match key."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from causality.clock import CLOCK_SKEW_S, ORDER_WINDOW_S
from causality.facts import Cause
from causality.graph import CauseNode, Invocation, OutputNode
from causality.matching.match_keys import AWS_ONLY_IDS, IDS, is_delete, record_identity, s3_change
from gammaray_recorder import wire

# Services whose calls name what they work on by a name that each account may use.
BY_NAME: Final = frozenset({"dynamodb", "lambda", "scheduler", "iot-data"})
# Behind "ObjectCreated:", how S3 names what these do.
S3_CREATIONS: Final = {
    "PutObject": "Put",
    "PostObject": "Post",
    "CopyObject": "Copy",
    "CompleteMultipartUpload": "CompleteMultipartUpload",
}
S3_CREATED: Final = "ObjectCreated:"
_NO_METHOD = frozenset({"websocket", "authorizer"})  # they show something else in its place
_PREFIX = 4  # segments: a stage and a base path; a local AWS's own "restapis/<id>/<stage>/..."


def ids_differ(output: OutputNode, cause: Cause) -> bool:
    """Say whether both halves show an id of one kind, with different values."""
    call, fact = output.call.fact, output.fact
    for kind, ours in fact.ids.items():
        if kind in IDS and not (call.local and kind in AWS_ONLY_IDS):
            theirs = cause.ids.get(kind)
            if theirs is not None and theirs != ours:
                return True
    return False


def accounts_differ(output: OutputNode, cause: CauseNode) -> bool:
    """Say whether a call and a record are, as far as is known, of different accounts.

    It proves nothing: a function may have taken on a role of the other account.
    """
    call = output.call
    if call.fact.service not in BY_NAME:
        return False
    ours, theirs = call.invocation.account, cause.invocation.account
    if not call.fact.local:  # whose ARNs may have any account
        ours = output.fact.ids.get(wire.ID_ACCOUNT, ours)
        theirs = cause.fact.ids.get(wire.ID_ACCOUNT, theirs)
    return ours != theirs and ours is not None and theirs is not None


def streams_differ(output: OutputNode, cause: CauseNode) -> bool:
    """Say whether records of equal numbers are of two local streams of one name.

    AWS numbers records across all streams; local servers count from one in each account.
    """
    ours, theirs = output.call.invocation.account, cause.invocation.account
    known = ours is not None and theirs is not None
    return bool(output.call.fact.local) and known and ours != theirs


def may_be_of(kind: str, output: OutputNode, cause: CauseNode) -> bool:
    """Say whether an event that shows the id of what lives on can come from a call that shows it.

    A version is put once, and then tagged, restored or deleted; a schedule fires for whoever
    wrote it last; an execution can be started again by its name, which does nothing.
    """
    if kind == wire.ID_S3_VERSION:
        change = "delete" if is_delete(output) else "put"
        return s3_change(cause.fact.name) == change and not ids_differ(output, cause.fact)
    began_s = cause.invocation.recorded_at_s
    return began_s is None or output.made_s <= began_s + CLOCK_SKEW_S


def first_of(outputs: list[OutputNode]) -> list[OutputNode]:
    """Leave out the outputs that were surely made after another one."""
    first_s = min((output.made_s for output in outputs), default=0.0)
    return [output for output in outputs if output.made_s <= first_s + CLOCK_SKEW_S]


def started_by(output: OutputNode, cause: CauseNode) -> bool:
    """Say whether a call was answered with the request id of a cause's invocation.

    That proves whom an Invoke started, whatever its payload looks like: a function may hand on
    the event that it was given itself.
    """
    answered = output.fact.ids.get(wire.ID_LAMBDA_REQUEST)
    return answered == cause.invocation.request_id and not output.call.fact.local


def same_address(output: OutputNode, cause: Cause) -> bool:
    """Say whether a request went where it was received, "METHOD host/path" on both sides.

    A header proves its request only there: a function may hand it on to the next one. A stage or
    base path may stand on one side alone; a local AWS has hosts of its own.
    """
    ours, theirs = output.fact.resource, cause.resource
    if not ours or not theirs:
        return True
    method, _, address = ours.partition(" ")
    their_method, _, their_address = theirs.partition(" ")
    host, _, path = address.partition("/")
    their_host, _, their_path = their_address.partition("/")
    if cause.name not in _NO_METHOD and method.upper() != their_method.upper():
        return False
    named = their_host and not output.call.fact.local
    if named and host.lower().partition(":")[0] != their_host.lower().partition(":")[0]:
        return False
    short, long = sorted((_segments(path), _segments(their_path)), key=len)
    return long[len(long) - len(short) :] == short and len(long) - len(short) <= _PREFIX


def _segments(path: str) -> list[str]:
    return [segment for segment in unquote(path).split("/") if segment]


def had_seen(maker: Invocation, cause: CauseNode) -> bool:
    """Say whether who made a call had been given the record itself: then it did not write it.

    A function that writes an item back as it found it leaves no record.
    """
    given = maker.causes
    # A batch is of one source.
    if not given or given[0].fact.resource != cause.fact.resource or cause.fact.key is None:
        return False
    key, identity = cause.fact.key, record_identity(cause)
    return any(own.fact.key == key and record_identity(own) == identity for own in given)


def content_of(cause: Cause) -> str | None:
    """Give what tells the content of a record from others."""
    return cause.item_hash or cause.ids.get(wire.ID_S3_ETAG)


def contents_differ(output: OutputNode, cause: Cause) -> bool:
    """Say whether both halves show what was written, and it is not the same."""
    fact = output.fact
    if fact.item_hash and cause.item_hash:
        return fact.item_hash != cause.item_hash
    ours, theirs = fact.ids.get(wire.ID_S3_ETAG), cause.ids.get(wire.ID_S3_ETAG)
    return bool(ours and theirs and ours.strip('"') != theirs.strip('"'))


def deeds_differ(output: OutputNode, cause: Cause) -> bool:
    """Say whether S3 tells that an object came to be in another way than by this call."""
    if cause.service != "s3" or cause.name is None:
        return False
    name = cause.name.removeprefix("s3:")
    made = S3_CREATIONS.get(output.call.fact.operation)
    return made is not None and name.startswith(S3_CREATED) and name != S3_CREATED + made


def is_specific(output: OutputNode) -> bool:
    """Say whether content or an id would tell that this output fits a cause, if it did."""
    fact = output.fact
    return fact.item_hash is not None or wire.ID_S3_ETAG in fact.ids


def why_not(output: OutputNode, cause: CauseNode) -> str:
    """Say why an output that met a cause is not its other half."""
    if output.call.invocation is cause.invocation:
        return "made by the same invocation"
    if had_seen(output.call.invocation, cause):
        return "made by an invocation that was given this record, too"
    if ids_differ(output, cause.fact):
        return "its id differs"
    if contents_differ(output, cause.fact):
        return "its content differs"
    if deeds_differ(output, cause.fact):
        return "it does something else"
    if accounts_differ(output, cause):
        return "it was made in another account"
    made_s, began_s = output.made_s, cause.invocation.recorded_at_s
    if began_s is not None:
        if made_s > began_s + CLOCK_SKEW_S:
            return f"made {made_s - began_s:.3f} s after the invocation began"
        if began_s - made_s > ORDER_WINDOW_S:
            return f"made {(began_s - made_s) / 3600:.1f} h before the invocation began"
    if cause.edge is not None and cause.edge.evidence in ("exact", "content"):
        return "the evidence for it is weaker"
    return "it is taken by another record of the same key"
