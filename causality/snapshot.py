"""What the screen draws: frozen rows, made from the graph five to ten times a second.

Widgets get these and nothing else. Times are epoch seconds (`_at_s`) or durations (`_s`);
None means unknown and is drawn as such, never as zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

State: TypeAlias = Literal["ok", "error", "timeout", "throttled", "running", "unknown"]
Evidence: TypeAlias = Literal["exact", "content", "order", "ambiguous"]
Phase: TypeAlias = Literal["wait", "init", "run", "running", "sdk"]
Mode: TypeAlias = Literal["follow", "hold", "paused", "history"]
NodeId: TypeAlias = str  # "<request id>/<attempt nonce>", stable for the life of the graph


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a time line: waiting, initialising, running, still running, in a call."""

    phase: Phase
    start_s: float  # since the chain began: its root's start, initialisation included
    end_s: float


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One line of the causal tree: an invocation, or a call that started none.

    Attributes:
        node: the invocation's id, or "<invocation>#<call id>" of a call's row; of a second
            line of a fan-in ("see also"), the node it leads to.
        kind: "invocation"; "call" (a call that triggered nothing, or nothing yet);
            "link" (this invocation has its own line under another parent);
            "group" (the heading of some chains: depth -1; `function` names what they have in
            common, or `started_at_s` the minute);
            "offer" (an invocation whose chain can be fetched: nothing more is known of it);
            "note" (what the user should know: `function` is the text).
        guides: for each ancestor below the root, whether a rail goes on below it; the rail
            glyph of this row itself follows from `last` and `evidence`.
        last: whether this row is its parent's last child (its rail ends here).
        trigger: short text such as "PutItem→image-proc-B"; of a root, what is known of its
            cause ("invoke", "schedule", "orphan: PutItem→orders"); of a call, what it worked on.
        function: the function's name; of a call, its operation.
        offset_s: start since the chain's root started; None for a root or when unknown.
        delay_s: trigger delay, from the end of the call to the start of the invocation.
        state: of a call's row, "ok" or "error".
        function: of a call's row, its operation; `trigger` then says what it was done on.
        attempt, attempts: which try of how many so far: attempts of one request id, and
            redeliveries of one record under others; 1 of 1 for most.
        children: rows hidden when folded, direct and indirect, invocations only; of a
            group, its chains.
        invocations: of a group, in all of its chains.
        hidden_errors, hidden_running: of a folded row or of a group, how many below it failed
            or run.
        causes: how many invocations caused it; it stands below one of them, and the others have
            a "link" that leads to it.
        candidates: number of calls that could be meant, when evidence is ambiguous.
        matched: whether the row itself fits the filter (ancestors are shown, dimmed).
    """

    node: NodeId
    kind: Literal["invocation", "call", "link", "group", "offer", "note"]
    depth: int
    guides: tuple[bool, ...]
    last: bool
    function: str
    region: str
    state: State
    trigger: str = ""
    started_at_s: float | None = None
    offset_s: float | None = None
    duration_s: float | None = None
    delay_s: float | None = None
    cold: bool = False
    init_s: float | None = None
    evidence: Evidence | None = None
    causes: int = 0
    candidates: int = 0
    attempts: int = 1
    attempt: int = 1
    children: int = 0
    invocations: int = 0
    folded: bool = False
    hidden_errors: int = 0
    hidden_running: int = 0
    chain_s: float = 0.0  # length of the whole chain, for the scale of the time line
    spans: tuple[Span, ...] = ()
    matched: bool = True


class TreeRows(Protocol):
    """The visible lines of the tree: a sequence that flattens a chain only when it is drawn."""

    @property
    def revision(self) -> int:
        """Grows whenever any visible line may have changed."""

    def __len__(self) -> int:
        """Give the number of visible lines."""

    def row(self, index: int) -> TreeRow:
        """Give the line at `index`, 0 <= index < len(self)."""

    def index_of(self, node: NodeId) -> int | None:
        """Find the line of an invocation or call; None when folded away or gone."""


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """Latency of one function (its durations) or one edge (its trigger delays), in seconds."""

    name: str
    region: str
    count: int
    errors: int
    cold: int
    p50_s: float | None
    p90_s: float | None
    p95_s: float | None
    p99_s: float | None
    max_s: float | None
    rate: float  # a second, over the window; over the last minute where everything counts
    recent: tuple[int, ...] = ()  # counts of the last minutes, oldest first, for a sparkline
    account: str = ""  # told where several have this name and region; "?" for unknown there

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from other rows: name, region, account."""
        return (self.name, self.region, self.account)


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call of the selected invocation."""

    operation: str
    service: str
    resource: str
    key: str
    region: str
    offset_s: float | None  # since the invocation started
    duration_s: float | None
    error: str | None
    triggered: tuple[str, ...]  # functions that it started


@dataclass(frozen=True, slots=True)
class Why:
    """The answer to "why this edge": the fields that matched, the grade, the rivals.

    Attributes:
        fields: name, value at the call and value at the cause; of the first candidate.
        rivals: other calls that were considered, and why they lost.
        candidates: calls that could be meant, and why, where it cannot be told which.
    """

    evidence: Evidence
    summary: str
    fields: tuple[tuple[str, str, str], ...]
    rivals: tuple[str, ...]
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainBar:
    """One line of the selected chain's time line."""

    node: NodeId
    depth: int
    function: str
    state: State
    duration_s: float | None
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class PathSplit:
    """The critical path of the selected chain, and what its time went to.

    Attributes:
        hops: from invocation to invocation.
        latency_s: end-to-end along it.
        parts: kind (queue, delay, retry, init, handler, sdk) and seconds, the longest first.
        complete: whether nothing of the chain runs any more.
    """

    hops: int
    latency_s: float
    parts: tuple[tuple[str, float], ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything about the selected invocation."""

    node: NodeId
    function: str
    region: str
    account: str
    state: State
    error: str | None
    request_id: str
    trace_id: str | None
    attempt: int
    attempts: int
    version: str | None
    memory_mb: int | None
    started_at_s: float | None
    duration_s: float | None
    init_s: float | None
    cold: bool | None
    delay_s: float | None
    sdk_s: float | None
    cause: str  # "PutItem image-proc-B by ImageProcPy", "invoked directly (root)"
    edges: tuple[Why, ...]
    calls: tuple[CallRow, ...]
    chain: tuple[ChainBar, ...]
    chain_s: float
    chain_count: int
    recorder_us: int | None = None
    dropped: int = 0
    path: PathSplit | None = None  # None when no time is known, or the chain is too large
    billed_s: float | None = None  # from the log's REPORT line, as is the next
    used_mb: int | None = None


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """Something that the user should know: orphan, never triggered, gap, unreadable, ..."""

    kind: str
    text: str
    node: NodeId | None = None
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class RegionState:
    """How reading one region goes, for the header and the regions screen."""

    region: str
    phase: Literal["connecting", "live", "retrying", "down", "ended"]
    kind: str = ""
    message: str = ""
    todo: str = ""
    lag_s: float | None = None
    retry_in_s: float | None = None
    shards: int = 0


@dataclass(frozen=True, slots=True)
class Playback:
    """How playing a replay goes.

    Attributes:
        position_s: the recorded time that it has reached, epoch seconds.
        start_s, end_s: of what is played, epoch seconds.
        speed: recorded seconds a second; None is as fast as possible.
    """

    state: Literal["playing", "paused", "seeking", "ended"]
    position_s: float
    start_s: float
    end_s: float
    speed: float | None = 1.0


@dataclass(frozen=True, slots=True)
class Header:
    """The top line."""

    title: str  # profile name, "demo", or the replayed file
    regions: tuple[RegionState, ...] = ()
    rate: float = 0.0  # records a second
    recent: tuple[float, ...] = ()  # records a second in the last seconds, oldest first
    unit: str = "rec"  # what `rate` and `recent` count
    invocations: int = 0
    chains: int = 0
    running: int = 0
    problems: int = 0
    problem_kinds: tuple[tuple[str, int], ...] = ()  # how many of each, the most frequent first
    new_while_paused: int = 0
    recording: str = ""  # name of the file that is recorded to
    playback: Playback | None = None


class _NoRows:
    """An empty tree."""

    revision = 0

    def __len__(self) -> int:
        return 0

    def row(self, index: int) -> TreeRow:
        raise IndexError(index)

    def index_of(self, node: NodeId) -> int | None:
        return None


NO_ROWS: TreeRows = _NoRows()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the main screen shows at one moment."""

    header: Header
    rows: TreeRows = NO_ROWS
    functions: Sequence[LatencyRow] = ()
    edges: Sequence[LatencyRow] = ()
    detail: Detail | None = None
    problems: Sequence[ProblemRow] = ()
    now_s: float = 0.0
    window_s: float | None = None  # what `functions` and `edges` count; None: all there was
    after_s: float | None = None  # chains that began before it are not shown; None: all are
    notes: tuple[str, ...] = field(default=())  # progress lines of a start or a long act
