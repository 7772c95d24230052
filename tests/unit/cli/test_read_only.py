"""What read-only leaves of a command that changes AWS: looking, and plans."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from gammaray_tui.cli import app
from gammaray_tui.commands import deploy
from providers.errors import UserError
from tests.functional.mock_operations import MockOperations


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((), "picture labels"), (("imageproc", "--dry-run"), "would: us-west-2  table image-proc-B")],
)
def test_applications_and_plans_are_shown(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    operations: Any = MockOperations()
    monkeypatch.setattr(deploy, "acting", lambda _given: operations)

    done = CliRunner().invoke(app, ["--read-only", "deploy", *arguments])

    assert done.exit_code == 0, done.output
    assert says in done.output
    assert operations.deployed == []
    stays = "stays: us-west-2  stream mapping image-proc-B  stands already"
    assert (stays in done.output) == bool(arguments)


def test_nothing_is_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    operations: Any = MockOperations()
    monkeypatch.setattr(deploy, "acting", lambda _given: operations)

    done = CliRunner().invoke(app, ["--read-only", "deploy", "imageproc"])

    assert isinstance(done.exception, UserError)
    assert done.exception.kind == "read-only"
    assert operations.deployed == []
