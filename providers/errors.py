"""The one kind of error that users meet: what happened, on what, and what to do next."""

from __future__ import annotations


class UserError(Exception):
    """An error to show as it is, without a traceback.

    Attributes:
        what: what happened, one sentence.
        on: what it happened on: profile, region, resource; may be empty.
        todo: what the user can do next, one or two sentences.
        kind: a short fixed word for programs, e.g. "no-credentials", "table-missing".
    """

    def __init__(self, what: str, *, on: str = "", todo: str = "", kind: str = "error") -> None:
        super().__init__(what)
        self.what = what
        self.on = on
        self.todo = todo
        self.kind = kind

    def __str__(self) -> str:
        where = f" ({self.on})" if self.on else ""
        then = f"\n{self.todo}" if self.todo else ""
        return f"{self.what}{where}{then}"
