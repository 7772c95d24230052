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
