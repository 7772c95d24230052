"""The graph that a command reads from files: what all commands that explain files begin with."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gammaray_tui.commands.output import escaped, say
from providers.errors import UserError

if TYPE_CHECKING:
    from causality.engine import Engine
    from causality.filters import Filter
    from causality.graph import Invocation
    from providers.events import ProviderEvent
    from providers.files import FileSet

_SHOWN_MATCHES = 5
_STDIN = Path("-")

FilterExpression: TypeAlias = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="EXPR",
        help="Only chains with a fitting invocation, such as 'function:Image* error'.",
    ),
]


@contextmanager
def without_collections() -> Iterator[None]:
    """Let the garbage collector rest while files are read and told of, and leave what they gave.

    It would look again and again at a graph of which nothing is garbage until the command ends,
    and then take it apart piece by piece.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()


@without_collections()
def read_graph(paths: list[Path]) -> Engine:
    """Read files into a final graph.

    Raises:
        UserError: a path does not exist, or there is no record of an invocation in any.
    """
    from providers.files import read

    engine = graph_of(read(collect_files(paths)))
    unread = _unreadable(engine)
    if not engine.invocations:
        raise _nothing_in(paths, f"The files hold no record of an invocation.{unread}")
    if unread:
        say(unread.strip())
    return engine


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


def collect_files(paths: list[Path]) -> FileSet:
    """Find the readable files among `paths`, and name those that are left alone on stderr.

    "-" stands for standard input.

    Raises:
        UserError: a path does not exist, or there is nothing to read in any of them.
    """
    from providers.files import collect

    files = collect([Path("/dev/stdin") if path == _STDIN else path for path in paths])
    for path in files.ignored:
        say(f"ignored: {path}")
    if not files.files:
        raise _nothing_in(paths, "There is no file to read.")
    return files


def read_filtered(paths: list[Path], expression: str) -> tuple[Engine, Filter | None]:
    """Read files into a final graph, and a filter expression; says so when nothing fits it.

    Raises:
        UserError: the expression cannot be read, or there is nothing in the files.
    """
    check_filter(expression)
    engine = read_graph(paths)
    test = read_filter(expression, engine)
    if test is not None and not any(test(i) for i in engine.invocations.values()):
        from causality.filters import likely_meant

        meant = likely_meant(expression)
        say(f"no invocation fits {expression!r}{f': {meant}' if meant else ''}")
    return engine, test


def check_filter(expression: str, option: str = "--filter") -> None:
    """See whether an expression can be read, before the files are, which may take long.

    Raises:
        UserError: it cannot; points at the column.
    """
    read_filter(expression, None, option)


def read_filter(expression: str, engine: Engine | None, option: str = "--filter") -> Filter | None:
    """Read a filter expression.

    Args:
        expression: as the user wrote it.
        engine: the graph whose latencies quantiles are looked up in; None for an empty one.
        option: where it stood.

    Raises:
        UserError: it cannot be read; points at the column.
    """
    from causality.filters import FilterError, parse
    from causality.latency import latencies_of

    known = engine.invocations.values() if engine is not None else ()
    try:
        return parse(expression, lambda: latencies_of(known))
    except FilterError as error:
        from rich.cells import cell_len  # letters take one cell, two, or none

        before = escaped(expression[: error.column - 1])
        raise UserError(
            f"The filter cannot be read: {error}",
            on=option,
            todo=f"{escaped(expression)}\n{' ' * cell_len(before)}^",
            kind="usage",
        ) from error


def find_invocation(engine: Engine, text: str) -> Invocation:
    """Find an invocation by its request id or by how that begins.

    Raises:
        UserError: there is none, or more than one.
    """
    exact = engine.invocations.get(text)
    if exact is not None:
        return exact
    found = [i for request_id, i in engine.invocations.items() if request_id.startswith(text)]
    if text and len(found) == 1:
        return found[0]
    if not text or not found:
        raise UserError(
            f"No invocation has the request id {text!r}.",
            todo="`gammaray-tui chains PATH...` lists those that chains begin with.",
            kind="usage",
        )
    lines = [f"{i.request_id}  {i.function or ''}" for i in found[:_SHOWN_MATCHES]]
    if len(found) > _SHOWN_MATCHES:
        lines.append(f"and {len(found) - _SHOWN_MATCHES} more")
    raise UserError(
        f"{len(found)} request ids begin with {text!r}.", todo="\n".join(lines), kind="usage"
    )


def _unreadable(engine: Engine) -> str:
    reasons = [lost.detail for lost in engine.lost if lost.kind == "unreadable"]
    if not reasons:
        return ""
    what = "1 record" if engine.unreadable == 1 else f"{engine.unreadable} records"
    return f" {what} could not be read; the first: {reasons[0][:160]}"


def _nothing_in(paths: list[Path], what: str) -> UserError:
    return UserError(
        what,
        on=", ".join(str(path) for path in paths),
        todo="Name *.jsonl, *.new or *.xray files, or a folder that holds some.",
        kind="empty",
    )
