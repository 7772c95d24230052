"""The options that several commands share: declared once, merged once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from gammaray_tui.commands import completion
from providers.errors import UserError

Profile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        help="Profile of ~/.aws to work with.",
        autocompletion=completion.profiles,
    ),
]
Region: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        "-r",
        metavar="REGION",
        help="Region; repeat it for several. Default: the config file's, else the profile's.",
        autocompletion=completion.regions,
    ),
]
Table: TypeAlias = Annotated[
    str | None,
    typer.Option("--table", metavar="NAME", help="Record table. Default: gammaRays."),
]
EndpointUrl: TypeAlias = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="Ask this server instead of AWS."),
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="now|all|DURATION",
        help="Where reading starts, such as 90s, 15m or 2h. Default: 15m.",
    ),
]
Theme: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--theme",
        metavar="NAME",
        autocompletion=completion.themes,
        help="Colours of the screen.",
    ),
]
Ascii: TypeAlias = Annotated[
    bool | None,
    typer.Option("--ascii/--no-ascii", help="Draw with plain ASCII only."),
]
ReadOnly: TypeAlias = Annotated[
    bool,
    typer.Option("--read-only", help="Take away everything that changes AWS."),
]
ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration file to read instead."),
]
Configuration: TypeAlias = Annotated[
    str,
    typer.Option(
        "--configuration",
        "-c",
        metavar="C|T|F|S|D|B",
        autocompletion=completion.configurations,
        help="How functions are observed: clean, X-Ray's tracing, tracing and its SDK, recorder "
        "in the zip, recorder by layer, hybrid. `--config B` says the same.",
    ),
]
Paths: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH",
        help="Files (*.jsonl, *.new, *.xray), or folders of them.",
        show_default=False,
    ),
]
Record: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--record", metavar="FILE", help="Record what comes; `replay FILE` plays it again."
    ),
]
ArchiveTo: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--archive",
        metavar="DIR|s3://BUCKET/PREFIX",
        help="Add what comes to an archive, which `analyze` asks.",
    ),
]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print JSON, one object a line, for programs.")
]
JsonFormat: TypeAlias = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

_UNSAID = (None, ())
_LETTERS = ("C", "T", "F", "S", "D", "B")
_OF_AWS = ("profile", "regions", "table", "endpoint_url", "since")


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line said; None and () where it said nothing."""

    profile: str | None = None
    regions: tuple[str, ...] = ()
    table: str | None = None
    endpoint_url: str | None = None
    since: str | None = None
    theme: str | None = None
    ascii_only: bool | None = None
    read_only: bool = False
    config: Path | None = None

    def over(self, earlier: Given) -> Given:
        """Give these options, filled up with those that stood before the command's name.

        `gammaray-tui --profile p tail` must not quietly read with another profile.
        """
        inherited = {
            field.name: getattr(earlier, field.name)
            for field in fields(self)
            if getattr(self, field.name) in _UNSAID
        }
        return replace(self, **inherited | {"read_only": self.read_only or earlier.read_only})

    def refuse_aws(self, command: str, *, but: Collection[str] = ()) -> Given:
        """Give these options back when none of them is about AWS, which `command` never asks.

        Args:
            command: its name.
            but: options that mean something to it all the same.

        Raises:
            UserError: one is; ignoring it would leave the user with a wrong belief.
        """
        for name in _OF_AWS:
            if name not in but and getattr(self, name) not in _UNSAID:
                option = "--" + name.replace("regions", "region").replace("_", "-")
                raise UserError(
                    f"{option} means nothing to `{command}`, which never asks AWS.",
                    todo=f"Leave {option} out.",
                    kind="usage",
                )
        return self


def given_before(context: typer.Context) -> Given:
    """Give the options that stood before the command's name."""
    return context.obj if isinstance(context.obj, Given) else Given()


def letter_and_file(letter: str, config: Path | None) -> tuple[str, Path | None]:
    """Tell a configuration's letter given as --config from the name of a configuration file."""
    if config is not None and str(config).upper() in _LETTERS and not config.exists():
        return letter or str(config), None
    return letter, config


def in_configuration(application: str, letter: str) -> str:
    """Give the id of an application in a configuration; with "", of the application itself."""
    return f"{application}:{letter.upper()}" if letter else application


def split_regions(regions: list[str] | None) -> tuple[str, ...]:
    """Give each region once, in the order given; "a,b" is read as two."""
    parts = [part.strip() for text in regions or () for part in text.split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))
