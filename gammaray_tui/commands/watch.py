"""The command without a name: the screen over AWS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gammaray_tui.commands.aws import check_credentials, open_session, origin_of, read_since
from gammaray_tui.commands.output import EXIT_FAILED
from gammaray_tui.commands.screen import need_terminal, run_app
from gammaray_tui.commands.sources import OpenSources, Wanted, parse_sources

if TYPE_CHECKING:
    from gammaray_tui.commands.options import Given
    from gammaray_tui.config import Settings
    from gammaray_tui.switching import Place
    from providers.session import AwsSession
    from providers.streams import Since


def watch(
    given: Given,
    *,
    record: Path | None = None,
    resume: str | None = None,
    sources: Sequence[str] | None = None,
    archive: str | None = None,
) -> None:
    """Open the screen and watch the record tables of the user's regions.

    Args:
        given: what the command line said.
        record: a file to record to.
        resume: a recording to go on with; "" is the one that `record` names, or else the
            latest of the same account. None begins anew.
        sources: where records come from (`--source`).
        archive: an archive that all of it is added to.

    Raises:
        UserError: what is wrong can be told before the screen opens.
        typer.Exit: a recording or the archive could not be written to its end.
    """
    from gammaray_tui.config import load_settings

    wanted = parse_sources(sources)
    settings = load_settings(given)
    session = open_session(settings)
    since = read_since(settings.since, settings.since_from)
    need_terminal("gammaray-tui tail")

    kept = True
    while True:
        place, whole = asyncio.run(
            _watch(settings, session, since, wanted, record, resume, archive)
        )
        kept &= whole
        if place is None:
            break
        settings = at_place(settings, place)
        session = open_session(settings)
        record = resume = None  # the recording is of the place that was left
    if not kept:
        raise typer.Exit(EXIT_FAILED)


def since_notes(since: str) -> tuple[str, ...]:
    """Say what is not read, for whoever wonders why nothing comes."""
    if since == "all":
        return ()
    ago = "what is written from now on" if since == "now" else f"the last {since}"
    return (f"Reads {ago}; --since all reads what the streams still hold (24 h).",)


def at_place(settings: Settings, place: Place) -> Settings:
    """Give the settings for another place."""
    import msgspec

    return msgspec.structs.replace(settings, profile=place.profile, regions=place.regions)


async def _watch(
    settings: Settings,
    session: AwsSession,
    since: Since,
    wanted: Sequence[Wanted],
    record: Path | None,
    resume: str | None,
    archive: str | None,
) -> tuple[Place | None, bool]:
    """Watch until the screen is left.

    Returns:
        Where the user wants to go on, None for nowhere; whether all was kept that should be.
    """
    await check_credentials(session)

    from gammaray_tui.app import GammarayApp
    from gammaray_tui.archiving import archive_of
    from gammaray_tui.commands import resuming
    from gammaray_tui.handlers import tell_unfinished
    from gammaray_tui.past import ArchivePlaces
    from gammaray_tui.recording import WatchRecording
    from gammaray_tui.switching import Place, Switching
    from gammaray_tui.watch import Watch
    from providers.aws_operations import AwsOperations
    from providers.inventory_local import own_folders
    from providers.unfinished import Journal

    async def check(place: Place) -> None:
        await check_credentials(open_session(at_place(settings, place)))

    switching = Switching(Place(session.profile, session.regions), check)
    title = session.profile or settings.endpoint_url or "default"
    origin = origin_of(session)
    # In sight at all times: keys that are missing want a reason.
    model = Watch(f"{title} (read-only)" if settings.read_only else title)
    model.notes = since_notes(settings.since)
    path = None if resume is None else resuming.find(resume, record, origin)
    resumed = None if path is None else resuming.take_up(path, model)
    recording = WatchRecording(
        title=title,
        origin=origin,
        regions=session.regions,
        since_s=since.start_s(time.time()) if resumed is None else resumed.since_s,
        path=record if resumed is None else resumed.path,
    )
    if record is not None or resumed is not None:
        recording.start(go_on=resumed is not None)
    source = OpenSources(wanted, session, since, resumed.resume if resumed else None)
    app = GammarayApp(
        model,
        operations=AwsOperations(session, folders=own_folders(), journal=Journal(origin)),
        title=title,
        read_only=settings.read_only,
        switching=switching,
        **settings.appearance,
        sources=(lambda: source.run(model.queue),),
        on_start=tell_unfinished,
        before_firing=source.expect_records,
        recording=recording,
        archives=ArchivePlaces(
            archive or "",
            settings.archive,
            session.profile,
            settings.endpoint_url,
            session.regions[0],
        ),
    )
    archiving = archive_of(
        archive, profile=session.profile, endpoint_url=settings.endpoint_url, recording=recording
    )
    with recording.of(model), archiving.of(model):
        await run_app(app)
    return switching.chosen, recording.failure is None and archiving.failure is None
