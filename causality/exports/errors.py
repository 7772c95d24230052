"""What keeps an export from being made."""

from __future__ import annotations


class ExportError(Exception):
    """The export cannot be made here.

    Attributes:
        todo: what the user can do about it.
    """

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(what)
        self.todo = todo
