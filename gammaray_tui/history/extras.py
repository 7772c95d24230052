"""What archives and questions to them need, and is not installed with the rest."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from providers.errors import UserError

_EXTRAS: Final = {
    "history": ("pyarrow", "duckdb", "ibis"),
    "spark": ("pyarrow", "ibis", "pyspark"),
}


def extra_of(engine: str) -> str:
    """Name the extra that an engine needs."""
    name = engine.partition("://")[0]
    return name if name in _EXTRAS else "history"


def need_extra(name: str) -> None:
    """See whether an extra is installed, without importing any of it.

    Raises:
        UserError: it is not.
    """
    missing = [module for module in _EXTRAS[name] if find_spec(module) is None]
    if missing:
        raise UserError(
            f"This needs {', '.join(missing)}, which the extra `{name}` brings.",
            todo=f"Install it with: pip install 'gammaray-tui[{name}]'",
            kind="missing-extra",
        )
