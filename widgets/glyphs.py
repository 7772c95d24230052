"""The signs that the screens are drawn with, in two sets: Unicode and plain ASCII.

A state is always told by a sign (and a word where it is not ok), never by colour alone. Signs
whose width differs between terminals are left out on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from causality.snapshot import Evidence, Mode, State

STATE_WORDS: Mapping[State, str] = {
    "ok": "ok",
    "error": "error",
    "timeout": "timeout",
    "throttled": "throttled",
    "running": "running",
    "unknown": "unknown",
}
EVIDENCE_LETTERS: Mapping[Evidence, str] = {
    "exact": "A",
    "content": "B",
    "order": "C",
    "ambiguous": "?",
}
MODE_WORDS: Mapping[Mode, str] = {
    "follow": "FOLLOW",
    "hold": "HOLD",
    "paused": "PAUSED",
    "history": "HISTORY",
}


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; each is one cell wide, but for the marks of choices."""

    ascii_only: bool
    state: Mapping[State, str]
    region: Mapping[str, str]
    mode: Mapping[Mode, str]
    step: Mapping[str, str]
    evidence_rail: Mapping[Evidence, str]
    brand: str
    unfolded: str
    folded: str
    cursor: str
    selected: str
    critical: str
    bookmark: str
    cold: str
    pass_on: str  # a rail that goes on below
    branch: str
    last_branch: str
    leader: str  # before a call, which has no rail of its own
    wait: str
    init: str
    run: str
    sdk: str
    run_left_half: str
    run_right_half: str
    running: str
    arrow: str
    ellipsis: str
    times: str
    separator: str
    rule: str
    nothing: str
    up: str
    down: str
    bars: str
    shades: str  # four, ever darker
    radio_on: str
    radio_off: str
    check_on: str
    check_off: str

    def text(self, text: str) -> str:
        """Give a line of ours (or an already safe one) in this set's signs."""
        if not self.ascii_only or text.isascii():
            return text
        return text.translate(_TO_ASCII)


_TO_ASCII = str.maketrans(
    {
        "→": "->",
        "←": "<-",
        "↑": "^",
        "↓": "v",
        "…": "~",
        "–": "-",
        "·": ".",
        "✗": "x",
        "»": ">",
        "✓": "o",
        "γ": "y",
        "×": "x",
        "↺": "@",
        "\ufffd": "?",
        **{chr(0x2400 + code): "?" for code in range(0x22)},
    }
)

UNICODE = Glyphs(
    ascii_only=False,
    state={
        "ok": "✓",
        "error": "✗",
        "timeout": "⧗",
        "throttled": "⊘",
        "running": "»",
        "unknown": "?",
    },
    region={"connecting": "…", "live": "●", "retrying": "◐", "down": "○", "ended": "■"},
    mode={"follow": "▼", "hold": "■", "paused": "‖", "history": "◂"},
    step={"waiting": "·", "running": "»", "done": "✓", "failed": "✗", "skipped": "–"},
    evidence_rail={"exact": "─", "content": "╌", "order": "┈", "ambiguous": "?"},
    brand="γ",
    unfolded="▾",
    folded="▸",
    cursor="▌",
    selected="▶",
    critical="◆",
    bookmark="•",
    cold="C",
    pass_on="│",
    branch="├",
    last_branch="╰",
    leader="╴",
    wait="·",
    init="╍",
    run="━",
    sdk="═",
    run_left_half="╸",
    run_right_half="╺",
    running="╌",
    arrow="→",
    ellipsis="…",
    times="×",
    separator="·",
    rule="─",
    nothing="·",
    up="▴",
    down="▾",
    bars="▁▂▃▄▅▆▇█",
    shades="░▒▓█",
    radio_on="(●)",
    radio_off="( )",
    check_on="[✓]",
    check_off="[ ]",
)

ASCII = Glyphs(
    ascii_only=True,
    state={
        "ok": "o",
        "error": "x",
        "timeout": "t",
        "throttled": "!",
        "running": ">",
        "unknown": "?",
    },
    region={"connecting": "~", "live": "o", "retrying": "*", "down": "x", "ended": "="},
    mode={"follow": "v", "hold": "#", "paused": "=", "history": "<"},
    step={"waiting": ".", "running": ">", "done": "o", "failed": "x", "skipped": "-"},
    evidence_rail={"exact": "-", "content": "~", "order": ".", "ambiguous": "?"},
    brand="y",
    unfolded="-",
    folded="+",
    cursor="|",
    selected=">",
    critical="*",
    bookmark="*",
    cold="C",
    pass_on="|",
    branch="|",
    last_branch="`",
    leader=" ",
    wait=".",
    init="~",
    run="=",
    sdk=":",
    run_left_half="=",
    run_right_half="=",
    running="-",
    arrow="->",
    ellipsis="~",
    times="x",
    separator=".",
    rule="-",
    nothing=".",
    up="^",
    down="v",
    bars="_.:-=+*#",
    shades=".+*#",
    radio_on="(o)",
    radio_off="( )",
    check_on="[x]",
    check_off="[ ]",
)
