"""Text that came from elsewhere, made safe to show, cut and padded by terminal cells.

Names of functions, keys and messages are data: an escape sequence in one must not move the
user's cursor, a right-to-left override must not turn a line around. Such characters are shown
as visible signs. Nothing here (or anywhere in the widgets) reads Rich markup from data.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

_DELETE = 0x7F
_DELETE_SIGN = "\u2421"
_CONTROL_SIGNS = 0x2400  # Unicode's "control pictures" stand in the order of the C0 codes
_REPLACEMENT = "\ufffd"
# They ask for a picture or a letter, which terminals count as different numbers of cells.
_VARIATIONS = frozenset("\ufe0e\ufe0f")
_LEAST_HALF = 3  # cells; of less, nobody recognises a name
_LEAST_NAME = 8  # likewise, of one name among several
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@lru_cache(maxsize=8192)
def shown(text: str) -> str:
    """Give `text` with every character that a terminal might obey replaced by a visible one."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    if character in _VARIATIONS:
        return ""
    if code < 0x20:
        return chr(_CONTROL_SIGNS + code)
    if code == _DELETE:
        return _DELETE_SIGN
    if unicodedata.category(character) in _UNSAFE:
        return _REPLACEMENT
    return character


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut `text` to at most `width` cells, the last of them an ellipsis when it was cut."""
    if cell_len(text) <= width:
        return text
    if width <= len(ellipsis):
        return ellipsis[: max(0, width)]
    return set_cell_size(text, width - len(ellipsis)).rstrip() + ellipsis


def shortened(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut `text` to at most `width` cells in its middle: names are often told apart by their end.

    Of the rest, the end gets the larger half.
    """
    if cell_len(text) <= width:
        return text
    room = width - len(ellipsis)
    if room < _LEAST_HALF * 2:
        return cut(text, width, ellipsis)
    end = set_cell_size(text[::-1], (room + 1) // 2)[::-1].lstrip()
    return set_cell_size(text, room // 2).rstrip() + ellipsis + end


def shortened_path(text: str, arrow: str, width: int, ellipsis: str = "…") -> str:
    """Cut names with arrows between them to at most `width` cells, each name in its middle."""
    parts = text.split(arrow)
    room = width - cell_len(arrow) * (len(parts) - 1)
    if cell_len(text) <= width or room < _LEAST_NAME * len(parts):
        return shortened(text, width, ellipsis)
    fitted = list(parts)
    # What the short ones leave over is for the long ones.
    by_length = sorted(range(len(parts)), key=lambda at: cell_len(parts[at]))
    for left_over, at in zip(range(len(parts), 0, -1), by_length, strict=True):
        fitted[at] = shortened(parts[at], room // left_over, ellipsis)
        room -= cell_len(fitted[at])
    return arrow.join(fitted)


def left(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut and pad `text` to exactly `width` cells, flush left."""
    return _padded(cut(text, width, ellipsis), width, before=False)


def name(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut `text` in its middle and pad it to exactly `width` cells, flush left."""
    return _padded(shortened(text, width, ellipsis), width, before=False)


def right(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut and pad `text` to exactly `width` cells, flush right."""
    return _padded(cut(text, width, ellipsis), width, before=True)


def _padded(text: str, width: int, *, before: bool) -> str:
    missing = width - cell_len(text)
    if missing <= 0:
        return text
    return " " * missing + text if before else text + " " * missing
