"""`gammaray-tui export`: the graph of recorded files, as a document or a drawing."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.output import ended_pipe_is_fine, say, write_result
from providers.errors import UserError

if TYPE_CHECKING:
    from causality.engine import Engine
    from causality.filters import Test
    from providers.events import ProviderEvent
    from providers.files import FileSet


class Format(StrEnum):
    """The forms in which the graph can be written."""

    JSON = "json"
    DOT = "dot"
    MERMAID = "mermaid"
    GRAPHML = "graphml"
    CSV = "csv"
    PERFETTO = "perfetto"
    OTLP = "otlp"
    SVG = "svg"
    PNG = "png"


class View(StrEnum):
    """What the graph's nodes stand for."""

    INSTANCE = "instance"
    CALLS = "calls"
    AGGREGATE = "aggregate"


FormatName: TypeAlias = Annotated[
    Format, typer.Option("--format", help="Form of the document; see docs/exports.md.")
]
ViewName: TypeAlias = Annotated[
    View,
    typer.Option(
        "--view",
        help="A node an invocation, with the calls that can trigger; the same with all calls; "
        "or a node a function and resource.",
    ),
]
Filter: TypeAlias = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="EXPR",
        help="Only chains with a fitting invocation, such as 'function:Image* error'.",
    ),
]
OutputFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to write it. Default: stdout."),
]


def export(
    context: typer.Context,
    paths: options.Paths,
    format_name: FormatName = Format.JSON,
    view: ViewName = View.INSTANCE,
    expression: Filter = "",
    output: OutputFile = None,
) -> None:
    """Write the causal graph of recorded files.

    Files: stream records (*.jsonl, also of `tail --json`), the original GammaRay's text dumps
    (*.new), X-Ray documents (*.xray). A record that stands in two of them counts once.
    """
    options.given_before(context).refuse_aws("export")
    from causality.views import select
    from gammaray_tui.exports import written
    from providers.files import read

    test = _test_of(expression)
    if format_name is Format.PNG and output is None and sys.stdout.isatty():
        raise UserError("A PNG cannot be shown here.", todo="Name a file with -o.", kind="usage")
    files = collect_files(paths)
    engine = graph_of(read(files))
    if not engine.invocations:
        raise _nothing_in(paths, "The files hold no record of an invocation." + _unreadable(engine))
    if test is not None and not select(engine, test):
        say(f"no invocation fits {expression!r}")
    with ended_pipe_is_fine():
        write_result(written(engine, view, format_name, test=test), output)


def graph_of(events: Iterable[ProviderEvent]) -> Engine:
    """Make the final graph of input that has an end."""
    from causality.engine import Engine
    from providers.events import Gap, RecordBatch, TraceBatch

    engine = Engine()
    for event in events:
        if isinstance(event, RecordBatch):
            engine.apply_records(event.records)
            engine.apply_unreadable(event.unreadable)
        elif isinstance(event, TraceBatch):
            engine.apply_documents(event.documents)
        elif isinstance(event, Gap):
            engine.apply_gap(f"{event.region} {event.source}: {event.detail}", event.at_s)
    engine.finish()
    engine.settle()
    return engine


def _unreadable(engine: Engine) -> str:
    reasons = [lost.detail for lost in engine.lost if lost.kind == "unreadable"]
    if not reasons:
        return ""
    return f" {engine.unreadable} could not be read; the first: {reasons[0][:160]}"


def collect_files(paths: list[Path]) -> FileSet:
    """Find the readable files among `paths`, and name those that are left alone on stderr.

    Raises:
        UserError: a path does not exist, or there is nothing to read in any of them.
    """
    from providers.files import collect

    files = collect(paths)
    for path in files.ignored:
        say(f"ignored: {path}")
    if not files.files:
        raise _nothing_in(paths, "There is no file to read.")
    return files


def _test_of(expression: str) -> Test | None:
    from causality.filters import FilterError, parse

    try:
        return parse(expression)
    except FilterError as error:
        raise UserError(
            f"The filter cannot be read: {error}",
            on="--filter",
            todo=f"{expression}\n{'^':>{error.column}}",
            kind="usage",
        ) from error


def _nothing_in(paths: list[Path], what: str) -> UserError:
    return UserError(
        what,
        on=", ".join(str(path) for path in paths),
        todo="Name *.jsonl, *.new or *.xray files, or a folder that holds some.",
        kind="empty",
    )
