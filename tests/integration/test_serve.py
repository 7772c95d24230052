"""The screen in a browser: who gets it, and that it is the screen."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests import chromium

pytest.importorskip("textual_serve")

RECORDS = Path(__file__).parents[1] / "data" / "oracle" / "imageproc"
_LINK = re.compile(rb"http://127\.0\.0\.1:\d+/\?token=[\w-]+")
_PATIENCE_S = 60


@asynccontextmanager
async def _served(*command: str) -> AsyncIterator[str]:
    """Serve a command; give its link; see that all of it ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gammaray_tui", "serve", *command, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while (found := _LINK.search(line := await process.stderr.readline())) is None:
                assert line, "it ended without having printed a link"
        yield found.group().decode()
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE_S):
            assert await process.wait() == 0


async def test_only_who_has_the_link_gets_the_screen() -> None:
    async with _served("replay", str(RECORDS)) as link:
        page, _, _ = link.partition("?")
        # One that keeps cookies of an address without a name, as browsers do.
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            for url, headers in (
                (page, {}),
                (f"{page}ws", {}),
                (f"{page}?token=guessed", {}),
                (link, {"Host": "gammaray.example"}),
                (link, {"Origin": "http://elsewhere.example"}),
            ):
                async with session.get(url, headers=headers, allow_redirects=False) as response:
                    assert response.status == 403, (url, headers)
            async with session.get(link) as response:
                assert response.status == 200
                assert "token" not in str(response.url)
                assert "connect-src 'self'" in response.headers["Content-Security-Policy"]
            async with session.ws_connect(f"{page}ws?width=120&height=40") as socket:
                seen = b""
                async with asyncio.timeout(_PATIENCE_S):
                    while b"ImageProcPyB" not in seen:
                        message = await socket.receive()
                        assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT)
                        if message.type is aiohttp.WSMsgType.BINARY:
                            seen += message.data


async def test_what_has_no_screen_is_not_served() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gammaray_tui", "serve", "cleanup", stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"`cleanup` has no screen" in said


@pytest.mark.skipif(chromium.PATH is None, reason="there is no Chromium here")
async def test_a_browser_shows_the_screen_and_sends_keys(tmp_path: Path) -> None:
    async with (
        _served("replay", str(RECORDS)) as link,
        asyncio.timeout(_PATIENCE_S),
        chromium.opened(link, tmp_path) as page,
    ):
        await page.until_class("-first-byte")
        # The program ends when it gets the key, and the page then says so.
        await page.run("document.querySelector('textarea').focus()")
        for kind in ("keyDown", "keyUp"):
            await page.call("Input.dispatchKeyEvent", type=kind, text="q", key="q")
        await page.until_class("-closed")
