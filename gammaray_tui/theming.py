"""Theme files as Textual themes: ours, the user's, and our variables for all others."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from providers.errors import UserError
from themes import ThemeError, ThemeSpec, load_theme


def known_theme(name: str, available: Collection[str]) -> str:
    """Give the name back when there is such a theme.

    Raises:
        UserError: there is none; it names those that there are.
    """
    if name in available:
        return name
    close = get_close_matches(name, available, n=1)
    hint = f'Did you mean "{close[0]}"? ' if close else ""
    raise UserError(
        f'There is no theme "{name}".',
        todo=f"{hint}There are: {', '.join(sorted(available))}.",
        kind="unknown-theme",
    )


class UserThemes:
    """The theme files of a folder, read again when they change."""

    def __init__(self, folder: Path) -> None:
        """Remember the folder; it need not exist."""
        self._folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}

    def changed(self) -> tuple[list[ThemeSpec], list[ThemeError]]:
        """Read the files that are new or changed since the last time, and say which cannot be."""
        specs: list[ThemeSpec] = []
        errors: list[ThemeError] = []
        for path in sorted(self._folder.glob("*.toml")):
            try:
                stat = path.stat()
            except OSError:
                continue  # it was just deleted
            version = (stat.st_mtime_ns, stat.st_size)
            if self._seen.get(path) == version:
                continue
            self._seen[path] = version
            try:
                specs.append(load_theme(path))
            except ThemeError as error:
                errors.append(error)
        return specs, errors


def textual_theme(spec: ThemeSpec) -> Theme:
    """Make a Textual theme of a theme file."""
    colors = spec.colors
    # Without colours of its own to blend, an ANSI theme has to name those of inputs and lists.
    basis = BUILTIN_THEMES["ansi-dark" if spec.dark else "ansi-light"].variables
    return Theme(
        name=spec.name,
        dark=spec.dark,
        ansi=spec.ansi,
        primary=colors.primary,
        secondary=colors.secondary,
        accent=colors.accent,
        success=colors.success,
        warning=colors.warning,
        error=colors.error,
        foreground=colors.foreground,
        background=colors.background,
        surface=colors.surface,
        panel=colors.panel,
        variables={**(basis if spec.ansi else {}), **spec.variables_set()},
    )


def variable_defaults(theme: Theme) -> dict[str, str]:
    """Derive every variable of our own from a theme's colours, for any theme that lacks it."""
    if theme.ansi:
        return {
            "region-a": "ansi_cyan",
            "region-b": "ansi_magenta",
            "region-c": "ansi_yellow",
            "region-d": "ansi_green",
            "rail": "ansi_default",
            "faint": "ansi_default",
            "spark": "ansi_blue",
            "cursor-line": "ansi_default",
            "cursor-line-blurred": "ansi_default",
            "panel-line": "ansi_default",
        }
    background = _color(theme.background, "#121212" if theme.dark else "#efefef")
    foreground = _color(theme.foreground, "#e0e0e0" if theme.dark else "#1f1f1f")
    primary = Color.parse(theme.primary)
    return {
        "region-a": theme.secondary or theme.primary,
        "region-b": theme.accent or theme.warning or theme.primary,
        "region-c": theme.warning or theme.primary,
        "region-d": theme.success or theme.primary,
        "rail": background.blend(foreground, 0.35).hex,
        "faint": background.blend(foreground, 0.45).hex,
        "spark": background.blend(primary, 0.6).hex,
        "cursor-line": background.blend(primary, 0.3).hex,
        "cursor-line-blurred": background.blend(primary, 0.12).hex,
        "panel-line": _color(theme.surface, background.hex).hex,
    }


def _color(value: str | None, otherwise: str) -> Color:
    return Color.parse(value or otherwise)
