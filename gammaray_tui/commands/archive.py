"""`gammaray-tui archive`: recordings and exports into a Parquet dataset."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.graph_input import collect_files
from gammaray_tui.commands.output import say
from providers.errors import UserError

if TYPE_CHECKING:
    from providers.archive.dataset import Dataset
    from providers.events import ProviderEvent

_SAY_EVERY_S = 2.0
_S3 = "s3://"


def archive(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Recordings, other files of records, folders of them, and DynamoDB's exports to "
            "S3 (a copy of the folder, or s3://BUCKET/PREFIX).",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="DIR|s3://BUCKET/PREFIX",
            help="The archive; it is made when there is none.",
        ),
    ] = "",
    compact: Annotated[
        bool,
        typer.Option("--compact", help="Then make few files of many, and drop repeated rows."),
    ] = False,
    profile: options.Profile = None,
    endpoint_url: options.EndpointUrl = None,
    config: options.ConfigFile = None,
) -> None:
    """Archive recorded files as Parquet, for any engine to read.

    What is archived twice is there once. docs/archive.md describes the dataset.
    """
    from gammaray_tui.config import load_settings

    given = options.Given(profile=profile, endpoint_url=endpoint_url, config=config)
    settings = load_settings(given.over(options.given_before(context)))
    profile, endpoint_url = settings.profile, settings.endpoint_url
    if not to:
        raise UserError("Where to?", todo="Name the archive with --to.", kind="usage")
    if not paths and not compact:
        raise UserError(
            "There is nothing to do.", todo="Name files to archive, or --compact.", kind="usage"
        )
    from gammaray_tui.history.extras import need_extra

    need_extra("history")
    from providers.archive.dataset import Dataset, need
    from providers.archive.store import open_store

    dataset = Dataset(open_store(to, profile=profile, endpoint_url=endpoint_url))
    if paths:
        _write(dataset, paths, profile, endpoint_url)
    if compact:
        _compact(need(dataset))


def _write(
    dataset: Dataset, paths: list[str], profile: str | None, endpoint_url: str | None
) -> None:
    from providers.archive.workers import ArchiveWorkers, Place
    from providers.events import RecordBatch
    from widgets import formats

    unreadable = 0

    with ArchiveWorkers(Place(dataset.store.url, profile, endpoint_url), dataset) as workers:
        said_s = time.monotonic()
        try:
            for event in _events(paths, profile, endpoint_url):
                workers.take(event)
                unreadable += len(event.unreadable) if isinstance(event, RecordBatch) else 0
                if time.monotonic() - said_s > _SAY_EVERY_S:
                    said_s = time.monotonic()
                    say(f"{formats.plural(workers.records, 'record')} so far")
            workers.flush()
        except KeyboardInterrupt:
            say("stopped: part of it is archived; archive the same again, and all of it is")
            raise
    say(f"archived {formats.plural(workers.records, 'record')} to {dataset.store.url}")
    if unreadable:
        say(f"{formats.count(unreadable)} of them could not be read; the table gaps says why")


def _events(
    paths: list[str], profile: str | None, endpoint_url: str | None
) -> Iterator[ProviderEvent]:
    from providers.archive.exports import read_exports
    from providers.archive.store import open_store
    from providers.files import read

    local = [Path(path) for path in paths if not path.startswith(_S3)]
    if local:
        yield from read(collect_files(local), once=False)
    for url in paths:
        if url.startswith(_S3):
            yield from read_exports(open_store(url, profile=profile, endpoint_url=endpoint_url))


def _compact(dataset: Dataset) -> None:
    from providers.archive.compaction import compact
    from widgets import formats

    done = compact(dataset, lambda folder: say(f"compacting {folder}"))
    files, rows = formats.plural(done.before, "file"), formats.plural(done.repeated, "repeated row")
    say(f"{files} became {formats.count(done.after)}; {rows} left out")
