"""`gammaray-tui overhead`: measure what each configuration costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.acting import given_for_acting, print_line
from gammaray_tui.commands.output import say, say_step, write_result
from providers.errors import UserError

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

    from providers.operations import Step
    from providers.overhead.measure import Wish
    from providers.overhead.summary import Line, Spread, Summary

_ALL = "C,T,F,S,D,B"
_PLOT_WIDTH = 40


def overhead(
    context: typer.Context,
    app: Annotated[
        str, typer.Option("--app", metavar="APP", help="The application to measure.")
    ] = "microbench",
    runs: Annotated[
        int,
        typer.Option(
            "--runs",
            min=1,
            metavar="N",
            help="Warm invocations of each function in each configuration, in fours.",
        ),
    ] = 20,
    configs: Annotated[
        str,
        typer.Option(
            "--configs",
            metavar="LETTERS",
            help="Configurations to compare: C (clean), T (tracing), F (tracing and X-Ray's SDK), "
            "S (recorder in the zip), D (recorder by layer), B (hybrid).",
        ),
    ] = _ALL,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Write a picture, too.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that was interrupted.")
    ] = False,
    profile: options.Profile = None,
    region: options.Region = None,
    table: options.Table = None,
    endpoint_url: options.EndpointUrl = None,
    config: options.ConfigFile = None,
) -> None:
    """Measure what each configuration costs.

    Time, CPU time, memory, cold starts and table writes, against a local AWS that is started for
    it; with --profile or --endpoint-url by deploying there, and deleting afterwards what was
    deployed. All configurations take turns, so that whatever else goes on falls on all of them.
    """
    given = given_for_acting(context, profile, region, table, endpoint_url, config)
    wish = _wish(app, configs, runs, resume)
    try:
        summary = asyncio.run(_measure(given, wish))
    except KeyboardInterrupt:
        say("Interrupted; go on with --resume.")
        raise
    if svg is not None:
        from providers.overhead.chart import chart_of

        write_result(chart_of(summary).encode(), svg)
    if as_json:
        import msgspec

        print_line(msgspec.json.encode(summary).decode())
    else:
        _show(summary)


def _wish(app: str, configs: str, runs: int, resume: bool) -> Wish:
    import platformdirs

    from providers.configurations import configuration_of
    from providers.overhead.measure import Wish

    letters = [letter for letter in configs.replace(",", "").upper() if not letter.isspace()]
    return Wish(
        application=app,
        configurations=tuple(dict.fromkeys(configuration_of(item).letter for item in letters)),
        runs=runs,
        file=platformdirs.user_state_path("gammaray-tui") / "overhead.jsonl",
        resume=resume,
    )


async def _measure(given: options.Given, wish: Wish) -> Summary:
    from gammaray_tui.commands.aws import open_session
    from gammaray_tui.config import load_settings
    from providers.overhead.measure import RECORD_TABLE, measure_deployed, measure_locally

    if not wish.configurations:
        raise UserError("--configs names no configuration.", todo=f"Such as {_ALL}.", kind="usage")
    with _progress() as progress:
        task = progress.add_task("deploying", total=None)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        if given.profile is None and given.endpoint_url is None:
            return await measure_locally(wish, _say_failure, tell)
        session = open_session(load_settings(replace(given, table=given.table or RECORD_TABLE)))
        return await measure_deployed(session, wish, _say_failure, tell)


def _say_failure(step: Step) -> None:
    if step.state == "failed":
        say_step(step)


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("invocations"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _show(summary: Summary) -> None:
    from rich.console import Console

    console = Console()
    setup = summary.setup
    console.print(
        f"{setup.application}, {setup.where}: medians of {setup.blocks * setup.rounds} warm "
        f"invocations and {setup.blocks} cold starts of each function; + is the difference to "
        "the clean function in the same round, least: between the least of both",
        markup=False,
        highlight=False,
    )
    console.print(_table(summary, _TIMES))
    console.print(_table(summary, _REST))
    for benchmark in setup.benchmarks:
        _plot([line for line in summary.lines if line.benchmark == benchmark and line.added_wall])


def _table(summary: Summary, columns: Mapping[str, Callable[[Line], str]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("function", no_wrap=True)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    before = ""
    for line in summary.lines:
        if before and line.benchmark != before:
            table.add_section()
        before = line.benchmark
        cells = (cell(line) for cell in columns.values())
        table.add_row(line.benchmark + line.configuration, *cells)
    return table


def _added(spread: Spread | None, digits: int = 2) -> str:
    return "" if spread is None else f"{spread.median:+.{digits}f}"


def _figure(figure: float | None, digits: int = 3) -> str:
    return "" if figure is None else f"{figure:+.{digits}f}"


_TIMES: Final[Mapping[str, Callable[[Line], str]]] = {
    "warm ms": lambda line: f"{line.wall.median:.2f}",
    "quartiles": lambda line: f"{line.wall.lower:.2f}–{line.wall.upper:.2f}",
    "+ ms": lambda line: _added(line.added_wall),
    "a call": lambda line: _figure(line.added_wall_per_operation),
    "+ CPU ms": lambda line: _added(line.added_cpu),
    "a call ": lambda line: _figure(line.added_cpu_per_operation),
}
_REST: Final[Mapping[str, Callable[[Line], str]]] = {
    "least + ms": lambda line: _figure(line.least_added_wall, 2),
    "CPU": lambda line: _figure(line.least_added_cpu, 2),
    "writes": lambda line: f"{line.writes:g}",
    "MB": lambda line: f"{line.memory.median:.1f}",
    "+ MB": lambda line: _added(line.added_memory, 1),
    "cold ms": lambda line: f"{line.cold.median:.0f}",
    "+ ms": lambda line: _added(line.added_cold, 0),
    "+ CPU ms": lambda line: _added(line.added_cold_cpu, 0),
}


def _plot(lines: list[Line]) -> None:
    """Draw the quartiles and the median of what is added to a warm invocation, on one scale."""
    spreads = [line.added_wall for line in lines if line.added_wall is not None]
    if not spreads:
        return
    low = min(0.0, *(spread.lower for spread in spreads))
    high = max(0.0, *(spread.upper for spread in spreads))
    scale = (_PLOT_WIDTH - 1) / ((high - low) or 1.0)

    def column(value: float) -> int:
        return round((value - low) * scale)

    for line, spread in zip(lines, spreads, strict=True):
        row = [" "] * _PLOT_WIDTH
        row[column(0.0)] = "│"
        for at in range(column(spread.lower), column(spread.upper) + 1):
            row[at] = "▒"
        row[column(spread.median)] = "█"
        name = line.benchmark + line.configuration
        print_line(f"{name:<12} {''.join(row)} {spread.median:+8.2f} ms")
    print_line("")
