"""Writes docs/reference.md from the code: commands, keys, settings.

python -m tests.reference docs/reference.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec
import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from gammaray_tui.actions import ACTIONS, GROUPS
from gammaray_tui.cli import app
from gammaray_tui.config import VARIABLES, Config
from gammaray_tui.keymap import Keymap

_HEAD = """# Reference

Made from the code by `make reference`; a test holds it to that.
"""


def reference() -> str:
    """Give the whole document."""
    parts = [_HEAD, *_commands(), *_keys(), *_settings()]
    return "\n".join(parts).rstrip() + "\n"


def _commands() -> Iterator[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    yield "## Commands\n"
    yield from _command("gammaray-tui", group)
    for name in sorted(group.commands):
        yield from _command(f"gammaray-tui {name}", group.commands[name])


def _command(name: str, command: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=name)
    places = [p for p in command.params if isinstance(p, TyperArgument)]
    usage = " ".join([name, "[OPTIONS]", *(_place(p) for p in places)])
    yield f"### `{usage}`\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    rows = [row for p in command.params if (row := _parameter(p, context)) is not None]
    if rows:
        yield "| option | meaning |\n|---|---|"
        yield from (f"| `{_cell(option)}` | {_cell(meaning)} |" for option, meaning in rows)
        yield ""


def _parameter(parameter: object, context: typer.Context) -> tuple[str, str] | None:
    if isinstance(parameter, TyperArgument):
        text = getattr(parameter, "help", None)
        return (_place(parameter), text) if text else None
    if isinstance(parameter, TyperOption) and not parameter.hidden:
        return parameter.get_help_record(context)
    return None


def _place(argument: TyperArgument) -> str:
    name = argument.metavar or (argument.name or "").upper()
    name += "..." * (argument.nargs == -1)
    return name if argument.required else f"[{name}]"


def _keys() -> Iterator[str]:
    keymap = Keymap()
    yield "## Keys\n"
    yield 'Any of them can be changed in the configuration file: `[keys]`, then `id = "key,key"`.\n'
    for group in GROUPS:
        yield f"### {group}\n"
        yield "| id | keys | what it does |\n|---|---|---|"
        for action in ACTIONS:
            if action.group == group:
                keys = " ".join(f"`{_cell(key)}`" for key in keymap.keys(action))
                yield f"| {action.id} | {keys} | {_cell(action.text)} |"
        yield ""


def _settings() -> Iterator[str]:
    yield "## Settings\n"
    yield "The command line wins over variables, these over the configuration file.\n"
    yield "| in the file | type | meaning |\n|---|---|---|"
    meanings = _attributes(Config)
    for field in msgspec.structs.fields(Config):
        yield f"| `{field.name}` | {_cell(_kind(field.type))} | {_cell(meanings[field.name])} |"
    yield ""
    yield "Variables: " + ", ".join(f"`{name}`" for name in VARIABLES) + ".\n"


def _kind(annotation: Any) -> str:
    """Name a type, or list the texts that it may be."""
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    if len(kinds) == 1 and get_origin(annotation) in (Union, UnionType):
        annotation = kinds[0]
    if get_origin(annotation) is Literal:
        return " or ".join(get_args(annotation))
    return str(getattr(annotation, "__name__", annotation))


def _attributes(kind: type) -> dict[str, str]:
    """Read the attributes that a docstring explains."""
    found: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")[2].splitlines():
        if line.startswith("    ") and not line.startswith("     "):
            name, _, text = line.strip().partition(": ")
            found[name] = text
        elif line.strip():
            found[name] += " " + line.strip()
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), "utf-8")
