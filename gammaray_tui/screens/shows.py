"""What a screen has to offer to be shown every new snapshot."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from causality.snapshot import Snapshot


@runtime_checkable
class ShowsSnapshots(Protocol):
    """A screen that wants every new snapshot."""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show this; cheap when nothing of it changed."""
