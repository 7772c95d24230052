"""Nothing reaches out unless a user's profile and an explicit command ask for it.

An audit hook in each process notes every name that is looked up and every address that is
connected to, whichever library does it.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.run import ORACLE, clean_environment, command

HOOK = """
import os, sys

def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        address = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments
        with open(os.environ["NOTED"], "a") as file:
            file.write(repr((event, address if isinstance(address, str) else address[0])) + "\\n")

sys.addaudithook(note)
"""
APP = """
import asyncio
from gammaray_tui.app import GammarayApp
from gammaray_tui.watch import Watch
async def main():
    app = GammarayApp(Watch("x"), title="x")
    async with app.run_test() as pilot:
        await pilot.pause()
asyncio.run(main())
"""
# Not in ~/.aws, not in the environment: there is no profile and no key.
CASES = {
    "help": command("--help"),
    "version": command("--version"),
    "export": command("export", str(ORACLE / "webapp")),
    "configuration": command("--config", "none.toml"),
    "watch": command("--region", "us-west-2"),
    "tail": command("tail", "--region", "us-west-2", "--region", "us-east-1"),
    "fire": command("fire", "imageproc", "--region", "us-west-2"),
    "deploy": command("deploy", "imageproc", "--region", "us-west-2"),
    "cleanup": command("cleanup", "--region", "us-west-2"),
    "the screen": [sys.executable, "-c", APP],
    "every module": [
        sys.executable,
        "-c",
        "import gammaray_tui.app, gammaray_tui.watch, providers.session, providers.streams,"
        "providers.aws_operations, providers.files, gammaray_recorder, causality.engine",
    ],
}
NEED_CREDENTIALS = ("tail", "fire", "deploy", "cleanup")


def addresses_of(
    line: list[str], folder: Path
) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    noted = folder / "noted"
    noted.touch()
    (folder / "sitecustomize.py").write_text(HOOK)
    done = subprocess.run(
        line,
        env=clean_environment(folder, PYTHONPATH=str(folder), NOTED=str(noted)),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done, {ast.literal_eval(text)[1] for text in noted.read_text().splitlines()}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_contacted_and_missing_credentials_are_named(name: str, tmp_path: Path) -> None:
    done, addresses = addresses_of(CASES[name], tmp_path)
    assert addresses == set(), done.stderr
    assert "Traceback" not in done.stderr
    if name in NEED_CREDENTIALS:
        assert done.returncode == 2
        assert "credentials" in done.stderr
        assert "--profile" in done.stderr


def test_the_hook_notices_a_connection(tmp_path: Path) -> None:
    program = "import socket; socket.create_connection(('127.0.0.1', 1), 0.1)"
    _, addresses = addresses_of([sys.executable, "-c", program], tmp_path)
    assert addresses == {"127.0.0.1"}
