"""The index of ids that AWS issued: who showed an id, and who received it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence

from causality.facts import Cause, OneId
from causality.graph import CauseNode, Invocation, OutputNode
from causality.matching.agreement import (
    first_of,
    ids_differ,
    may_be_of,
    same_address,
    streams_differ,
)
from causality.matching.departures import Departures
from causality.matching.found import Found, put_together
from causality.matching.match_keys import (
    CALLER,
    COMPOSED_IDS,
    LASTING_IDS,
    MESSAGE_IDS,
    PLAIN_IDS,
    ExactKey,
    composed_key,
    exact_cause_keys,
    exact_output_keys,
    output_order,
)
from causality.matching.showing import IdPair, Meeting, Shown, causes_of, outputs_of
from gammaray_recorder import wire

# Ids that prove by themselves: a traceparent may have been handed on.
_PROOFS = PLAIN_IDS - LASTING_IDS - {wire.ID_TRACEPARENT}
_REQUEST = wire.ID_LAMBDA_REQUEST
# What is sent again under the same name or deduplication id is answered with the same id, and
# does nothing.
_ANSWERED_AGAIN = frozenset({wire.ID_EXECUTION, wire.ID_SQS_MESSAGE, wire.ID_SNS_MESSAGE})


class IdIndex:
    """Outputs and causes by the ids that they show.

    Most ids are shown by one output and met by one cause or none: so an id leads to the one
    that showed it, to a pair, and to a meeting only where there are more. Where the value of an
    id is all that counts, it is the key, without a tuple around it.
    """

    def __init__(
        self,
        again: dict[CauseNode, Sequence[CauseNode]],
        invocation_of: Callable[[str], Invocation | None],
        departures: Departures | None = None,
    ) -> None:
        """Make an empty index.

        Args:
            again: is told of causes that show a message that others had shown, with all of these.
            invocation_of: finds an invocation by request id.
            departures: what has left, and what it leaves in doubt.
        """
        self._again = again
        self._invocation_of = invocation_of
        self._departures = departures if departures is not None else Departures()
        self._of: defaultdict[str, dict[str | ExactKey, Shown]] = defaultdict(dict)

    def __len__(self) -> int:
        """Give the number of ids."""
        return sum(map(len, self._of.values()))

    def add_output(self, node: OutputNode, doubted: dict[CauseNode, None]) -> None:
        """Enter an output; notes the causes for which that may change something."""
        fact, call = node.fact, node.call.fact
        only: object = fact.ids
        if type(only) is OneId and only.kind in PLAIN_IDS and not call.local:
            self._add_output(only.kind, only.value, node, doubted)
        elif fact.ids and not call.local:
            for kind, value in fact.ids.items():
                if kind in PLAIN_IDS:
                    self._add_output(kind, value, node, doubted)
                elif kind in COMPOSED_IDS:
                    for key in composed_key(node, kind, value):
                        self._add_output(kind, key, node, doubted)
        elif fact.ids or call.service == "lambda":
            for key in exact_output_keys(node):
                self._add_output(key[0], _place(key), node, doubted)

    def _add_output(
        self, kind: str, place: str | ExactKey, node: OutputNode, doubted: dict[CauseNode, None]
    ) -> None:
        if kind == _REQUEST:
            self._doubt_invoked(place, doubted)
        shown = self._of[kind].setdefault(place, node)
        if type(shown) is CauseNode:
            self._of[kind][place] = IdPair(node, shown)
            self._doubt((shown,), doubted)
        elif shown is not node:
            met = self._meeting(kind, place, shown)
            met.outputs.append(node)
            met.called = None
            if node.callee_request_id is not None:
                met.take_asunder()
            if met.causes and not met.doubted:
                met.doubted = kind == CALLER
                self._doubt(met.causes, doubted)

    def remove_output(self, node: OutputNode, doubted: dict[CauseNode, None]) -> None:
        """Take an output out; notes the causes for which that may change something."""
        for key in exact_output_keys(node):
            self._doubt(self._causes(key), doubted)
            if key[0] == _REQUEST:
                self._doubt_invoked(key[1], doubted)
            self._discard(key, node)

    def forget_output(self, node: OutputNode) -> None:
        """Let an output go for the sake of memory; what is decided stays decided."""
        for key in exact_output_keys(node):
            self._discard(key, node)

    def add_cause(self, node: CauseNode, doubted: dict[CauseNode, None]) -> None:
        """Enter a cause; notes it and the others for which that may change something."""
        doubted[node] = None
        fact = node.fact
        only: object = fact.ids
        if type(only) is OneId and only.kind in _PROOFS and fact.caller is None:
            self._add_cause(only.kind, only.value, node)
            return
        if not fact.ids and fact.caller is None:
            return
        for key in exact_cause_keys(node):
            self._add_cause(key[0], _place(key), node)
        if fact.caller is not None or wire.ID_TRACEPARENT in fact.ids:
            self._doubt([node], doubted)

    def _add_cause(self, kind: str, place: str | ExactKey, node: CauseNode) -> None:
        shown = self._of[kind].setdefault(place, node)
        if type(shown) is OutputNode:
            self._of[kind][place] = IdPair(shown, node)
            if shown.fact.ids == node.fact.ids:
                node.fact.ids = shown.fact.ids  # the one copy of it
        elif shown is not node:
            met = self._meeting(kind, place, shown)
            met.called = None
            causes = met.causes
            causes.append(node)
            if len(causes) > 1 and kind in MESSAGE_IDS:
                self._again[node] = causes

    def remove_cause(self, node: CauseNode) -> None:
        """Take a cause out."""
        for key in exact_cause_keys(node):
            self._discard(key, node)

    def showing(self, cause: CauseNode, kinds: Collection[str]) -> list[CauseNode]:
        """Give every cause that shows an id that a cause shows, of some kinds."""
        keys = (key for key in exact_cause_keys(cause) if key[0] in kinds)
        return [other for key in keys for other in self._causes(key)]

    def met(self, cause: CauseNode) -> list[OutputNode]:
        """Give every output that shares an id with a cause."""
        met = list(self._invokes(cause))
        met += [output for key in exact_cause_keys(cause) for output in self._outputs(key)]
        return met

    def find(self, cause: CauseNode) -> Found | None:
        """Find the output that an id proves; the id that was delivered last decides."""
        fact = cause.fact
        if cause.invocation.request_id in self._of[_REQUEST]:
            invokes = self._invokes(cause)
            if len(invokes) == 1:
                return _only(invokes[0])
            if invokes:
                return Found(tuple(sorted(invokes, key=output_order)), True)
        only: object = fact.ids
        if type(only) is OneId and only.kind in _PROOFS and fact.caller is None:
            shown = self._of[only.kind].get(only.value)
            if type(shown) is CauseNode:
                return None  # by the cause itself alone
            outputs = outputs_of(shown)
            if len(outputs) == 1:
                call = outputs[0].call
                return None if call.invocation is cause.invocation else _only(outputs[0])
        elif not fact.ids and fact.caller is None:
            return None
        for key in exact_cause_keys(cause):
            if key[0] == CALLER:
                return self._called(key, cause)  # the last of its keys
            outputs = [o for o in self._outputs(key) if o.call.invocation is not cause.invocation]
            certain = True
            if key[0] in LASTING_IDS:
                outputs = [o for o in outputs if may_be_of(key[0], o, cause)]
                certain = key not in self._departures.ids
            if key[0] == wire.ID_KINESIS:
                outputs = [o for o in outputs if not streams_differ(o, cause)]
            if key[0] in _ANSWERED_AGAIN:
                outputs = first_of(outputs)
            if key[0] == wire.ID_TRACEPARENT:
                outputs = [o for o in outputs if _may_answer(o, cause)]
                if outputs and self._is_forwarded(key, outputs[0]):
                    outputs, certain = self._by_address(key, outputs, cause)
                elif outputs and not same_address(outputs[0], fact):
                    certain = False  # somebody in between, whom nobody recorded, handed it on
            if len(outputs) > 1:
                if fact.key is not None:
                    # DeleteObjects: one request id, many objects.
                    outputs = [o for o in outputs if o.fact.key == fact.key] or outputs
                outputs = sorted(outputs, key=output_order)
            if outputs:
                return Found(tuple(outputs), certain)
        return None

    # --- Invoke, which is answered with the request id of what it starts -----------------------

    def _invokes(self, cause: CauseNode) -> Sequence[OutputNode]:
        """Give the Invoke that started a cause's invocation, whatever its event looks like."""
        shown = self._of[_REQUEST].get(cause.invocation.request_id)
        if shown is None or type(shown) is CauseNode:
            return ()
        return [o for o in outputs_of(shown) if o.call.invocation is not cause.invocation]

    def _doubt_invoked(self, request_id: str | ExactKey, doubted: dict[CauseNode, None]) -> None:
        """Note the causes of an invocation of which an Invoke tells that it started it."""
        invocation = self._invocation_of(request_id) if isinstance(request_id, str) else None
        if invocation is not None:
            self._doubt(invocation.causes, doubted)

    def _called(self, key: ExactKey, cause: CauseNode) -> Found | None:
        """Find the calls of whom a cause names as its caller.

        All callees are told the same: a function may call another one a thousand times.
        """
        shown = self._of[CALLER].get(key)
        outputs = outputs_of(shown)
        if not outputs or outputs[0].call.invocation is cause.invocation:
            return None
        if type(shown) is not Meeting:
            return _only(outputs[0])
        if shown.called is None:
            ordered = tuple(sorted(outputs, key=output_order))
            shown.alike = put_together(shown.alike, ordered)
            shown.doubted = False
            short = len(shown.causes) > len(ordered)
            shown.called = Found(ordered, True, short=short, alike=shown.alike)
        return shown.called

    # --- who shows an id ----------------------------------------------------------------------

    def _meeting(self, kind: str, place: str | ExactKey, shown: Shown) -> Meeting:
        if isinstance(shown, Meeting):
            return shown
        met = Meeting(list(outputs_of(shown)), list(causes_of(shown)))
        self._of[kind][place] = met
        return met

    def _outputs(self, key: ExactKey) -> Sequence[OutputNode]:
        return outputs_of(self._of[key[0]].get(_place(key)))

    def _causes(self, key: ExactKey) -> Sequence[CauseNode]:
        return causes_of(self._of[key[0]].get(_place(key)))

    def _discard(self, key: ExactKey, node: OutputNode | CauseNode) -> None:
        index, place = self._of[key[0]], _place(key)
        shown = index.get(place)
        if shown is node:
            del index[place]
        elif type(shown) is IdPair:
            if node is shown.output:
                index[place] = shown.cause
            elif node is shown.cause:
                index[place] = shown.output
        elif type(shown) is Meeting:
            shown.called = None
            if isinstance(node, CauseNode):
                shown.causes = [cause for cause in shown.causes if cause is not node]
            else:
                shown.outputs = [output for output in shown.outputs if output is not node]
                shown.take_asunder()
            if not shown.outputs and not shown.causes:
                del index[place]

    # --- traceparent: a header that a function may hand on to the next one --------------------

    def _doubt(self, causes: Iterable[CauseNode], doubted: dict[CauseNode, None]) -> None:
        """Note causes, and those that show the same: what one is proven to be, others are not."""
        for cause in causes:
            doubted[cause] = None
            if cause.fact.caller is not None:
                doubted.update(dict.fromkeys(self._one_too_many(cause)))
            header = cause.fact.ids.get(wire.ID_TRACEPARENT)
            if header is not None:
                doubted.update(dict.fromkeys(self._causes((wire.ID_TRACEPARENT, header))))

    def _one_too_many(self, cause: CauseNode) -> Sequence[CauseNode]:
        """Give the callees of one caller when they have just become more than its calls."""
        key = exact_cause_keys(cause)[-1]
        if key[0] != CALLER:
            return ()
        causes = self._causes(key)
        return causes if len(causes) == len(self._outputs(key)) + 1 else ()

    def _claimants(self, key: ExactKey, output: OutputNode) -> list[CauseNode]:
        """Give the causes that have nothing better than this header, each invocation once."""
        claimants = {
            cause.invocation: cause
            for cause in self._causes(key)
            if _may_answer(output, cause)
            and not _runs_beside(cause.fact)
            and not self._invokes(cause)
            and not any(
                self._outputs(better)
                for better in exact_cause_keys(cause)
                if better[0] not in (wire.ID_TRACEPARENT, wire.ID_EXECUTION)
            )
        }
        return list(claimants.values())

    def _is_forwarded(self, key: ExactKey, output: OutputNode) -> bool:
        return len(self._claimants(key, output)) > 1 + output.call.fact.retries

    def _by_address(
        self, key: ExactKey, outputs: list[OutputNode], cause: CauseNode
    ) -> tuple[list[OutputNode], bool]:
        """Tell by the address who received the request itself, if that tells it."""
        output = outputs[0]
        addressed = [
            claimant
            for claimant in self._claimants(key, output)
            if same_address(output, claimant.fact)
        ]
        if not 0 < len(addressed) <= 1 + output.call.fact.retries:
            return outputs, False
        return (outputs, True) if cause in addressed else ([], True)


def _only(output: OutputNode) -> Found:
    outputs = output.call.outputs
    return Found(outputs if len(outputs) == 1 else (output,), True)


def _may_answer(output: OutputNode, cause: CauseNode) -> bool:
    """Say whether no other id shows that this call reached another function."""
    return output.call.fact.retries > 0 or not ids_differ(output, cause.fact)


def _runs_beside(cause: Cause) -> bool:
    """Say whether others may run for the same request, as AppSync's resolvers do."""
    return cause.name == "authorizer" or cause.service == "appsync"


def _place(key: ExactKey) -> str | ExactKey:
    return key[1] if key[0] in PLAIN_IDS else key
