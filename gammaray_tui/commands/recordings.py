"""`gammaray-tui recordings`: list, export, anonymise and prune them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammaray_tui.commands import options
from gammaray_tui.commands.output import (
    EXIT_FAILED,
    ended_pipe_is_fine,
    escaped,
    say,
    say_error,
    write_result,
)
from providers.errors import UserError

if TYPE_CHECKING:
    from providers.recordings.reader import Summary

recordings = typer.Typer(
    name="recordings",
    rich_markup_mode=None,
    invoke_without_command=True,
    help="List recordings; export, anonymise or prune them.",
)

File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A recording.")]
Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH",
        show_default=False,
        help="Recordings, or folders of them. Default: those in the state folder.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to write it. Default: stdout."),
]


@recordings.callback()
def _recordings(context: typer.Context) -> None:
    options.given_before(context).refuse_aws("recordings")
    if context.invoked_subcommand is None:
        list_recordings(None)


@recordings.command("list")
def list_recordings(paths: Paths = None, as_json: options.AsJson = False) -> None:
    """List recordings, the oldest first."""
    from providers.recordings.folder import default_folder

    found = _found(paths)
    with ended_pipe_is_fine():
        if as_json:
            for summary in found:
                typer.echo(_as_json(summary))
        elif found:
            for line in _table(found):
                typer.echo(line)
        else:
            say(f"no recordings in {', '.join(map(str, paths or [default_folder()]))}")


@recordings.command()
def export(path: File, output: Output = None) -> None:
    """Write a recording as JSON lines: records as GetRecords gives them, X-Ray's documents.

    `gammaray-tui export` and `replay` read the file, and so do other programs.
    """
    from providers.recordings.reader import open_recording

    open_recording(path).close()
    with ended_pipe_is_fine():
        write_result(b"".join(_exported(path)), output)


@recordings.command()
def anonymise(
    path: File,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The recording to write.")
    ],
) -> None:
    """Write a copy without names: the same graph, and nothing that tells whose it is.

    Names, keys, accounts, ARNs, ids and hashes are replaced, each always by the same. Regions,
    services, operations, types of errors and times stay.
    """
    from causality.records import Unreadable
    from providers.recordings.anonymise import anonymise as replaced
    from providers.recordings.entries import Entry
    from providers.recordings.reader import open_recording, read_entries
    from providers.recordings.writer import pack_entries

    if output.exists():
        raise UserError(
            "The file exists already, and recordings are never written over.",
            on=str(output),
            todo="Name another file with -o.",
            kind="recording-exists",
        )

    def entries() -> Iterator[Entry | Unreadable]:
        with open_recording(path) as stream:
            for _, entry in read_entries(stream, str(path)):
                yield entry

    write_result(b"".join(pack_entries(replaced(entries))), output)
    say(f"written to {output}")


@recordings.command()
def prune(
    paths: Paths = None,
    older: Annotated[
        str | None,
        typer.Option("--older", metavar="DURATION", help="Those older than this, such as 7d."),
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=0, metavar="N", help="All but the newest N.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete old recordings; lists them and asks first."""
    from providers.recordings.folder import delete

    if older is None and keep is None:
        raise UserError(
            "Nothing says which recordings may go.",
            todo="Give --older 7d, --keep 10, or both: then what fits both goes.",
            kind="usage",
        )
    found = _found(paths)
    if keep is not None:
        found = found[: max(0, len(found) - keep)]
    if older is not None:
        before_s = time.time() - _duration_s(older)
        found = [summary for summary in found if summary.end_s < before_s]
    if not found:
        say("no recording is as old as that")
        return
    for line in _table(found):
        say(line)
    size = sum(summary.size for summary in found)
    if not yes and not sys.stdin.isatty():
        raise UserError(
            "Nothing was deleted: there is no terminal to ask at.",
            todo="Give --yes to go on without being asked.",
            kind="no-terminal",
        )
    if not yes and not typer.confirm(
        f"Delete these {len(found)} recordings, {_size(size)} in all?", err=True
    ):
        raise typer.Exit(EXIT_FAILED)
    failed = delete(summary.path for summary in found)
    for path, reason in failed:
        say(f"{path}: {reason}")
    say(f"{len(found) - len(failed)} deleted")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _found(paths: list[Path] | None) -> list[Summary]:
    """Look recordings up, and say which files are none."""
    from providers.recordings.folder import find_recordings

    found, wrong = find_recordings(paths or ())
    for error in wrong:
        say_error(error)
    return found


def _exported(path: Path) -> Iterator[bytes]:
    import msgspec

    from causality.records import Unreadable
    from providers.recordings.entries import Documents, Lost, Marked, Records, encode
    from providers.recordings.reader import open_recording, read_entries

    with open_recording(path) as stream:
        for _, entry in read_entries(stream, str(path)):
            if isinstance(entry, Unreadable):
                say(entry.reason)
            elif isinstance(entry, Records):
                for record in entry.records:
                    record.awsRegion = entry.region or record.awsRegion
                    yield msgspec.json.encode(record) + b"\n"
                for unreadable in entry.unreadable:
                    # As it was: whoever reads it again finds the same fault in it.
                    yield unreadable.raw.replace("\n", " ").encode("utf-8", "replace") + b"\n"
            elif isinstance(entry, Documents):
                for document in entry.documents:
                    yield document.replace("\n", " ").encode("utf-8", "replace") + b"\n"
            elif isinstance(entry, Lost | Marked):
                yield encode(entry)


def _table(found: list[Summary]) -> Iterator[str]:
    """Give the list as lines; the name is last, for it may be long."""
    from widgets import formats

    yield f"{'start (UTC)':<19}  {'length':>6}  {'records':>9}  {'size':>8}  {'regions':<20}  name"
    for summary in found:
        began = formats.instant(summary.start_s)[:19]
        length = formats.duration(summary.end_s - summary.start_s)
        regions = ",".join(summary.regions) or "-"
        yield escaped(
            f"{began:<19}  {length:>6}  {formats.count(summary.records):>9}  "
            f"{_size(summary.size):>8}  {regions:<20}  {summary.path}"
        )


def _as_json(summary: Summary) -> str:
    import msgspec

    told = {
        "path": str(summary.path),
        "kind": summary.began.kind,
        "title": summary.began.title,
        "start_s": summary.start_s,
        "end_s": summary.end_s,
        "records": summary.records,
        "regions": summary.regions,
        "size": summary.size,
    }
    return msgspec.json.encode(told).decode()


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _duration_s(text: str) -> float:
    from providers.streams.since import parse_since

    try:
        since = parse_since(text)
    except ValueError:
        since = None
    if since is None or since.kind != "ago":
        raise UserError(
            f'--older is "{text}", which is no length of time.',
            todo="Give a duration such as 12h, 7d or 1d12h.",
            kind="usage",
        )
    return since.ago_s
