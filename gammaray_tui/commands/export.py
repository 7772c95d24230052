"""`gammaray-tui export`: the graph of recorded files, as a document or a drawing."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.graph_input import (
    FilterExpression,
    find_invocation,
    read_filtered,
    without_collections,
)
from gammaray_tui.commands.output import check_place, ended_pipe_is_fine, write_result
from providers.errors import UserError

if TYPE_CHECKING:
    from causality.filters import Test
    from causality.graph import Invocation


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
OutputFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to write it. Default: stdout."),
]


def export(
    context: typer.Context,
    paths: options.Paths,
    format_name: FormatName = Format.JSON,
    as_json: options.JsonFormat = False,
    view: ViewName = View.INSTANCE,
    expression: FilterExpression = "",
    chain: Annotated[
        str,
        typer.Option(
            "--chain",
            metavar="ID",
            help="Only what this request id belongs to, from its roots on; its beginning will do.",
        ),
    ] = "",
    output: OutputFile = None,
) -> None:
    """Write the causal graph of recorded files.

    Files: stream records (*.jsonl, also of `tail --json`), the original GammaRay's text dumps
    (*.new), X-Ray documents (*.xray), and what `aws` prints of a table (scan, query), of its
    stream (get-records) and of traces (batch-get-traces). A record that stands in two of them
    counts once.
    """
    options.given_before(context).refuse_aws("export")
    from gammaray_tui.exports import written

    check_format(format_name, output, as_json=as_json)
    if chain and expression:
        raise UserError(
            "--chain and --filter both say what to export.", todo="Leave one out.", kind="usage"
        )
    with without_collections():
        test: Test | None
        engine, test = read_filtered(paths, expression)
        if chain:
            test = _is(find_invocation(engine, chain))
        with ended_pipe_is_fine():
            write_result(written(engine, view, format_name, test=test), output)


def check_format(format_name: Format, output: Path | None, *, as_json: bool) -> None:
    """See whether a document can be written as is asked for, before it is made.

    Raises:
        UserError: it cannot.
    """
    if as_json and format_name is not Format.JSON:
        raise UserError(
            f"--json and --format {format_name} exclude each other.",
            todo="Leave one out.",
            kind="usage",
        )
    if format_name is Format.PNG and output is None and sys.stdout.isatty():
        raise UserError("A PNG cannot be shown here.", todo="Name a file with -o.", kind="usage")
    check_place(output)


def _is(member: Invocation) -> Test:
    return lambda invocation: invocation is member
