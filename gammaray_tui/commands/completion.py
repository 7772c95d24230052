"""`gammaray-tui completion`: what a shell needs to complete our command line, values included."""

from __future__ import annotations

import configparser
import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

# The protocol of Typer and Click: with this variable set, the program answers the shell.
_VARIABLE = "_GAMMARAY_TUI_COMPLETE"
_PROGRAM = "gammaray-tui"


class Shell(Enum):
    """The shells that completion is written for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell to print it for.")],
) -> None:
    """Print completion for bash, zsh or fish.

    bash: put `eval "$(gammaray-tui completion bash)"` into ~/.bashrc. zsh: the same with zsh into
    ~/.zshrc. fish: gammaray-tui completion fish > ~/.config/fish/completions/gammaray-tui.fish
    """
    os.environ[_VARIABLE] = f"source_{shell.value}"
    context.find_root().command.main(args=[], prog_name=_PROGRAM)


def profiles(incomplete: str) -> list[str]:
    """Give the profiles of ~/.aws that begin so; reads files only."""
    found: set[str] = set()
    for variable, usual in (
        ("AWS_CONFIG_FILE", "~/.aws/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(Path(os.environ.get(variable, usual)).expanduser(), encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        found.update(name.removeprefix("profile ").strip() for name in parser.sections())
    return sorted(
        name
        for name in found
        if name.startswith(incomplete) and not name.startswith(("sso-session ", "services "))
    )


def regions(incomplete: str) -> list[str]:
    """Give the regions that AWS has and that begin so."""
    from providers.aws_errors import known_regions

    return sorted({name for name in known_regions() if name.startswith(incomplete)})


def applications(incomplete: str) -> list[str]:
    """Give the applications that come with this tool and begin so."""
    from providers.manifest import find_applications

    return [one.name for one in find_applications() if one.name.startswith(incomplete)]


def configurations(incomplete: str) -> list[tuple[str, str]]:
    """Give the letters that begin so, each with what it means."""
    from providers.configurations import CONFIGURATIONS

    return [
        (letter, configuration.text)
        for letter, configuration in CONFIGURATIONS.items()
        if letter.startswith(incomplete)
    ]


def themes(incomplete: str) -> list[str]:
    """Give the themes that come with this tool and begin so."""
    from themes import load_themes

    return [theme.name for theme in load_themes() if theme.name.startswith(incomplete)]
