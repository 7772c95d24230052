"""What could not be read: grouped by reason, because one fault makes thousands of records alike."""

from __future__ import annotations

import re
from itertools import islice

import msgspec

_KEPT = 200
_PLACE = re.compile(
    r"(?P<place>.{1,300}?, (?:byte|line|record) \d+(?:, line \d+)?|[^'\"]{1,300}?:\d+)"
    r": (?P<reason>.+)",
    re.DOTALL,
)
_VALUE = re.compile(r"'[^']*'?|\"[^\"]*\"?|\b\d+\b")
_REASON_CHARS = 160
_EXAMPLE_CHARS = 60


class Lost(msgspec.Struct, frozen=True):
    """Something that could not be read, or is known to be missing.

    Attributes:
        kind: "unreadable" or "gap".
        request_id: the invocation it belonged to, when that could be told.
    """

    kind: str
    detail: str
    request_id: str | None = None
    at_s: float | None = None


class Unread(msgspec.Struct):
    """Records that could not be read for one reason.

    Attributes:
        reason: why the first of them could not.
        example: the beginning of the first one.
        count: how many there were.
        first_place, last_place: the file and line of the first and the last, where known.
        request_id: an invocation that one of them belonged to, where that could be told.
        last_at_s: when the last one was written, where known.
    """

    reason: str
    example: str = ""
    count: int = 0
    first_place: str | None = None
    last_place: str | None = None
    request_id: str | None = None
    last_at_s: float | None = None

    @property
    def text(self) -> str:
        """Say it in one line."""
        places = "" if self.first_place is None else f", in {self.first_place}"
        if self.last_place not in (None, self.first_place):
            places += f" to {self.last_place}"
        records = "1 record" if self.count == 1 else f"{self.count:,} records"
        example = f", such as {self.example!r}" if self.example else ""
        return f"{records}{places}: {self.reason}{example}"


class Losses:
    """The reasons why records could not be read."""

    def __init__(self) -> None:
        """Begin without any."""
        self._by_reason: dict[str, Unread] = {}

    def add(
        self, detail: str, raw: str = "", request_id: str | None = None, at_s: float | None = None
    ) -> None:
        """Count a record that could not be read.

        Args:
            detail: why; it may begin with the record's file and line.
            raw: the record's text, or its beginning.
            request_id: the invocation that it belongs to, where that can be told.
            at_s: when it was written, where that is known.
        """
        placed = _PLACE.match(detail)
        place, reason = (placed["place"], placed["reason"]) if placed else (None, detail)
        reason = reason[:_REASON_CHARS]
        kind = _VALUE.sub("…", reason)
        known = self._by_reason.get(kind)
        if known is None:
            known = self._by_reason[kind] = Unread(reason, raw[:_EXAMPLE_CHARS], first_place=place)
            for old in list(islice(self._by_reason, max(0, len(self._by_reason) - _KEPT))):
                del self._by_reason[old]
        known.count += 1
        known.last_place = place or known.last_place
        known.request_id = known.request_id or request_id
        if at_s is not None:
            known.last_at_s = max(at_s, known.last_at_s or at_s)

    def unread(self) -> list[Unread]:
        """Give the reasons in the order in which they were first met."""
        return list(self._by_reason.values())
