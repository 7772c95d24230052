from __future__ import annotations

from pathlib import Path

import pytest

from themes import ThemeError, load_theme, load_themes

_GOOD = """
name = "mine"
dark = true
[colors]
background = "#000000"
surface = "#000000"
panel = "#000000"
foreground = "#ffffff"
primary = "#0000ff"
secondary = "#00ffff"
accent = "#ffff00"
success = "#00ff00"
warning = "#ffff00"
error = "#ff0000"
"""


def test_ours_are_there_and_set_every_variable() -> None:
    themes = {theme.name: theme for theme in load_themes()}
    assert themes["gammaray-dark"].dark
    assert not themes["gammaray-light"].dark
    for theme in themes.values():
        assert "region-a" in theme.variables_set()
        assert len(theme.variables_set()) == 12
    assert themes["gammaray-terminal"].ansi


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("name", "least"), [("gammaray-contrast", 7.0), ("gammaray-dark", 4.5), ("gammaray-safe", 4.5)]
)
def test_text_can_be_read(name: str, least: float) -> None:
    (theme,) = (theme for theme in load_themes() if theme.name == name)
    colors, variables = theme.colors, theme.variables_set()
    texts = [
        colors.foreground, colors.primary, colors.secondary, colors.accent, colors.success,
        colors.warning, colors.error, variables["text-muted"],
        *(variables[f"region-{letter}"] for letter in "abcd"),
    ]  # fmt: skip
    grounds = [colors.background, colors.surface, variables["panel-line"]]
    assert min(_contrast(text, ground) for text in texts for ground in grounds) >= least
    for ground in (colors.panel, variables["cursor-line"]):
        assert _contrast(colors.foreground, ground) >= least


def _as_seen(color: str, matrix: tuple[tuple[float, float, float], ...]) -> list[float]:
    rgb = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    return [sum(weight * part for weight, part in zip(row, rgb, strict=True)) for row in matrix]


# Machado, Oliveira, Fernandes (2009), severity 1.0: what dichromats see of an RGB colour.
_DEUTERANOPIA = ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969))
_PROTANOPIA = ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052))


@pytest.mark.parametrize("matrix", [_DEUTERANOPIA, _PROTANOPIA])
def test_the_safe_theme_tells_good_from_bad_without_red_and_green(
    matrix: tuple[tuple[float, float, float], ...],
) -> None:
    (theme,) = (theme for theme in load_themes() if theme.name == "gammaray-safe")
    good, bad = (_as_seen(color, matrix) for color in (theme.colors.success, theme.colors.error))
    assert sum((one - other) ** 2 for one, other in zip(good, bad, strict=True)) ** 0.5 > 100


def test_a_users_folder_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(_GOOD)
    (tmp_path / "b.toml").write_text(_GOOD.replace("mine", "gammaray-dark"))
    themes = {theme.name: theme for theme in load_themes(tmp_path)}
    assert themes["mine"].colors.primary == "#0000ff"
    assert themes["gammaray-dark"].colors.primary == "#0000ff"
    assert themes["mine"].variables_set() == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (_GOOD + "[variables]\nraill = '#000000'\n", "did you mean `rail`?"),
        (_GOOD.replace("primary", "primry"), "did you mean `primary`?"),
        ("name = ", "Invalid value"),
        ("name = 'x'\n", "missing required field"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ThemeError) as caught:
        load_theme(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)
