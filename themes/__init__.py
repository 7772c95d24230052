"""Themes: TOML files, and their loader."""

from __future__ import annotations

from themes.loader import ThemeError, ThemeSpec, load_theme, load_themes

__all__ = ["ThemeError", "ThemeSpec", "load_theme", "load_themes"]
