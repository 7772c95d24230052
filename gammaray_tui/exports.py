"""What can be exported: the views and formats, in one place for the screen and the commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gammaray_tui.model import Model


@dataclass(frozen=True, slots=True)
class Named:
    """Something to choose, with what it means."""

    id: str
    meaning: str


VIEWS: tuple[Named, ...] = (Named("instance", "every invocation and what caused it"),)
FORMATS: tuple[Named, ...] = (
    Named("json", "graph document, for programs"),
    Named("dot", "Graphviz, for drawing"),
)


@runtime_checkable
class _KnowsFormats(Protocol):
    @property
    def export_formats(self) -> Sequence[str]:
        """The formats that `export` writes."""


def formats_of(model: Model) -> list[Named]:
    """Give the formats that a model writes; json, unless it says more."""
    known = model.export_formats if isinstance(model, _KnowsFormats) else ("json",)
    return [entry for entry in FORMATS if entry.id in known]
