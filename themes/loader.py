"""Reads theme files: a name, the colours that Textual knows, and variables of our own."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parent


class ThemeError(ValueError):
    """A theme file that cannot be used; the message names the file and what is wrong."""


class Colors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The colours of a theme, as `#rrggbb`, or `ansi_red` and so on in one that is `ansi`."""

    primary: str
    secondary: str
    accent: str
    success: str
    warning: str
    error: str
    foreground: str
    background: str
    surface: str
    panel: str


class Variables(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Colours that only our widgets use; None leaves one to be derived from the others."""

    region_a: str | None = None
    region_b: str | None = None
    region_c: str | None = None
    region_d: str | None = None
    rail: str | None = None
    faint: str | None = None
    spark: str | None = None
    text_muted: str | None = None
    cursor_line: str | None = None
    cursor_line_blurred: str | None = None
    panel_line: str | None = None
    border_blurred: str | None = None


class ThemeSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A theme, as its file says.

    Attributes:
        ansi: whether the terminal's own colours are used, as the terminal shows them.
    """

    name: str
    dark: bool
    colors: Colors
    ansi: bool = False
    variables: Variables = Variables()

    def variables_set(self) -> dict[str, str]:
        """Give our own variables by their CSS names, those alone that the file sets."""
        values = msgspec.to_builtins(self.variables)
        return {name: value for name, value in values.items() if value is not None}


def load_themes(*folders: Path) -> list[ThemeSpec]:
    """Read all themes: ours, then those of further folders; a later one replaces its namesake.

    Raises:
        ThemeError: a file cannot be read as a theme.
    """
    themes: dict[str, ThemeSpec] = {}
    for folder in (FOLDER, *folders):
        for path in sorted(folder.glob("*.toml")):
            theme = load_theme(path)
            themes[theme.name] = theme
    return list(themes.values())


def load_theme(path: Path) -> ThemeSpec:
    """Read one theme file.

    Raises:
        ThemeError: it cannot be read as a theme; says what is wrong, and what may be meant.
    """
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
        return msgspec.convert(content, ThemeSpec)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ThemeError(f"{path}: {error}") from error
    except msgspec.ValidationError as error:
        raise ThemeError(f"{path}: {error}{_meant(str(error))}") from error


def _meant(message: str) -> str:
    known = [
        *ThemeSpec.__struct_encode_fields__,
        *Colors.__struct_encode_fields__,
        *Variables.__struct_encode_fields__,
    ]
    parts = message.split("`")
    if "unknown field" not in message or len(parts) < 2:
        return ""
    close = get_close_matches(parts[1], known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
