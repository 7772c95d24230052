"""`gammaray-tui relation`: whether one invocation came before another, because of it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.graph_input import find_invocation, read_graph
from gammaray_tui.commands.output import ended_pipe_is_fine, escaped

_ID = "Request id of an invocation; its beginning will do."


def relation(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help=_ID, show_default=False)],
    second: Annotated[str, typer.Argument(metavar="B", help=_ID, show_default=False)],
    paths: options.Paths,
    as_json: options.AsJson = False,
) -> None:
    """Say whether A happened before B, after it, or neither.

    Clocks decide nothing: before means that something of A led to B.
    """
    options.given_before(context).refuse_aws("relation")
    from causality.analysis import relation as relation_of
    from causality.analysis import steps
    from gammaray_tui.commands.analysis_documents import encoded, relation_entry

    engine = read_graph(paths)
    one, other = find_invocation(engine, first), find_invocation(engine, second)
    found = relation_of(one, other)
    path = [engine.invocations[request_id] for request_id in found.path]
    ways = steps(path)
    if as_json:
        lines = [encoded(relation_entry(one, other, found, ways))]
    else:
        lines = [f"{one.request_id} is {_WORDS[found.kind]} {other.request_id}"]
        if not found.certain:
            lines.append("what the records leave open may order them after all")
        if ways:
            lines.append(f"  {path[0].request_id}  {path[0].function or '?'}")
            lines += [
                f"  {step.request_id}  {member.function or '?'}  ({step.how}, {step.evidence})"
                for step, member in zip(ways, path[1:], strict=True)
            ]
    with ended_pipe_is_fine():
        sys.stdout.write("".join(escaped(line) + "\n" for line in lines))


_WORDS = {
    "same": "the same as",
    "before": "before",
    "after": "after",
    "concurrent": "concurrent with",
}
