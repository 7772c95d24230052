"""What all widgets of one application share: signs, colours, and which colour a region has."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style

from widgets.formats import short_region
from widgets.glyphs import ASCII, UNICODE, Glyphs
from widgets.palette import Palette
from widgets.text import cut, left, name, right, shortened, shortened_path, shown


class Look:
    """Signs, colours and regions; one object, given to every widget that paints.

    Attributes:
        glyphs: the set of signs in use.
        palette: the styles of the theme that is on; the application replaces it when the theme
            changes, and has the widgets painted again.
    """

    def __init__(self, palette: Palette, *, ascii_only: bool = False) -> None:
        self.glyphs: Glyphs = ASCII if ascii_only else UNICODE
        self.palette = palette
        self._regions: dict[str, int] = {}

    def know_regions(self, regions: Iterable[str]) -> None:
        """Fix the order, and so the colours, of these regions, unless known already."""
        for region in regions:
            self._number(region)

    def region_style(self, region: str) -> Style:
        """Give the colour of a region, the same in every widget."""
        styles = self.palette.regions
        return styles[self._number(region) % len(styles)]

    @property
    def short_region_width(self) -> int:
        """Cells that the short names of the regions seen so far need, four at least."""
        return max((len(short_region(region)) for region in self._regions), default=4)

    @property
    def region_width(self) -> int:
        """Cells that the full names of the regions seen so far need, nine at least."""
        return max(9, max((len(region) for region in self._regions), default=9))

    def safe(self, text: str) -> str:
        """Give text from elsewhere, safe to show, in the signs in use."""
        return self.glyphs.text(shown(text))

    def cut(self, text: str, width: int) -> str:
        """Cut safe text to at most `width` cells."""
        return cut(text, width, self.glyphs.ellipsis)

    def shortened(self, text: str, width: int) -> str:
        """Cut safe text, such as a name, to at most `width` cells, in its middle."""
        return shortened(text, width, self.glyphs.ellipsis)

    def shortened_path(self, text: str, width: int) -> str:
        """Cut safe names with " → " between them to at most `width` cells, each in its middle."""
        return shortened_path(text, self.glyphs.text(" → "), width, self.glyphs.ellipsis)

    def name(self, text: str, width: int) -> str:
        """Cut a safe name in its middle and pad it to exactly `width` cells, flush left."""
        return name(text, width, self.glyphs.ellipsis)

    def left(self, text: str, width: int) -> str:
        """Cut and pad safe text to exactly `width` cells, flush left."""
        return left(text, width, self.glyphs.ellipsis)

    def right(self, text: str, width: int) -> str:
        """Cut and pad safe text to exactly `width` cells, flush right."""
        return right(text, width, self.glyphs.ellipsis)

    def _number(self, region: str) -> int:
        return self._regions.setdefault(region, len(self._regions))
