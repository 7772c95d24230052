"""The screen in a browser: textual-serve behind a token, on the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web
from textual_serve.server import Server

_HOST = "127.0.0.1"
_COOKIE = "gammaray-token"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebServer(Server):
    """Serves a command's screen to those who know a token; each page runs its own process.

    Attributes:
        link: the page's address, with the token.
    """

    def __init__(self, command: str, port: int = 0) -> None:
        """Take hold of a port.

        Args:
            command: what each page runs, quoted for a shell.
            port: on 127.0.0.1; 0 takes a free one.

        Raises:
            OSError: the port is taken.
        """
        self._socket = socket.create_server((_HOST, port))
        port = self._socket.getsockname()[1]
        super().__init__(command, host=_HOST, port=port, title="gammaray-tui")
        self._token = secrets.token_urlsafe(32)
        self.link = f"{self.public_url}/?token={self._token}"

    def run(self) -> None:
        """Serve until the process is interrupted or told to end."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        runner = web.AppRunner(await self._make_app(), access_log=None, handle_signals=False)
        await runner.setup()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        try:
            await web.SockSite(runner, self._socket, shutdown_timeout=1.0).start()
            await ended.wait()
        finally:
            await runner.cleanup()

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard)
        assert isinstance(app, web.Application)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command has said what is served, and to whom."""

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let in who has the token: first in the link, then in a cookie that pages cannot read.

        A page of another site must neither reach this server by a name that resolves to
        127.0.0.1 nor open the socket from elsewhere: both are told by what browsers send.
        """
        own = f"{_HOST}:{self.port}"
        origin = request.headers.get("Origin", f"http://{own}")
        if request.headers.get("Host") != own or origin != f"http://{own}":
            raise web.HTTPForbidden(text="This server answers to its own address only.\n")
        given = request.query.get("token", "")
        if given and hmac.compare_digest(given.encode(), self._token.encode()):
            answer = web.HTTPFound("/")
            answer.set_cookie(_COOKIE, self._token, httponly=True, samesite="Strict")
            raise answer
        known = request.cookies.get(_COOKIE, "")
        if not hmac.compare_digest(known.encode(), self._token.encode()):
            raise web.HTTPForbidden(text="Open the link that `gammaray-tui serve` has printed.\n")
        response = await handler(request)
        if not response.prepared:
            # The page asks for a font of another site: nothing here reaches out.
            response.headers["Content-Security-Policy"] = (
                f"default-src 'self' 'unsafe-inline' data:; connect-src 'self' ws://{own}"
            )
        return response

    def close(self) -> None:
        """Let go of the port without having served."""
        with contextlib.suppress(OSError):
            self._socket.close()
