r"""Rollups: what was counted in each minute of each function, edge and problem; and doubts.

A rollup's item is only ever added to (`ADD`), so writers need not know of each other, and what
was counted wrongly is taken out by adding a negative number. One item holds, beside its keys:

    {"pk": "t#498712#11", "sk": "29922746#f#[\"us-west-2\",\"DBSyncPy\"]#0",
     "started": 12, "ended": 12, "errors": 1, "cold": 2, "d213": 4, "d214": 8,
     "xlatest": "8d1f", "xerror": "77aa", "xe-3": "8d1f", "expires": 1797956783}
    {"pk": "t#498712#4", "sk": "29922746#e#[\"us-east-1\",\"Resize\",\"us-west-2\",...]#0",
     "content": 12, "d101": 7, "d102": 5, "xlatest": "8d1f", "expires": 1797956783}
    {"pk": "t#498712#9", "sk": "29922746#p#[\"timeout\",\"us-west-2\",\"DBSyncPy\",...]#0",
     "count": 1, "xlatest": "8d1f", "expires": 1797956783}
    {"pk": "d#498712", "sk": "unexplained#[\"dynamodb\",\"us-west-2\",\"image-proc-B\"]"}

`d<bucket>` counts values of a sketch (causality.sketch): durations of functions, trigger delays of
edges. `x<what>` is the request id of an example: `xlatest`, `xerror`, `xambiguous`, and `xe<power>`
for values of at least 2^power seconds, whichever was written last.

Where several writers collide on one item, they split it: `#0`, `#1`, ... at the end of `sk`; all
are added up when read. A partition holds an hour, so that the last N minutes, at any rate of
invocations, are SHARDS queries (twice as many across an hour's end).

A doubt stands for all records of a source for an hour, and the ones before and after it
(causality.matching.doubts): `graded` says what is left of a grade.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, TypeAlias
from zlib import crc32

import msgspec

from causality.matching.doubts import DOUBT_S
from causality.matching.match_keys import Source
from causality.sketch import Sketch, bucket_of
from gammaray_collector.items import EXPIRES, PK, SK, Grade, Item, Key, Need, digest

RollupKind: TypeAlias = Literal["f", "e", "p", "m", "s"]
FUNCTION: Final = "f"
EDGE: Final = "e"
PROBLEM: Final = "p"
# For the collector itself (gammaray_collector.silence), in partitions that no viewer reads.
MADE: Final = "m"
STARTED: Final = "s"

DoubtKind: TypeAlias = Literal["unexplained", "returning", "gap"]

SHARDS: Final = 32
SPLITS: Final = 4
ROLLUPS_KEPT_S: Final = 30 * 86400.0
# A call that is not here so long after its effect began counts as not recorded.
PATIENCE_S: Final = 90.0

_MINUTES = 60
_LONGEST = 300  # bytes: DynamoDB takes keys of 1024, and a name has several parts
_SHOWN, _OWN = "t", "w"  # families of partitions
_BUCKET = "d"
_EXAMPLE = "x"
LATEST: Final = "latest"
FAILED: Final = "error"
AMBIGUOUS: Final = "ambiguous"
_NAMED: Final = frozenset({LATEST, FAILED, AMBIGUOUS})
_names = msgspec.json.Decoder(tuple[str, ...])
_encode = msgspec.json.Encoder().encode


class FunctionName(NamedTuple):
    """What a rollup of a function is about.

    Counts: started, ended, errors (timeouts among them), timeouts, cold; values: durations.
    """

    region: str
    function: str


class EdgeName(NamedTuple):
    """What a rollup of edges is about.

    Counts: exact, content, order, ambiguous; failed: of these, those whose child's last attempt
    did; timed: those whose delay is known, and errors: of these, those that failed; crowded: of the
    ambiguous, those that share a match key with more than were read. Values: trigger delays of
    edges whose call is certain. `parent_function` is "" where the candidates are of several
    functions, or none is known.
    """

    parent_region: str
    parent_function: str
    child_region: str
    child_function: str
    service: str
    resource: str
    needs: Need = ""
    source: str = ""


class ProblemName(NamedTuple):
    """What a rollup of problems is about. Counts: count.

    `problem` is one of causality.problems: orphan, unreadable, retry, timeout, throttled, dropped,
    gap, never-triggered.
    """

    problem: str
    region: str
    function: str
    detail: str


class PlaceName(NamedTuple):
    """A place that calls wrote to (causality.silence). Counts: made."""

    service: str
    place: str


class StartedName(NamedTuple):
    """A place, and a function that what is written there starts. Counts: started."""

    service: str
    place: str
    region: str
    function: str


Name: TypeAlias = FunctionName | EdgeName | ProblemName | PlaceName | StartedName


class Rollup:
    """What was counted of one name in one minute, or in several that were merged.

    Attributes:
        minute: epoch minute; of the newest one when merged.
        counts: by what was counted.
        sketch: the values.
        examples: request ids by what they are examples of: "latest", "error", "ambiguous",
            "e<power of 2>".
    """

    __slots__ = ("counts", "examples", "minute", "name", "sketch")

    def __init__(self, name: Name, minute: int) -> None:
        """Make an empty one."""
        self.name = name
        self.minute = minute
        self.counts: dict[str, int] = {}
        self.sketch = Sketch()
        self.examples: dict[str, str] = {}

    def merge(self, other: Rollup) -> None:
        """Count all that the other one did."""
        for what, count in other.counts.items():
            self.counts[what] = self.counts.get(what, 0) + count
        self.sketch.merge(other.sketch)
        newer, older = (other, self) if other.minute >= self.minute else (self, other)
        self.examples = {**older.examples, **newer.examples}
        self.minute = newer.minute

    @property
    def slowest(self) -> tuple[float, str] | None:
        """An example of the slowest: how long it took at least, seconds, and its request id."""
        powers = [int(what[1:]) for what in self.examples if what not in _NAMED]
        return (2.0 ** max(powers), self.examples[f"e{max(powers)}"]) if powers else None


def read_rollups(items: Iterable[Item]) -> list[Rollup]:
    """Read the items of rollups; what was split is one again, each minute apart."""
    found: dict[tuple[int, Name], Rollup] = {}
    buckets: dict[tuple[int, Name], dict[int, int]] = {}
    for item in items:
        minute, name = rollup_of(str(item[SK]))
        rollup = found.setdefault((minute, name), Rollup(name, minute))
        counted = buckets.setdefault((minute, name), {})
        for what, value in item.items():
            if what in (PK, SK, EXPIRES):
                continue
            if what.startswith(_EXAMPLE):
                rollup.examples[what[1:]] = str(value)
            elif what.startswith(_BUCKET) and what[1:].lstrip("-").isdigit():
                counted[int(what[1:])] = counted.get(int(what[1:]), 0) + int(value)
            else:
                rollup.counts[what] = rollup.counts.get(what, 0) + int(value)
    for place, rollup in found.items():
        for bucket, count in buckets[place].items():
            if count > 0:
                rollup.sketch.add_to(bucket, count)
        rollup.counts = {what: count for what, count in rollup.counts.items() if count}
    return [rollup for rollup in found.values() if rollup.counts or rollup.sketch.count]


def short(text: str) -> str:
    """Give a part of a rollup's name that fits into it."""
    return text.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore")


