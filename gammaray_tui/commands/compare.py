"""`gammaray-tui compare`: what differs between two sets of chains."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.graph_input import check_filter, read_filter, read_graph
from gammaray_tui.commands.output import ended_pipe_is_fine, escaped, say
from gammaray_tui.commands.plain_table import table_lines
from providers.errors import UserError

if TYPE_CHECKING:
    from causality.analysis import Chain, Comparison, Hop, Sides
    from causality.engine import Engine
    from causality.graph import Invocation

_RIGHT = frozenset({"N", "P50", "P95", "P"})


class Side(NamedTuple):
    """One of the two sets: what it is called, and the invocations of its chains."""

    name: str
    chains: int
    members: list[Invocation]


def compare(
    context: typer.Context,
    before: Annotated[
        Path, typer.Argument(metavar="BEFORE", help="File or folder.", show_default=False)
    ],
    after: Annotated[
        Path | None,
        typer.Argument(metavar="AFTER", help="File or folder to compare it to."),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="TIME",
            help="Compare chains of one file that began before and after, "
            "such as 2026-11-22T14:00Z.",
        ),
    ] = "",
    chosen_before: Annotated[
        str,
        typer.Option(
            "--before",
            metavar="EXPR",
            help="Before are the chains with a fitting invocation, such as version:6.",
        ),
    ] = "",
    chosen_after: Annotated[
        str, typer.Option("--after", metavar="EXPR", help="Likewise after, such as version:7.")
    ] = "",
    as_json: options.AsJson = False,
) -> None:
    """Compare two runs: edges, functions, latencies.

    Two files or folders; or one, split at a time or by two filter expressions. A shift counts as
    slower or faster when chance alone would give one like it in fewer than 1 of 20 comparisons
    (rank test of Mann and Whitney, corrected for their number).
    """
    options.given_before(context).refuse_aws("compare")
    split_s = _split_time(split)
    ways = (after is not None, split_s is not None, bool(chosen_before or chosen_after))
    if sum(ways) != 1 or bool(chosen_before) != bool(chosen_after):
        raise UserError(
            "Two sets are needed.",
            todo="Name two files, or one with --split TIME, or one with --before and --after.",
            kind="usage",
        )
    check_filter(chosen_before, "--before")
    check_filter(chosen_after, "--after")
    from causality.analysis import compare as comparison_of
    from gammaray_tui.commands.analysis_documents import comparison_entry, encoded

    engine = read_graph([before])
    if after is not None:
        sides = (_whole(before.name, engine), _whole(after.name, read_graph([after])))
    elif split_s is not None:
        sides = _at(engine, split, split_s)
    else:
        sides = _by_filters(engine, chosen_before, chosen_after)
    for side in sides:
        if not side.members:
            say(f"there is no chain in {side.name}")
    found = comparison_of(sides[0].members, sides[1].members)
    with ended_pipe_is_fine():
        if as_json:
            entry = comparison_entry(found, *({"name": s.name, "chains": s.chains} for s in sides))
            sys.stdout.write(encoded(entry) + "\n")
        else:
            sys.stdout.write("".join(line + "\n" for line in _described(found, *sides)))


def _split_time(text: str) -> float | None:
    from causality.filters import read_time

    at_s = read_time(text) if text else None
    if text and at_s is None:
        raise UserError(
            f"--split is {text!r}, which is no time.",
            todo="Give one such as 2026-11-22T14:00Z, or epoch seconds.",
            kind="usage",
        )
    return at_s


def _whole(name: str, engine: Engine) -> Side:
    from causality.analysis import chains

    members = list(engine.invocations.values())
    return Side(name, len(chains(members)), members)


def _at(engine: Engine, text: str, split_s: float) -> tuple[Side, Side]:
    """Part chains by when their roots began."""
    from causality.analysis import Sides, chains

    parts: tuple[list[Chain], list[Chain]] = ([], [])
    for chain in chains(engine.invocations.values()):
        started_s = chain.root.started_at_s
        if started_s is not None:
            parts[started_s >= split_s].append(chain)
    return _named(Sides(*parts, 0), f"before {text}", f"from {text} on")


def _by_filters(engine: Engine, before: str, after: str) -> tuple[Side, Side]:
    """Choose chains by what is in them; those that fit both expressions belong to neither."""
    from causality.analysis import by_tests

    old, new = (read_filter(before, engine, "--before"), read_filter(after, engine, "--after"))
    assert old is not None  # both were asked for
    assert new is not None
    found = by_tests(engine.invocations.values(), old, new)
    if found.both:
        say(f"{found.both} of the chains fit both --before and --after, and were left out")
    return _named(found, before, after)


def _named(sides: Sides, before: str, after: str) -> tuple[Side, Side]:
    old, new = sides.members()
    return Side(before, len(sides.before), old), Side(after, len(sides.after), new)


def _described(found: Comparison, before: Side, after: Side) -> list[str]:
    from widgets import formats

    lines = [
        escaped(
            f"{word} {side.name}: {formats.plural(side.chains, 'chain')}, "
            f"{formats.plural(len(side.members), 'invocation')}"
        )
        for word, side in (("before:", before), ("after: ", after))
    ]
    for word, hops in (("appeared", found.appeared), ("vanished", found.vanished)):
        lines += ["", f"edges that {word}: {len(hops) or 'none'}"]
        lines += [escaped(f"  {_hop_text(hop)}  ×{count}") for hop, count in hops]
    for word, functions in (
        ("appeared", found.functions_appeared),
        ("vanished", found.functions_vanished),
    ):
        if functions:
            lines += ["", f"functions that {word}: {len(functions)}"]
            lines += [escaped("  " + "  ".join(filter(None, entry))) for entry in functions]
    lines += ["", f"latencies of both: {len(found.shifts) or 'none'}"]
    if found.shifts:
        owned = any(shift.account for shift in found.shifts)
        heads = ("SHIFT", "P", "OF", "NAME", "REGION", *_account("ACCOUNT", told=owned))
        heads += ("N", "P50", "P95")
        lines += table_lines(
            heads,
            [
                (
                    shift.verdict,
                    _chance(shift.p_value),
                    shift.kind,
                    shift.name,
                    shift.region,
                    *_account(shift.account, told=owned),
                    f"{shift.before.count}→{shift.after.count}",
                    _change(shift.before.p50_s, shift.after.p50_s),
                    _change(shift.before.p95_s, shift.after.p95_s),
                )
                for shift in found.shifts
            ],
            _RIGHT,
        )
    return lines


def _account(text: str, *, told: bool) -> tuple[str, ...]:
    return (text,) if told else ()


def _chance(p_value: float) -> str:
    """Write a probability; it is small, but never nothing."""
    return f"{p_value:.3f}" if p_value >= 0.0005 else "<.001"


def _change(before_s: float, after_s: float) -> str:
    from widgets import formats

    text = f"{formats.duration(before_s)}→{formats.duration(after_s)}"
    return f"{text} {(after_s / before_s - 1):+.0%}" if before_s else text


def _hop_text(hop: Hop) -> str:
    path = f"{hop.caller} → {hop.operation} {hop.resource} → {hop.function}"
    return f"{path}  {hop.region} {hop.account}".rstrip()
