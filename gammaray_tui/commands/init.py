"""`gammaray-tui init`: questions, and a commented configuration file made of the answers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.output import EXIT_FAILED, say, write_result
from providers.errors import UserError

_ORIGINAL = "GammaRay.env"


def init(
    context: typer.Context,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take over the original's GammaRay.env."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    yes: options.Yes = False,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    since: options.Since = None,
    theme: options.Theme = None,
    as_json: options.AsJson = False,
    config: options.ConfigFile = None,
) -> None:
    """Write a commented configuration file.

    Asks for what options and the file of --from leave open; with --yes, or without a terminal,
    it takes the defaults. Nothing is asked of AWS.
    """
    from gammaray_tui.config import default_path
    from gammaray_tui.settings_file import read_original

    given = options.Given(
        profile=profile, regions=options.split_regions(region), table=table,
        endpoint_url=endpoint_url, since=since, theme=theme, config=config,
    ).over(options.given_before(context))  # fmt: skip
    path = (given.config or default_path()).expanduser()
    if os.path.exists(path) and not force:  # also of what cannot be a path
        raise UserError(
            "There is a configuration file already.",
            on=str(path),
            todo="Edit it, or give --force to replace it, or --config to write another one.",
            kind="config",
        )
    asks = not yes and sys.stdin.isatty()
    if source is None and Path(_ORIGINAL).is_file() and asks:
        say(f"There is a {_ORIGINAL} here.")
        if typer.confirm("Take over what it says?", default=True, err=True):
            source = Path(_ORIGINAL)
    values: dict[str, Any] = read_original(source, say) if source is not None else {}
    said = {
        "profile": given.profile, "regions": given.regions, "table": given.table,
        "endpoint_url": given.endpoint_url, "since": given.since, "theme": given.theme,
    }  # fmt: skip
    values |= {name: value for name, value in said.items() if value}
    if asks:
        values = _asked(values)
    _write(path, values, as_json=as_json)


def _asked(values: dict[str, Any]) -> dict[str, Any]:
    from botocore.session import Session

    session = Session()
    names = session.available_profiles
    if names:
        say(f"Profiles in ~/.aws: {', '.join(names)}.")
    profile = _ask("Profile (empty: the default credentials)", values.get("profile", ""))
    if profile and profile not in names:
        say(f"There is no profile {profile} yet: make it with `aws configure`.")
    region = Session(profile=profile or None).get_config_variable if profile in names else None
    home = (region("region") if region is not None else None) or ""
    regions = _ask(
        "Regions, separated by commas (empty: the profile's own)",
        ",".join(values.get("regions", ())) or home,
    )
    table = _ask("Record table", values.get("table", "gammaRays"))
    read_only = typer.confirm("Take away everything that changes AWS?", default=False, err=True)
    answers = {
        "profile": profile,
        "regions": options.split_regions([regions]),
        "table": table,
        "read_only": read_only,
    }
    return values | {name: value for name, value in answers.items() if value}


def _ask(question: str, default: str) -> str:
    return str(typer.prompt(question, default=default, show_default=bool(default), err=True))


def _write(path: Path, values: dict[str, Any], *, as_json: bool) -> None:
    from gammaray_tui.config import read_config
    from gammaray_tui.settings_file import commented

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder cannot be made: {error.strerror or error}.",
            on=str(path.parent),
            todo="Name another file with --config.",
            kind="output",
        ) from error
    write_result(commented(values).encode(), path)
    try:
        read_config(path)
    except UserError as error:  # a region that is none, say: better known now than later
        say(str(error))
        raise typer.Exit(EXIT_FAILED) from error
    if as_json:
        sys.stdout.write(json.dumps({"path": str(path), **values}) + "\n")
    say(f"Written: {path}")
    say("Next: `gammaray-tui doctor` checks the account, `gammaray-tui setup` makes the table.")
