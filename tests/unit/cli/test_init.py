from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from gammaray_tui.config import Config, read_config
from gammaray_tui.settings_file import commented, read_original
from providers.errors import UserError
from tests.unit.cli.run import run

ORIGINAL = """
# GammaRay.env
export PREFIX=${HOME}/UCSBFaaS-Wrappers
export AWSPROFILE=testuser   # the IAM user
export REG="us-west-2"
export XREG='us-east-1'
export GAMMATABLE=gamma${SUFFIX}Rays
export ROLE=XXX
source ${PREFIX}/more.env
rm -rf /nothing
"""


def test_the_file_is_commented_and_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(commented({"profile": 'a "b" \\', "regions": ("us-west-2",)}))
    assert read_config(path) == Config(profile='a "b" \\', regions=("us-west-2",))
    assert "# since = " in path.read_text()


def test_every_key_is_in_the_file_and_every_example_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    uncommented = [
        line.removeprefix("# ")
        for line in commented({}).splitlines()
        if line.startswith("# ") and " = " in line
    ]
    path.write_text("\n".join(uncommented))
    read_config(path)
    assert set(tomllib.loads(path.read_text())) == set(Config.__struct_fields__)


def test_the_originals_settings_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "GammaRay.env"
    path.write_text(ORIGINAL)
    assert read_original(path, lambda _: None) == {
        "profile": "testuser",
        "regions": ("us-west-2", "us-east-1"),
        "table": "gammaRays",
    }


def test_what_was_never_filled_in_is_said_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "GammaRay.env"
    path.write_text("export AWSPROFILE=XXX\nexport REG=us-west-2\n")
    said: list[str] = []
    assert read_original(path, said.append) == {"regions": ("us-west-2",)}
    assert "AWSPROFILE" in said[0]


@pytest.mark.parametrize("text", ["", "export OTHER=1", "export REG='us", "\x00"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "GammaRay.env"
    path.write_text(text)
    with pytest.raises(UserError):
        read_original(path, lambda _: None)


def test_the_command_writes_once_and_replaces_only_when_told(tmp_path: Path) -> None:
    original = tmp_path / "GammaRay.env"
    original.write_text(ORIGINAL)
    path = tmp_path / "new" / "config.toml"
    arguments = ("init", "--from", str(original), "--region", "eu-west-1", "--config", str(path))
    done = run(tmp_path, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["regions"] == ["eu-west-1"]
    assert read_config(path).profile == "testuser"

    again = run(tmp_path, *arguments)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert run(tmp_path, *arguments, "--force").returncode == 0
