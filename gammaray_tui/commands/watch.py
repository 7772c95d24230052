"""The command without a name: the screen over AWS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gammaray_tui.commands.aws import check_credentials, open_session, stream_source
from gammaray_tui.commands.screen import need_terminal, run_app

if TYPE_CHECKING:
    from gammaray_tui.commands.options import Given
    from gammaray_tui.commands.reading import Source
    from gammaray_tui.config import Settings
    from providers.session import AwsSession


def watch(given: Given) -> None:
    """Open the screen and watch the record tables of the user's regions.

    Raises:
        UserError: what is wrong can be told before the screen opens.
    """
    from gammaray_tui.config import load_settings

    settings = load_settings(given)
    session = open_session(settings)
    source = stream_source(session, settings.since, settings.since_from)
    need_terminal("gammaray-tui tail")

    asyncio.run(_watch(settings, session, source))


async def _watch(settings: Settings, session: AwsSession, source: Source) -> None:
    await check_credentials(session)

    from gammaray_tui.app import GammarayApp
    from gammaray_tui.watch import Watch
    from providers.aws_operations import AwsOperations

    title = session.profile or settings.endpoint_url or "default"
    model = Watch(title)
    app = GammarayApp(
        model,
        operations=AwsOperations(session),
        title=title,
        read_only=settings.read_only,
        theme=settings.theme,
        ascii_only=settings.ascii_only,
        sources=(lambda: source(model.queue),),
    )
    await run_app(app)
