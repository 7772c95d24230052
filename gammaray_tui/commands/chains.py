"""`gammaray-tui chains` and `chain`: what one event set in motion, and what it waited for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.collected import (
    OfCollector,
    PathsOrNone,
    collected_chain,
    need_input,
)
from gammaray_tui.commands.graph_input import (
    FilterExpression,
    find_invocation,
    read_filtered,
    read_graph,
)
from gammaray_tui.commands.output import ended_pipe_is_fine, escaped, say
from gammaray_tui.commands.plain_table import table_lines

if TYPE_CHECKING:
    from causality.analysis import ChainSummary, CriticalPath
    from causality.engine import Engine

_NUMBERS = frozenset({"INV", "ERR", "COLD", "END-TO-END", "AT", "TOOK", "SHARE"})


def chains(
    context: typer.Context,
    paths: options.Paths,
    expression: FilterExpression = "",
    as_json: options.AsJson = False,
) -> None:
    """List chains: how long each took, and what its time went to."""
    options.given_before(context).refuse_aws("chains")
    from causality.analysis import chains as chains_in
    from causality.analysis import summary
    from gammaray_tui.commands.analysis_documents import chain_entry, encoded

    engine, test = read_filtered(paths, expression)
    found = [
        summary(chain)
        for chain in chains_in(engine.invocations.values())
        if test is None or any(map(test, chain.members))
    ]
    lines = [encoded(chain_entry(chain)) for chain in found] if as_json else _table(found)
    with ended_pipe_is_fine():
        sys.stdout.write("".join(line + "\n" for line in lines))


def chain(
    context: typer.Context,
    request_id: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Request id of any invocation of the chain; its beginning will do.",
            show_default=False,
        ),
    ],
    paths: PathsOrNone = None,
    collected: OfCollector = False,
    as_json: options.AsJson = False,
) -> None:
    """Show what a chain waited for: its critical path."""
    from gammaray_tui.commands.analysis_documents import chain_entry, encoded

    given = options.given_before(context)
    if need_input(paths, given, "chain", collected=collected):
        engine = collected_chain(given, request_id)
    else:
        engine = read_graph(paths or [])
    found = _chain_with(engine, request_id)
    with ended_pipe_is_fine():
        if as_json:
            sys.stdout.write(encoded(chain_entry(found, parts=True)) + "\n")
        else:
            sys.stdout.write("".join(line + "\n" for line in _described(found)))


def _chain_with(engine: Engine, request_id: str) -> ChainSummary:
    from causality.analysis import chains_of, summary

    member = find_invocation(engine, request_id)
    first, *others = chains_of(member, engine.invocations.values())
    if others:
        roots = ", ".join(chain.root.request_id for chain in others)
        say(f"{member.request_id} belongs to other chains as well: {roots}")
    return summary(first)


def _table(found: list[ChainSummary]) -> list[str]:
    from widgets import formats

    heads = ("CHAIN", "STARTED", "INV", "ERR", "COLD", "END-TO-END", "FUNCTIONS", "CRITICAL PATH")
    rows = [
        (
            chain.request_id,
            formats.instant(chain.started_at_s),
            str(chain.invocations),
            str(chain.errors),
            str(chain.cold_starts),
            formats.duration(chain.latency_s) + (" so far" if chain.running else ""),
            ", ".join(chain.functions),
            _split(chain.path),
        )
        for chain in found
    ]
    return table_lines(heads, rows, _NUMBERS)


def _split(path: CriticalPath | None) -> str:
    """Say what a path's time went to, the largest share first."""
    if path is None or not path.latency_s:
        return ""
    totals = sorted(path.totals().items(), key=lambda item: -item[1])
    return " ".join(f"{kind} {seconds / path.latency_s:.0%}" for kind, seconds in totals)


def _described(chain: ChainSummary) -> list[str]:
    from widgets import formats

    lines = [
        escaped(
            f"chain {chain.request_id}: {formats.plural(chain.invocations, 'invocation')} of "
            f"{', '.join(chain.functions)}; {formats.plural(chain.errors, 'error')}, "
            f"{formats.plural(chain.cold_starts, 'cold start')}"
        )
    ]
    path = chain.path
    if path is None:
        return [*lines, "no time of it is known"]
    lines.append(f"end-to-end {formats.duration(chain.latency_s)}")
    hops = len(path.request_ids) - 1
    evidence = f", evidence {path.evidence}" if path.evidence is not None else ""
    lines.append(
        f"critical path {formats.duration(path.latency_s)}, {formats.plural(hops, 'hop')}{evidence}"
    )
    if not path.complete:
        lines.append("something of it still runs: this is what is known so far")
    began_s = path.parts[0].began_s if path.parts else 0.0
    rows = [
        (
            formats.offset(part.began_s - began_s),
            formats.duration(part.duration_s),
            f"{part.duration_s / path.latency_s:.0%}",
            part.kind,
            part.function,
            part.request_id,
            part.detail,
        )
        for part in path.parts
    ]
    heads = ("AT", "TOOK", "SHARE", "WHAT", "FUNCTION", "REQUEST ID", "CALL")
    lines += ["", *table_lines(heads, rows, _NUMBERS), ""]
    totals = sorted(path.totals().items(), key=lambda item: -item[1])
    return lines + table_lines(
        ("WHAT", "TOOK", "SHARE"),
        [
            (kind, formats.duration(seconds), f"{seconds / path.latency_s:.0%}")
            for kind, seconds in totals
        ],
        _NUMBERS,
    )
