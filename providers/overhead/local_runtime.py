"""A Lambda runtime on this machine: each function in a process of its own.

The local AWS runs functions too, but imports botocore for its own ends before it imports the
handler, and so hides what most of a cold start and of the memory goes into. Here nothing is
imported that Lambda's runtime would not import. The calls still go to the local AWS.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from providers.attachment import attachment_of
from providers.bundles import package_files
from providers.errors import UserError
from providers.local_aws import LocalAws
from providers.manifest import LoadedApplication
from providers.manifest_parts import Function
from providers.overhead.containers import Answer, Invoked
from providers.place import Place

_WORKER: Final = Path(__file__).parent / "worker.py"
_TIMEOUT_S: Final = 120.0
# The X-Ray SDK tells Lambda by this file that it has started.
_SDK_FOLDER: Final = Path("/tmp/.aws-xray")


class _Line(msgspec.Struct):
    answer: Answer | None = None
    error: str = ""


class LocalRuntime:
    """Makes containers of functions, unpacked side by side in one folder.

    Attributes:
        folder: private; with the functions' code.
    """

    def __init__(self, folder: Path, local_aws: LocalAws, daemon: str) -> None:
        self._folder = folder
        self._local_aws = local_aws
        self._daemon = daemon
        self._layer: Path | None = None

    def container(
        self, place: Place, application: LoadedApplication, function: Function
    ) -> LocalContainer:
        """Unpack a function in its application's configuration."""
        attachment = attachment_of(application, function, place.table)
        task = self._folder / function.name
        _write(task, attachment.files)
        paths = [task]
        if application.configuration.recorder == "layer":
            paths.append(self._recorder_layer())
        environment = {
            **{name: place.filled(text, function.region) for name, text in
               function.environment.items()},
            **attachment.environment,
            **self._runtime_environment(function, attachment.handler, task),
        }  # fmt: skip
        arn = f"arn:{place.partition}:lambda:{function.region}:{place.account}:function"
        return LocalContainer(
            f"{arn}:{function.name}", environment, paths, function, application.traces(function)
        )

    def _recorder_layer(self) -> Path:
        if self._layer is None:
            self._layer = self._folder / "layer"
            _write(self._layer, package_files("gammaray_recorder"))
        return self._layer

    def _runtime_environment(self, function: Function, handler: str, task: Path) -> dict[str, str]:
        endpoints = {
            f"AWS_ENDPOINT_URL_{service.upper()}": url
            for service, url in self._local_aws.endpoints.items()
        }
        return {
            **endpoints,
            "AWS_ENDPOINT_URL": self._local_aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": self._local_aws.account_id,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": function.region,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_XRAY_DAEMON_ADDRESS": self._daemon,
            "HOME": str(self._folder),
            "LAMBDA_TASK_ROOT": str(task),
            "PATH": os.environ.get("PATH", os.defpath),
            "_HANDLER": handler,
        }


@contextmanager
def local_runtime(local_aws: LocalAws) -> Iterator[LocalRuntime]:
    """Open a runtime; its files are gone afterwards."""
    sdk_was_there = _SDK_FOLDER.exists()
    # In the X-Ray daemon's place: what the SDK sends has somewhere to go, as on AWS.
    with (
        tempfile.TemporaryDirectory(prefix="gammaray-overhead-") as folder,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon,
    ):
        daemon.bind(("127.0.0.1", 0))
        host, port = daemon.getsockname()
        yield LocalRuntime(Path(folder), local_aws, f"{host}:{port}")
    if not sdk_was_there:
        shutil.rmtree(_SDK_FOLDER, ignore_errors=True)


class LocalContainer:
    """One function's process."""

    def __init__(
        self,
        arn: str,
        environment: Mapping[str, str],
        paths: list[Path],
        function: Function,
        traced: bool,
    ) -> None:
        self._arn = arn
        self._environment = environment
        self._paths = [str(path) for path in paths]
        self._function = function
        self._traced = traced
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process anew; it imports nothing of the function's yet."""
        await self.stop()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",  # no variable of the user's changes what is measured
            "-B",  # compiled each time: a function cannot write where its code is
            str(_WORKER),
            *self._paths,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(self._environment),
        )

    async def invoke(self, event: dict[str, Any]) -> Invoked:
        """Invoke the function and wait for its answer.

        Raises:
            UserError: it failed, or did not answer in time.
        """
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the container was not started")
        request = {
            "event": event,
            "request_id": str(uuid.uuid4()),
            "arn": self._arn,
            "timeout_s": self._function.timeout_s,
            "trace": _trace_header() if self._traced else "",
        }
        process.stdin.write(msgspec.json.encode(request) + b"\n")
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                told = await process.stdout.readline()
        except TimeoutError:
            raise self._failure(f"it did not answer within {_TIMEOUT_S:.0f} s") from None
        line = msgspec.json.decode(told, type=_Line) if told else _Line(error="its process ended")
        if line.answer is None:
            raise self._failure(line.error.strip().rpartition("\n")[2])
        return Invoked(answer=line.answer)

    async def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _failure(self, why: str) -> UserError:
        return UserError(
            f"Function {self._function.name} failed: {why}", on="local runtime", kind="failed"
        )


def _trace_header() -> str:
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=1"


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
