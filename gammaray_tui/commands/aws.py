"""From settings to a session and a source of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import UserError

if TYPE_CHECKING:
    from gammaray_tui.commands.reading import Source
    from gammaray_tui.config import Settings
    from providers.session import AwsSession
    from providers.streams import Since


def open_session(settings: Settings) -> AwsSession:
    """Open the user's session; reads files only.

    Raises:
        UserError: no such profile, no region, or files that cannot be read.
    """
    from providers.session import AwsSession, AwsSettings

    return AwsSession.open(
        AwsSettings(
            profile=settings.profile,
            regions=settings.regions,
            table=settings.table,
            endpoint_url=settings.endpoint_url,
        )
    )


def origin_of(session: AwsSession) -> str:
    """Say what is watched, as one text: a recording of the same can be gone on with."""
    return f"{session.profile or 'default'} {session.endpoint_url or 'AWS'} {session.table}"


def read_since(since: str, since_from: str = "--since") -> Since:
    """Read where reading starts.

    Raises:
        UserError: it cannot be read; the message names `since_from`, who said it.
    """
    from providers.streams import parse_since

    try:
        return parse_since(since)
    except ValueError as error:
        raise UserError(
            f'{since_from} is "{since}", which is no point to start from.',
            todo="Give now, all, or a duration such as 90s, 15m or 2h.",
            kind="usage",
        ) from error


def stream_source(session: AwsSession, since: str, since_from: str = "--since") -> Source:
    """Give the source that tails the record table's streams in the session's regions.

    Raises:
        UserError: `since` cannot be read; the message names `since_from`, who said it.
    """
    from providers.streams import StreamSource

    return StreamSource(session, since=read_since(since, since_from)).run


async def check_credentials(session: AwsSession) -> None:
    """Find out whether there are credentials to sign with; asks AWS for nothing.

    What would mend itself (a network that is not there yet) is left to the readers.

    Raises:
        UserError: there are none, or they have expired, and only the user can change that.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from providers.aws_errors import NEEDS_USER, user_error

    region = session.regions[0]
    try:
        async with session.client("dynamodbstreams", region) as client:
            await client.generate_presigned_url("list_streams")
    except (BotoCoreError, ClientError, UserError) as error:
        refused = user_error(error, profile=session.profile, region=None)
        if refused.kind in NEEDS_USER:
            raise refused from error
