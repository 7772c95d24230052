"""The colours of the theme that is on, as Rich styles for the widgets that paint line by line.

Line widgets paint thousands of cells a second; looking styles up in the stylesheet for each
would cost more than the painting. One palette is made when the theme changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style
from textual.color import Color, ColorParseError

from causality.snapshot import State

REGION_VARIABLES = ("region-a", "region-b", "region-c", "region-d")


@dataclass(frozen=True, slots=True)
class Palette:
    """A style for each role; none but the cursors and the badges has a background."""

    text: Style
    strong: Style
    muted: Style
    faint: Style
    rail: Style
    ok: Style
    error: Style
    error_badge: Style
    warn: Style
    warn_badge: Style
    running: Style
    key: Style
    brand: Style
    cursor: Style
    cursor_mark: Style
    blurred_cursor: Style
    spark: Style
    regions: tuple[Style, ...]

    def state(self, state: State) -> Style:
        """Give the style of an invocation's state."""
        if state == "ok":
            return self.ok
        if state == "running":
            return self.running
        if state == "unknown":
            return self.muted
        return self.error

    @classmethod
    def from_theme(cls, variables: Mapping[str, str], *, ansi: bool) -> Palette:
        """Make the palette of a theme from its CSS variables.

        Args:
            variables: `App.theme_variables`.
            ansi: whether the terminal's own colours are used; these cannot be blended, so that
                quiet text is dim and the cursor's line is in reverse.
        """
        background = _color(variables, "background", Color(0, 0, 0))
        text = _color(variables, "foreground", Color(200, 200, 200))

        def style(name: str, *, bold: bool = False, dim: bool = False) -> Style:
            color = _color(variables, name, text)
            if not ansi and color.a < 1:
                color = background.blend(color, color.a, alpha=1)
            return Style(color=color.rich_color, bold=bold or None, dim=dim or None)

        def quiet(name: str, share: float) -> Style:
            if ansi:
                return Style(color=text.rich_color, dim=True)
            chosen = variables.get(name, "")
            if chosen and not chosen.startswith("auto"):
                return style(name)
            return Style(color=background.blend(text, share, alpha=1).rich_color)

        if ansi:
            cursor = Style(reverse=True, bold=True)
            blurred = Style(bold=True)
        else:
            cursor = _background(variables, "cursor-line", background, bold=True)
            blurred = _background(variables, "cursor-line-blurred", background)
        error = style("error", bold=True)
        warn = style("warning")
        return cls(
            text=style("foreground"),
            strong=style("foreground", bold=True),
            muted=quiet("text-muted", 0.6),
            faint=quiet("faint", 0.4),
            rail=quiet("rail", 0.4),
            ok=style("success"),
            error=error,
            error_badge=error + Style(reverse=True),
            warn=warn,
            warn_badge=warn + Style(reverse=True, bold=True),
            running=style("primary"),
            key=style("accent", bold=True),
            brand=style("accent", bold=True),
            cursor=cursor,
            cursor_mark=style("accent", bold=True),
            blurred_cursor=blurred,
            spark=style("spark"),
            regions=tuple(style(name) for name in REGION_VARIABLES),
        )


def _color(variables: Mapping[str, str], name: str, otherwise: Color) -> Color:
    try:
        return Color.parse(variables[name])
    except (KeyError, ColorParseError):
        return otherwise


def _background(
    variables: Mapping[str, str], name: str, background: Color, *, bold: bool = False
) -> Style:
    color = _color(variables, name, background)
    if color.a < 1:
        color = background.blend(color, color.a, alpha=1)
    return Style(bgcolor=color.rich_color, bold=bold or None)
