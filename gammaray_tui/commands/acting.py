"""What the commands that change AWS share: whose AWS it is, and how they tell of their steps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.output import EXIT_FAILED, ended_pipe_is_fine, escaped, say, step_line
from providers.errors import UserError

if TYPE_CHECKING:
    from providers.aws_operations import AwsOperations
    from providers.operations import Step


def given_for_acting(
    context: typer.Context,
    profile: str | None,
    region: list[str] | None,
    table: str | None,
    endpoint_url: str | None,
    config: Path | None,
) -> options.Given:
    """Put together the options of a command that changes AWS.

    Raises:
        UserError: --read-only stood before the command's name, or the environment or the file
            says the same.
    """
    from gammaray_tui.config import load_settings

    given = given_for_looking(context, profile, region, table, endpoint_url, config)
    if given.read_only or load_settings(given).read_only:
        raise UserError(
            f"`{context.info_name}` changes AWS, and read-only forbids that.",
            todo="Leave out --read-only, GAMMARAY_READ_ONLY and `read_only` in config.toml.",
            kind="read-only",
        )
    return given


def given_for_looking(
    context: typer.Context,
    profile: str | None,
    region: list[str] | None,
    table: str | None,
    endpoint_url: str | None,
    config: Path | None,
) -> options.Given:
    """Put together the options of a command that asks AWS and changes nothing."""
    return options.Given(
        profile=profile,
        regions=options.split_regions(region),
        table=table,
        endpoint_url=endpoint_url,
        config=config,
    ).over(options.given_before(context))


def acting(given: options.Given, *, tells_unfinished: bool = True) -> AwsOperations:
    """Give the acts on the user's AWS; the screens use the same ones.

    Args:
        given: what the command line said.
        tells_unfinished: say what was stopped half-way earlier; not where it is listed anyway.
    """
    from gammaray_tui.commands.aws import open_session, origin_of
    from gammaray_tui.config import load_settings
    from providers.aws_operations import AwsOperations
    from providers.inventory_local import own_folders
    from providers.unfinished import Journal

    session = open_session(load_settings(given))
    journal = Journal(origin_of(session))
    for one in journal.unfinished() if tells_unfinished else ():
        say(f"Stopped half-way earlier: {one.act}. `gammaray-tui unfinished` tells more.")
    return AwsOperations(session, folders=own_folders(), journal=journal)


def confirm_by_typing(warning: str, word: str) -> None:
    """Ask the person at the terminal to type a word before something is gone for ever.

    Raises:
        UserError: there is no one to ask.
        typer.Exit: something else was typed.
    """
    if not sys.stdin.isatty():
        raise UserError(
            "Nothing was changed: there is no terminal to ask at.",
            todo="Give --yes to go on without being asked, or --dry-run to look.",
            kind="no-terminal",
        )
    say(warning)
    answer = typer.prompt(f"Type {word} to go on", default="", show_default=False)
    if answer.strip() != word:
        say("Nothing was changed.")
        raise typer.Exit(EXIT_FAILED)


class StepPrinter:
    """Prints steps as they are reported: for people, or as JSON, one object a line."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._failures = 0

    def step(self, step: Step) -> None:
        """Print a step's new state."""
        if step.state == "failed":
            self._failures += 1
        if self._as_json:
            self.item(step, "")
        elif step.state in ("done", "failed", "skipped"):
            print_line(step_line(step))

    def planned(self, step: Step) -> None:
        """Print a step that would be taken, or why none is."""
        doing = "stays: " if step.state == "skipped" else "would: "
        self.item(step, f"{doing}{step.region:<10} {step.text}  {step.detail}".rstrip())

    def item(self, item: Any, text: str) -> None:
        """Print one thing: as JSON, or as the text given for it."""
        if self._as_json:
            import msgspec

            print_line(msgspec.json.encode(item).decode())
        else:
            print_line(escaped(text))

    def failed(self, reason: str) -> None:
        """Tell that something failed; the command will end with a non-zero exit code."""
        self._failures += 1
        say(reason)

    def end(self) -> None:
        """End the command: with exit code 1 when anything failed."""
        if self._failures:
            raise typer.Exit(EXIT_FAILED)


def print_line(line: str) -> None:
    """Print one line of the result; an act goes on when its reader has seen enough."""
    with ended_pipe_is_fine():
        sys.stdout.write(line + "\n")
