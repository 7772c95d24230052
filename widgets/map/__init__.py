"""The service map in terminal cells: layers, lines between them, and the picture of both."""

from __future__ import annotations

from widgets.map.picture import Picture, share

__all__ = ["Picture", "share"]