def bucket_name(value_s: float) -> str:
    """Give the attribute that counts a value."""
    return f"{_BUCKET}{bucket_of(max(0.0, value_s))}"


def example_name(what: str) -> str:
    """Give the attribute of an example."""
    return _EXAMPLE + what


def power_of(value_s: float) -> str:
    """Give what a value is an example of."""
    return f"e{math.floor(math.log2(max(value_s, 1e-6)))}"


def minute_of(at_s: float) -> int:
    """Give the epoch minute of a time."""
    return int(at_s // 60)


def rollup_key(minute: int, kind: RollupKind, name: Name | tuple[str, ...], split: int = 0) -> Key:
    """Give the key of a rollup's item."""
    text = _encode(tuple(name)).decode()
    shard = (crc32(f"{kind}{text}".encode()) + split * (SHARDS // SPLITS)) % SHARDS
    family = _OWN if kind in (MADE, STARTED) else _SHOWN
    return f"{family}#{minute // _MINUTES}#{shard}", f"{minute}#{kind}#{text}#{split}"


def rollup_of(place: str) -> tuple[int, Name]:
    """Read minute and name from the `sk` of a rollup."""
    minute, kind, rest = place.split("#", 2)
    parts = _names.decode(rest.rpartition("#")[0])
    if kind == FUNCTION:
        return int(minute), FunctionName(*parts)
    if kind == EDGE:
        return int(minute), EdgeName(*parts)  # type: ignore[arg-type]  # as it was written
    if kind == MADE:
        return int(minute), PlaceName(*parts)
    if kind == STARTED:
        return int(minute), StartedName(*parts)
    return int(minute), ProblemName(*parts)


class Range(NamedTuple):
    """One Query: a partition, and the first and last `sk` of it."""

    partition: str
    first: str
    last: str


def rollup_ranges(first_minute: int, last_minute: int, *, own: bool = False) -> list[Range]:
    """Give the queries that read all rollups of some minutes, both ends included.

    Args:
        first_minute: the first epoch minute.
        last_minute: the last one.
        own: those that are for the collector itself.
    """
    family = _OWN if own else _SHOWN
    return [
        Range(f"{family}#{hour}#{shard}", f"{first_minute}#", f"{last_minute}#~")
        for hour in range(first_minute // _MINUTES, last_minute // _MINUTES + 1)
        for shard in range(SHARDS)
    ]


# --- doubts -------------------------------------------------------------------------------------


def doubt_source(source: Source) -> str:
    """Write where records come from; what stands for it, if that is long."""
    text = _encode(source)
    return text.decode() if len(text) <= _LONGEST else f"~{digest(text)}"


def stretch_of(at_s: float) -> int:
    """Give the hour that a doubt stands in."""
    return int(at_s // DOUBT_S)


def doubt_item(kind: DoubtKind, source: str, at_s: float) -> Item:
    """Give the item of a doubt; a gap has no source: it concerns all."""
    return {
        PK: f"d#{stretch_of(at_s)}",
        SK: f"{kind}#{source}",
        EXPIRES: int(at_s + ROLLUPS_KEPT_S),
    }


def doubt_partitions(first_s: float, last_s: float) -> list[str]:
    """Give the partitions of all doubts that concern edges to invocations of some time."""
    return [f"d#{stretch}" for stretch in range(stretch_of(first_s) - 1, stretch_of(last_s) + 2)]


class Doubts:
    """The doubts that were read."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        """Take the items of `doubt_partitions`."""
        self._known = {(int(str(item[PK])[2:]), str(item[SK])) for item in items}

    def _near(self, kind: DoubtKind, source: str, stretch: int) -> bool:
        return any(
            (near, f"{kind}#{source}") in self._known for near in range(stretch - 1, stretch + 2)
        )

    def graded(self, grade: Grade, needs: Need, source: str, began_s: float) -> Grade:
        """Give what is left of a grade: one that is doubted is ambiguous.

        Args:
            grade: of an edge, or under which it was counted.
            needs: of the edge, or of the EdgeName that it was counted under.
            source: likewise.
            began_s: when the edge's child began, or any time of the rollup's minute.
        """
        stretch = stretch_of(began_s)
        if not needs or (needs == "content" and not self._near("returning", source, stretch)):
            return grade
        doubted = self._near("unexplained", source, stretch) or self._near("gap", "", stretch)
        return "ambiguous" if doubted else grade
