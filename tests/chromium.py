"""A headless Chromium for a test, driven over its own debugging protocol."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PATH = shutil.which("chromium")
_LISTENS = re.compile(rb"DevTools listening on ws://([^/]+)/")
# It must reach nothing but the page: no updates, no experiments of its maker.
_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0",
)  # fmt: skip


class Page:
    """One page: commands of the debugging protocol in, their results out."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0

    async def call(self, method: str, **parameters: Any) -> Any:
        """Send a command and wait for its result."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json()
            if answer.get("id") == self._number:
                return answer["result"]

    async def open(self, url: str) -> None:
        """Go to an address and wait until the page has loaded."""
        await self.call("Page.enable")
        await self.call("Page.navigate", url=url)
        while (await self._socket.receive_json()).get("method") != "Page.loadEventFired":
            pass  # other events

    async def run(self, expression: str) -> None:
        """Evaluate JavaScript in the page; a promise is waited for."""
        await self.call("Runtime.evaluate", expression=expression, awaitPromise=True)

    async def until_class(self, name: str) -> None:
        """Wait until the page's body has a class."""
        await self.run(
            "new Promise(done => {"
            f"  const look = () => document.body.classList.contains('{name}') && done();"
            "  new MutationObserver(look).observe(document.body, {attributes: true});"
            "  look();"
            "})"
        )


@asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[Page]:
    """Open a page in a browser of its own, whose files are in `folder`."""
    assert PATH is not None
    process = await asyncio.create_subprocess_exec(
        PATH, *_QUIET, f"--user-data-dir={folder}", "about:blank", stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        while (found := _LISTENS.match(line := await process.stderr.readline())) is None:
            assert line, "the browser did not start"
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{found.group(1).decode()}/json") as response:
                targets = await response.json(content_type=None)
            target = next(target for target in targets if target["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                await page.open(url)
                yield page
    finally:
        process.terminate()
        await process.wait()
