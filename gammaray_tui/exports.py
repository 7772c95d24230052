"""What can be exported: the views and formats, in one place for the screen and the commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, get_args, runtime_checkable

from causality.engine import Engine
from causality.exports import FORMATS as _FORMATS
from causality.exports import ExportError, render
from causality.filters import Test
from causality.views import VIEWS as _VIEWS
from causality.views import ViewName
from gammaray_tui.model import Model
from providers.errors import UserError


@dataclass(frozen=True, slots=True)
class Named:
    """Something to choose, with what it means."""

    id: str
    meaning: str


VIEWS: tuple[Named, ...] = tuple(Named(name, meaning) for name, meaning in _VIEWS.items())
FORMATS: tuple[Named, ...] = tuple(Named(entry.name, entry.meaning) for entry in _FORMATS.values())


@runtime_checkable
class _KnowsFormats(Protocol):
    @property
    def export_formats(self) -> Sequence[str]:
        """The formats that `export` writes."""


def formats_of(model: Model) -> list[Named]:
    """Give the formats that a model writes; json, unless it says more."""
    known = model.export_formats if isinstance(model, _KnowsFormats) else ("json",)
    return [entry for entry in FORMATS if entry.id in known]


def written(
    engine: Engine, view: str, format_name: str, *, test: Test | None = None, now_s: float = 0.0
) -> bytes:
    """Write a settled graph in one of the FORMATS.

    Raises:
        ValueError: no such view or format.
        UserError: it cannot be drawn here; says what to do.
    """
    if format_name not in _FORMATS:
        raise ValueError(f"there is no format {format_name!r}")
    try:
        return render(engine, _view(view), format_name, test=test, now_s=now_s)
    except ExportError as error:
        raise UserError(
            str(error), on=f"export as {format_name}", todo=error.todo, kind="export"
        ) from error


def _view(name: str) -> ViewName:
    known: tuple[ViewName, ...] = get_args(ViewName)
    for view in known:
        if view == name:
            return view
    raise ValueError(f"there is no view {name!r}")
