from __future__ import annotations

from pathlib import Path

import pytest

from gammaray_tui import config
from gammaray_tui.commands.options import Given
from gammaray_tui.config import VARIABLES, Settings, load_settings, misspelt, read_config
from providers.errors import UserError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config.toml"
    monkeypatch.setattr(config, "default_path", lambda: path)
    return path


def test_without_any_source_the_defaults_hold(file: Path) -> None:
    assert load_settings(Given(), {}) == Settings()
    assert Settings().table == "gammaRays"
    assert Settings().since == "15m"


def test_file_over_defaults(file: Path) -> None:
    file.write_text(
        'profile = "p"\nregions = ["us-west-2", "us-east-1"]\ntable = "t"\nsince = "all"\n'
        'endpoint_url = "http://127.0.0.1:4566"\ntheme = "light"\nascii = true\n'
    )
    assert load_settings(Given(), {}) == Settings(
        profile="p",
        regions=("us-west-2", "us-east-1"),
        table="t",
        since="all",
        since_from=f"`since` in {file}",
        endpoint_url="http://127.0.0.1:4566",
        theme="light",
        ascii_only=True,
    )


def test_environment_over_file_and_command_line_over_environment(file: Path) -> None:
    file.write_text('profile = "file"\nregions = ["eu-west-1"]\ntable = "file"\nascii = true\n')
    environ = {
        "GAMMARAY_PROFILE": "environment",
        "GAMMARAY_REGIONS": "us-west-2, us-east-1",
        "GAMMARAY_ASCII": "no",
    }
    settings = load_settings(Given(), environ)
    assert (settings.profile, settings.regions) == ("environment", ("us-west-2", "us-east-1"))
    assert (settings.table, settings.ascii_only) == ("file", False)

    settings = load_settings(
        Given(profile="line", regions=("sa-east-1",), ascii_only=True), environ
    )
    assert (settings.profile, settings.regions) == ("line", ("sa-east-1",))
    assert settings.ascii_only


def test_empty_variables_say_nothing(file: Path) -> None:
    file.write_text('profile = "file"\nregions = ["eu-west-1"]\n')
    settings = load_settings(Given(), {"GAMMARAY_PROFILE": "", "GAMMARAY_REGIONS": " , "})
    assert (settings.profile, settings.regions) == ("file", ("eu-west-1",))


def test_variables_of_the_recorder_are_none_of_ours(file: Path) -> None:
    assert load_settings(Given(), {"GAMMARAY_HASH_KEYS": "1"}) == Settings()


def test_named_file_wins_over_the_usual_one(file: Path, tmp_path: Path) -> None:
    file.write_text('profile = "usual"\n')
    named, other = tmp_path / "named.toml", tmp_path / "other.toml"
    named.write_text('profile = "named"\n')
    other.write_text('profile = "other"\n')
    environ = {"GAMMARAY_CONFIG": str(other)}
    assert load_settings(Given(), environ).profile == "other"
    assert load_settings(Given(config=named), environ).profile == "named"


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist") as caught:
        load_settings(Given(config=tmp_path / "none.toml"), {})
    assert caught.value.on == str(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('regoins = ["a"]', 'Did you mean "regions"'),
        ("zebra = 1", "Known keys are: profile, regions, table"),
        ("regions = 3", "regions"),
        ("profile = ", "not valid TOML"),
        ('since = ["15m"]', "since"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        read_config(file)
    assert message in str(caught.value)
    assert caught.value.on == str(file)


def test_a_file_that_is_not_text_is_said(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not valid TOML"):
        read_config(file)


def test_a_switch_is_yes_or_no(file: Path) -> None:
    with pytest.raises(UserError, match="GAMMARAY_ASCII"):
        load_settings(Given(), {"GAMMARAY_ASCII": "maybe"})


@pytest.mark.parametrize("text", ["1", "yes", "true"])
def test_read_only_from_any_source_holds(file: Path, text: str) -> None:
    assert load_settings(Given(), {"GAMMARAY_READ_ONLY": text}).read_only
    assert load_settings(Given(read_only=True), {"GAMMARAY_READ_ONLY": "0"}).read_only
    file.write_text("read_only = true\n")
    assert load_settings(Given(), {"GAMMARAY_READ_ONLY": "0"}).read_only


@pytest.mark.parametrize(
    ("given", "environ", "said_in"),
    [
        (Given(since="x"), {"GAMMARAY_SINCE": "y"}, "--since"),
        (Given(), {"GAMMARAY_SINCE": "y"}, "GAMMARAY_SINCE"),
        (Given(), {}, "config.toml"),
    ],
)
def test_who_said_since_is_known(
    file: Path, given: Given, environ: dict[str, str], said_in: str
) -> None:
    file.write_text('since = "yesterday"\n')
    assert said_in in load_settings(given, environ).since_from


def test_misspelt_variables_are_named_with_what_was_meant() -> None:
    (line,) = misspelt({"GAMMARAY_REDONLY": "1", "GAMMARAY_HANDLER": "a.b", "PATH": ""})
    assert "GAMMARAY_REDONLY" in line
    assert "GAMMARAY_READ_ONLY" in line
    assert misspelt(dict.fromkeys(VARIABLES, "1")) == []


def test_the_readme_explains_every_variable() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    assert [name for name in VARIABLES if name not in readme] == []


def test_keys_and_themes_of_the_user(file: Path) -> None:
    assert load_settings(Given(), {}).appearance["density"] == "compact"
    file.write_text('density = "roomy"\n[keys]\npause = "p"\n')
    appearance = load_settings(Given(), {}).appearance
    assert appearance["density"] == "roomy"
    assert appearance["keys"] == {"pause": "p"}
    assert appearance["theme_folder"] is not None
    assert appearance["theme_folder"].name == "themes"
