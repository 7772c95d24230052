"""The local AWS: MiniStack, with moto beside it for X-Ray and Rekognition, on 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from providers.errors import UserError
from providers.operations import Report, Step, StepState

ACCOUNT_ID = "123456789012"
"""MiniStack takes an access key of 12 digits for the account's id."""

_HERE = Path(__file__).parent
_NEEDED = ("ministack", "moto", "flask", "flask_cors")
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 15.0
_LOG_SHOWN = 1500
_MINISTACK, _MOTO = "ministack", "moto"
_TEXTS = {
    _MINISTACK: "local AWS (MiniStack)",
    _MOTO: "local X-Ray and Rekognition (moto)",
}
_HEALTH = {_MINISTACK: "/_ministack/health", _MOTO: "/moto-api/"}


class _Started(msgspec.Struct):
    folder: str
    ports: dict[str, int]
    groups: dict[str, int]


class _Exited(msgspec.Struct):
    exited: str
    code: int


class LocalAws:
    """Starts the local AWS on entering and leaves nothing of it behind, whatever happens.

    The servers are children of a supervisor process (providers/local_supervisor.py) that kills
    them and removes their folder as soon as this process lets go of a pipe, be it by leaving
    the context, by a signal or by kill -9.

    Attributes:
        endpoint_url: where every service but those in `endpoints` answers.
        endpoints: service name -> URL, for the services that moto answers.
        account_id: the account; also the access key to use, with any secret.
        folder: private folder with all files of the servers; gone afterwards.
        logs: what each server printed.
        groups: the servers' process groups, the function processes included.

    Raises:
        UserError: kind "missing-extra", "unsupported-system" or "local-aws-failed".
    """

    def __init__(self, report: Report | None = None) -> None:
        self._report = report
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._exited: asyncio.Future[_Exited] | None = None
        self.endpoint_url = ""
        self.endpoints: Mapping[str, str] = {}
        self.account_id = ACCOUNT_ID
        self.folder = Path()
        self.logs: Mapping[str, Path] = {}
        self.groups: Mapping[str, int] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the servers and wait until they answer."""
        _check_installed()
        started_s = time.monotonic()
        for name in _TEXTS:
            self._tell(name, "running", "starting")
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                started = await self._start_supervisor()
                await self._wait_until_healthy(started, started_s)
        except TimeoutError:
            failure = self._failure(f"It did not answer within {_START_TIMEOUT_S:.0f} s.")
            await self.stop()
            raise failure from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Kill the servers and the functions they run, and remove their files."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            # This alone makes the supervisor clean up, even if waiting below is cancelled.
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()
            self._clean_up_after_supervisor()
        finally:
            if self._reader is not None:
                self._reader.cancel()

    async def reset(self) -> None:
        """Empty the local AWS: every resource of every account and region."""
        for url in (f"{self.endpoint_url}/_ministack/reset", f"{self._moto_url}/moto-api/reset"):
            host, _, path = url.removeprefix("http://").partition("/")
            await _request("POST", int(host.rpartition(":")[2]), f"/{path}")

    @property
    def _moto_url(self) -> str:
        return self.endpoints["xray"]

    async def _start_supervisor(self) -> _Started:
        self._exited = asyncio.get_running_loop().create_future()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(_HERE / "local_supervisor.py"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Not in the terminal's session: Ctrl-C and a closing terminal reach only us.
            start_new_session=True,
        )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise self._failure("Its supervisor has no pipes.")
        stdin.write(msgspec.json.encode({"servers": _servers()}) + b"\n")
        line = await stdout.readline()
        if not line:
            raise self._failure(await self._supervisor_error())
        started = msgspec.json.decode(line, type=_Started)
        self.folder = Path(started.folder)
        self.groups = started.groups
        self.logs = {name: self.folder / "logs" / f"{name}.log" for name in started.ports}
        self.endpoint_url = _url(started.ports[_MINISTACK])
        moto_url = _url(started.ports[_MOTO])
        self.endpoints = {"xray": moto_url, "rekognition": moto_url}
        self._reader = asyncio.create_task(self._read_messages(stdout), name="local AWS")
        return started

    async def _wait_until_healthy(self, started: _Started, started_s: float) -> None:
        exited = self._exited
        if exited is None:
            return

        async def healthy(name: str) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await _request("GET", started.ports[name], _HEALTH[name])
                took_s = time.monotonic() - started_s
                url = _url(started.ports[name])
                self._tell(name, "done", f"answers at {url} after {took_s:.1f} s")
                return
            # The socket was bound before the server started: a lost connection is its end.
            await asyncio.shield(exited)

        all_healthy = asyncio.gather(*(healthy(name) for name in started.ports))
        waiting: set[asyncio.Future[Any]] = {all_healthy, exited}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            all_healthy.cancel()
        if exited.done():
            ended = exited.result()
            raise self._failure(f"It ended with exit code {ended.code}.", ended.exited)
        all_healthy.result()

    async def _read_messages(self, stdout: asyncio.StreamReader) -> None:
        """Note which server ends by itself, as long as the supervisor lives."""
        async for line in stdout:
            ended = msgspec.json.decode(line, type=_Exited)
            self._tell(ended.exited, "failed", self._log_tail(ended.exited))
            if self._exited is not None and not self._exited.done():
                self._exited.set_result(ended)
        if self._exited is not None and not self._exited.done():
            self._exited.set_result(_Exited("supervisor", -signal.SIGKILL))

    async def _supervisor_error(self) -> str:
        if self._process is None or self._process.stderr is None:
            return "Its supervisor ended."
        text = (await self._process.stderr.read()).decode("utf-8", "replace").strip()
        return f"Its supervisor ended: {text[-_LOG_SHOWN:]}"

    def _clean_up_after_supervisor(self) -> None:
        """Do the supervisor's work once more, should it have been killed before it could."""
        for group in self.groups.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        if self.groups:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.groups = {}

    def _failure(self, why: str, name: str = _MINISTACK) -> UserError:
        printed = self._log_tail(name)
        return UserError(
            f"The local AWS did not start. {why}",
            on=_TEXTS.get(name, name),
            todo=f"It printed:\n{printed}" if printed else "Try once more.",
            kind="local-aws-failed",
        )

    def _log_tail(self, name: str) -> str:
        try:
            return self.logs[name].read_text("utf-8", "replace").strip()[-_LOG_SHOWN:]
        except (KeyError, OSError):
            return ""

    def _tell(self, name: str, state: StepState, detail: str) -> None:
        if self._report is not None:
            self._report(Step(f"local-aws/{name}", _TEXTS[name], "", state, detail))


