"""What the writer needs of the place where records go: a table, or the function's log."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Protocol

    Item = Dict[str, Dict[str, str]]

    class Sink(Protocol):
        """Takes items; used by one thread at a time.

        Attributes:
            place: where the records go, for people.
            payload_limit: bytes of an item's payload.
        """

        place: str
        payload_limit: int

        def open(self) -> None:
            """Get ready for the first write. Raises OSError."""

        def forget(self) -> None:
            """Leave what is open to the parent process, after a fork."""

        def write(self, items: List[Item]) -> List[Item]:
            """Write items and give those that were not taken.

            Raises:
                Unavailable: none of the items not yet written was; trying later may help.
                Refused: trying again will not help.
            """


class Unavailable(Exception):
    """The items were not written, and may be later: throttled, no network, slow."""


class Refused(Exception):
    """The items will not be written: no such table, no permission, no credentials."""
