from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from providers import local_aws
from providers.errors import UserError
from providers.local_aws import LocalAws
from providers.operations import Step


async def test_a_missing_extra_is_told_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "ministack" else installed(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)

    with pytest.raises(UserError) as raised:
        await LocalAws().start()

    assert raised.value.kind == "missing-extra"
    assert raised.value.on == "ministack"
    assert "pip install 'gammaray-tui[local]'" in raised.value.todo


@pytest.mark.parametrize("server", ["ministack", "moto"])
async def test_a_server_that_does_not_start_is_shown_with_what_it_printed(
    monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    def servers() -> list[dict[str, object]]:
        endless = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
        broken = [sys.executable, "-I", "-S", "-c", "raise SystemExit('out of cheese')"]
        return [
            {"name": name, "argv": broken if name == server else endless, "environment": {}}
            for name in ("ministack", "moto")
        ]

    monkeypatch.setattr(local_aws, "_servers", servers)
    steps: list[Step] = []
    running = LocalAws(steps.append)

    with pytest.raises(UserError) as raised:
        await running.start()

    assert raised.value.kind == "local-aws-failed"
    assert "out of cheese" in raised.value.todo
    assert "exit code 1" in raised.value.what
    assert steps[-1].state == "failed"
    assert steps[-1].id == f"local-aws/{server}"
    assert running.folder != Path()
    assert not running.folder.exists()


async def test_a_supervisor_that_cannot_start_the_servers_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        local_aws,
        "_servers",
        lambda: [{"name": "ministack", "argv": ["/there/is/no/such/program"], "environment": {}}],
    )

    with pytest.raises(UserError) as raised:
        await LocalAws().start()

    assert "/there/is/no/such/program" in raised.value.what


async def test_stopping_what_was_never_started_is_nothing() -> None:
    await LocalAws().stop()
