"""A painted list as tall as its content, for dialogs."""

from __future__ import annotations

from typing import ClassVar

from widgets.painted_list import PaintedList


class GrowingList(PaintedList):
    """Grows with its lines, up to the `max-height` that a screen sets."""

    GROWS: ClassVar[bool] = True
    DEFAULT_CSS = """
    GrowingList { height: auto; overflow-y: auto; }
    """
