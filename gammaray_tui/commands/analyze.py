"""`gammaray-tui analyze`: questions to an archive, answered by an engine for large data."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gammaray_tui.allowed import need_writing
from gammaray_tui.commands import options
from gammaray_tui.commands.output import check_place, ended_pipe_is_fine, say, write_result
from gammaray_tui.spans import read_span
from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.history.asking import Answer


class Name(StrEnum):
    """What can be asked."""

    EDGES = "edges"
    LATENCY = "latency"
    CHAINS = "chains"
    CHANGES = "changes"
    NEVER_TRIGGERED = "never-triggered"
    SHARES = "shares"
    SQL = "sql"


class By(StrEnum):
    """What latencies are of."""

    FUNCTION = "function"
    EDGE = "edge"


class Per(StrEnum):
    """How long the stretches of time are that are told apart."""

    HOUR = "hour"
    DAY = "day"
    ALL = "all"


class Format(StrEnum):
    """The forms of an answer."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


# What each option goes with.
_QUESTIONS: Final[Mapping[str, Collection[Name]]] = {
    "--by": (Name.LATENCY,),
    "--per": (Name.LATENCY, Name.SHARES),
    "--between": {*Name} - {Name.CHANGES, Name.SQL},
    "--before": (Name.CHANGES,),
    "--after": (Name.CHANGES,),
}
_ENGINES: Final = {"--memory": "duckdb", "--athena-output": "athena"}


def analyze(
    context: typer.Context,
    question: Annotated[Name, typer.Argument(metavar="QUESTION", show_default=False)],
    text: Annotated[
        str, typer.Argument(metavar="SQL", help="With sql: what is asked.", show_default=False)
    ] = "",
    dataset: Annotated[
        str,
        typer.Option("--from", metavar="DIR|s3://BUCKET/PREFIX", help="The archive to ask."),
    ] = "",
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="duckdb|spark[://HOST:PORT]|athena",
            help="DuckDB in this process; Spark started here, or one that runs; AWS's Athena.",
        ),
    ] = "duckdb",
    by: Annotated[By, typer.Option("--by", help="With latency: of functions, or of edges.")] = (
        By.FUNCTION
    ),
    per: Annotated[
        Per, typer.Option("--per", help="With latency and shares: by hour or day.")
    ] = Per.ALL,
    between: Annotated[
        str, typer.Option("--between", metavar="FROM..TO", help="Only what began in it (UTC).")
    ] = "",
    before: Annotated[
        str, typer.Option("--before", metavar="FROM..TO", help="With changes: the earlier time.")
    ] = "",
    after: Annotated[
        str, typer.Option("--after", metavar="FROM..TO", help="With changes: the later time.")
    ] = "",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Only so many rows.")
    ] = None,
    memory: Annotated[
        str,
        typer.Option(
            "--memory", metavar="SIZE", help="At most so much for DuckDB, such as 2GB; then disk."
        ),
    ] = "",
    athena_output: Annotated[
        str,
        typer.Option(
            "--athena-output",
            metavar="s3://BUCKET/PREFIX",
            help="With athena: where results go. Default: where the workgroup says.",
        ),
    ] = "",
    athena_workgroup: Annotated[
        str, typer.Option("--athena-workgroup", metavar="NAME", help="With athena.")
    ] = "primary",
    athena_database: Annotated[
        str,
        typer.Option("--athena-database", metavar="NAME", help="With athena: in the Glue catalog."),
    ] = "gammaray_history",
    yes: options.Yes = False,
    form: Annotated[Format, typer.Option("--format", help="Form of the answer.")] = Format.TABLE,
    as_json: options.JsonFormat = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it. Default: stdout."),
    ] = None,
    profile: options.Profile = None,
    region: options.Region = None,
    endpoint_url: options.EndpointUrl = None,
    config: options.ConfigFile = None,
) -> None:
    """Ask an archive: edges, latency, chains, errors, SQL.

    edges: which call started which invocation, and how well that is proven. latency: quantiles
    by function or edge. chains: the slowest, and what their time went to. changes: edges that
    only one of two stretches of time has. never-triggered: calls that started nothing where
    others do. shares: errors and cold starts. sql: your own question.
    """
    from gammaray_tui.config import load_settings

    given = options.Given(
        profile=profile,
        regions=options.split_regions(region),
        endpoint_url=endpoint_url,
        config=config,
    )
    settings = load_settings(given.over(options.given_before(context)))
    dataset = dataset or settings.archive
    if not dataset:
        raise UserError(
            "Which archive?",
            todo="Name it with --from, or as `archive` in the configuration file.",
            kind="usage",
        )
    if text and question is not Name.SQL:
        raise UserError(f"{question} takes no SQL.", todo="Leave it out.", kind="usage")
    _need_meaning(
        question,
        {
            "--by": "" if by is By.FUNCTION else by,
            "--per": "" if per is Per.ALL else per,
            "--between": between,
            "--before": before,
            "--after": after,
        },
    )
    _need_engine(engine, {"--memory": memory, "--athena-output": athena_output})
    form = _one_form(form, as_json=as_json)
    if form is Format.PARQUET and output is None and sys.stdout.isatty():
        raise UserError("Parquet cannot be shown here.", todo="Name a file with -o.", kind="usage")
    check_place(output)
    from gammaray_tui.history.extras import extra_of, need_extra

    need_extra(extra_of(engine))
    from gammaray_tui.history.asking import Question, ask
    from gammaray_tui.history.engines import opened
    from providers.archive.dataset import Dataset, need
    from providers.archive.store import open_store

    asked = Question(
        question.value,
        text,
        by.value,
        per.value,
        read_span("--between", between),
        read_span("--before", before),
        read_span("--after", after),
        limit,
    )
    store = open_store(
        dataset,
        profile=settings.profile,
        endpoint_url=settings.endpoint_url,
    )
    need(Dataset(store))
    place = None
    if engine == "athena":
        need_writing(read_only=settings.read_only)
        from gammaray_tui.history.athena_queries import AthenaPlace  # and AWS's library with it

        place = AthenaPlace(
            settings.regions[0] if settings.regions else "",
            settings.endpoint_url,
            athena_workgroup,
            athena_output,
            athena_database,
            lambda question: yes or _agreed(question),
        )
    with warnings.catch_warnings():
        # Ibis uses what DuckDB and pandas will do away with: nothing that a user could change.
        warnings.simplefilter("ignore", DeprecationWarning)
        with opened(store, engine, memory=memory, athena=place) as archive, ended_pipe_is_fine():
            _write(ask(archive, asked, lambda done: say(f"{done} ...")), form, output)
            if (cost := archive.cost()) is not None:
                say(cost)


