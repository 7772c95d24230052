"""`gammaray-tui --collected` and its like: what the collector counted, on screen and as lines."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from gammaray_tui.commands.aws import check_credentials, open_session, origin_of, read_since
from gammaray_tui.commands.output import say
from gammaray_tui.commands.screen import need_terminal, run_app
from providers.errors import UserError

if TYPE_CHECKING:
    from causality.analysis.latencies import LatencyEntry, LatencyKind
    from causality.engine import Engine
    from gammaray_tui.commands.options import Given
    from gammaray_tui.config import Settings
    from gammaray_tui.switching import Place
    from providers.session import AwsSession
    from providers.streams import Since

Collected: TypeAlias = Annotated[
    bool,
    typer.Option("--collected", help="Ask the collector's table instead; see docs/collector.md."),
]
OfCollector: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--collected",
        help="Ask the collector's table instead; --profile, --region, --since and the like stand "
        "before the command's name. See docs/collector.md.",
    ),
]
PathsOrNone: TypeAlias = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH",
        help="Files (*.jsonl, *.new, *.xray), or folders of them.",
        show_default=False,
    ),
]


def watch_collected(given: Given) -> None:
    """Open the screen over what the collector counts.

    Raises:
        UserError: what is wrong can be told before the screen opens.
    """
    from gammaray_tui.commands.watch import at_place
    from gammaray_tui.config import load_settings

    settings = load_settings(given)
    session = open_session(settings)
    since = read_since(settings.since, settings.since_from)
    need_terminal("gammaray-tui latency --collected")
    while True:
        place = asyncio.run(_watch(settings, session, since))
        if place is None:
            return
        settings = at_place(settings, place)
        session = open_session(settings)


async def _watch(settings: Settings, session: AwsSession, since: Since) -> Place | None:
    """Watch until the screen is left; give where the user wants to go on, None for nowhere."""
    await check_credentials(session)

    from gammaray_tui.app import GammarayApp
    from gammaray_tui.collected import CollectedWatch
    from gammaray_tui.commands.watch import at_place
    from gammaray_tui.handlers import tell_unfinished
    from gammaray_tui.past import ArchivePlaces
    from gammaray_tui.switching import Place, Switching
    from providers.aws_operations import AwsOperations
    from providers.collected import CollectedSource
    from providers.collected_chain import FetchedChain, fetch_chain
    from providers.inventory_local import own_folders
    from providers.unfinished import Journal

    async def check(place: Place) -> None:
        await check_credentials(open_session(at_place(settings, place)))

    switching = Switching(Place(session.profile, session.regions), check)
    title = session.profile or settings.endpoint_url or "default"
    source = CollectedSource(session, since=since)

    async def fetch(request_id: str) -> FetchedChain:
        return await fetch_chain(source.table, request_id)

    # In sight at all times, as with the watch over records.
    shown = f"{title} (collected{', read-only' if settings.read_only else ''})"
    model = CollectedWatch(shown, fetch)

    async def on_start(app: GammarayApp) -> None:
        # Nothing grows at the end of this tree: the cursor stays where the user puts it.
        app.main.causal_tree.set_following(False)
        await tell_unfinished(app)

    journal = Journal(origin_of(session))
    app = GammarayApp(
        model,
        operations=AwsOperations(session, folders=own_folders(), journal=journal),
        title=title,
        read_only=settings.read_only,
        switching=switching,
        **settings.appearance,
        sources=(lambda: source.run(model.queue, model.counted.put), model.keep_up),
        on_start=on_start,
        archives=ArchivePlaces(
            usual=settings.archive,
            profile=session.profile,
            endpoint_url=settings.endpoint_url,
            region=session.regions[0],
        ),
    )
    await run_app(app)
    return switching.chosen


def need_input(paths: list[Path] | None, given: Given, command: str, *, collected: bool) -> bool:
    """Say whether the collector's table is to be read, and not files.

    Raises:
        UserError: both are named, or neither, or options about AWS for files.
    """
    if collected and paths:
        raise UserError(
            "--collected reads no files.", todo="Leave out one of the two.", kind="usage"
        )
    if collected:
        return True
    given.refuse_aws(command)
    if not paths:
        raise UserError(
            f"`{command}` needs something to read.",
            todo="Name files, or --collected for what the collector keeps on AWS.",
            kind="usage",
        )
    return False


def collected_latency(
    given: Given, kind: LatencyKind, window_s: float | None, expression: str
) -> list[LatencyEntry]:
    """Read the latencies of functions or edges that were counted up to now.

    Raises:
        UserError: the table cannot be read, or what is asked for is not counted.
    """
    from causality.analysis.latencies import LatencyEntry
    from gammaray_tui.collected_tables import CollectedTables
    from gammaray_tui.config import load_settings
    from providers.collected import LONGEST_WINDOW_S, CollectedSource

    if expression:
        raise UserError(
            "--filter is about single invocations, which --collected does not read.",
            todo="Leave out one of the two.",
            kind="usage",
        )
    if window_s is not None and window_s > LONGEST_WINDOW_S:
        raise UserError(
            "The collector's newest minutes are read apart for a quarter of an hour only.",
            todo="Leave --window out, and say before the command how far back: --since 2h.",
            kind="usage",
        )
    settings = load_settings(given)
    since = read_since(settings.since, settings.since_from)
    source = CollectedSource(open_session(settings), since=since)
    tables = CollectedTables()
    for told in asyncio.run(source.once()):
        tables.take(told)
    tables.renew(time.time(), window_s)
    return [
        LatencyEntry(
            kind,
            row.name,
            row.region,
            row.count,
            row.errors,
            row.cold,
            row.p50_s,
            row.p90_s,
            row.p95_s,
            row.p99_s,
            row.max_s,
            row.rate,
            window_s,
        )
        for row in (tables.functions if kind == "function" else tables.edges)
    ]


def collected_chain(given: Given, request_id: str) -> Engine:
    """Fetch the chain of an invocation into a graph of its own.

    Raises:
        UserError: there is none, or the table cannot be read.
    """
    from gammaray_tui.collected import CollectedWatch
    from gammaray_tui.config import load_settings
    from providers.collected_chain import FetchedChain, fetch_chain
    from providers.collected_table import CollectedTable

    table = CollectedTable(open_session(load_settings(given)))

    async def fetch(wanted: str) -> FetchedChain:
        return await fetch_chain(table, wanted)

    watch = CollectedWatch("collected", fetch)
    asyncio.run(watch.open(request_id))
    for remark in watch.remarks:
        say(remark.text)
    return watch.engine