def _check_installed() -> None:
    if os.name != "posix":
        raise UserError(
            "The local AWS runs on Linux and macOS only.",
            todo="Point --endpoint-url at a local AWS that runs elsewhere.",
            kind="unsupported-system",
        )
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            "The local AWS is not installed.",
            on=", ".join(missing),
            todo="Install it with: pip install 'gammaray-tui[local]'",
            kind="missing-extra",
        )


def _servers() -> list[dict[str, object]]:
    """Say how each server is started; the supervisor fills in {folder}, {fd} and {port}."""
    clean = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        "HOME": "{folder}/home",
        "TMPDIR": "{folder}/tmp",
        # botocore would look for a role at 169.254.169.254 otherwise.
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    # MiniStack gives its whole environment to every function: that is how they find moto.
    ministack = {
        **clean,
        "AWS_ENDPOINT_URL_XRAY": f"http://127.0.0.1:{{port:{_MOTO}}}",
        "AWS_ENDPOINT_URL_REKOGNITION": f"http://127.0.0.1:{{port:{_MOTO}}}",
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": "{port}",
        "STATE_DIR": "{folder}/state",
        "S3_DATA_DIR": "{folder}/s3",
        # Both would listen on all interfaces.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It would remove containers of the user's other MiniStacks.
        "DOCKER_HOST": "unix://{folder}/no-docker.sock",
    }
    # `python -m ministack` binds a port by its number; this is the way it starts itself with
    # --detach, and can take the socket that the supervisor has bound. No extra processes.
    hypercorn = ["-m", "hypercorn", "ministack.app:app", "--bind", "fd://{fd}", "--workers", "0"]
    return [
        {
            "name": _MINISTACK,
            "argv": [sys.executable, *hypercorn, "--keep-alive", "75"],
            "environment": ministack,
        },
        {
            "name": _MOTO,
            "argv": [sys.executable, str(_HERE / "local_moto.py"), "{fd}", "{port}"],
            "environment": clean,
        },
    ]


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


async def _request(method: str, port: int, path: str) -> None:
    """Send a request to a local server and wait for the answer's first line.

    A client library would ask the environment for a proxy; this one cannot leave 127.0.0.1.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n")
    finally:
        writer.close()