def _need_meaning(question: Name, given: Mapping[str, str]) -> None:
    """Refuse options that mean nothing to a question.

    Args:
        question: what is asked.
        given: what is said with each option; nothing where it was not given.
    """
    for option, said in given.items():
        if said and question not in _QUESTIONS[option]:
            shown = f"{option} {said}" if option in ("--by", "--per") else option
            raise _meaningless(shown, f"the question {question}", sorted(_QUESTIONS[option]))


def _need_engine(engine: str, given: Mapping[str, str]) -> None:
    """Refuse options of another engine."""
    for option, said in given.items():
        needed = _ENGINES[option]
        if said and engine != needed:
            raise _meaningless(option, f"--engine {engine}", [f"--engine {needed}"])


def _one_form(form: Format, *, as_json: bool) -> Format:
    if not as_json:
        return form
    if form is not Format.TABLE:
        raise UserError(
            f"--json and --format {form} exclude each other.", todo="Leave one out.", kind="usage"
        )
    return Format.JSON


def _meaningless(option: str, where: str, elsewhere: Sequence[str]) -> UserError:
    """Refuse an option: to pass over it would leave the user with a wrong belief."""
    *some, last = elsewhere
    named = f"{', '.join(some)} and {last}" if some else last
    return UserError(
        f"{option} means nothing to {where}.",
        todo=f"Leave it out; it goes with {named}.",
        kind="usage",
    )


def _agreed(question: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(f"{question}\nMake it?", err=True)


def _write(answer: Answer, form: Format, output: Path | None) -> None:
    from gammaray_tui.history import answers

    names = list(answer.schema.names)
    rows = answers.rows_of(answer.batches)
    if form is Format.PARQUET:
        write_result(answers.as_parquet(answer.schema, answer.batches), output)
        return
    if form is Format.TABLE:
        lines, more = answers.as_table(names, rows)
        if more:
            say(f"the first {answers.TABLE_ROWS} rows are shown; other formats give all")
        if len(lines) == 1:
            say("there is nothing to show")
        pieces: Iterator[bytes] = (line.encode() + b"\n" for line in lines)
    else:
        pieces = answers.as_json(rows) if form is Format.JSON else answers.as_csv(names, rows)
    if output is not None and str(output) != "-":
        write_result(b"".join(pieces), output)
        return
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
