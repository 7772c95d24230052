"""`cleanup`: what is meant, and that nothing goes which was not asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammaray_tui.commands import cleanup
from providers.errors import UserError
from tests.functional.mock_operations import RESOURCES, SCOPE, MockOperations
from tests.unit.cli.run import run_inside


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MockOperations:
    operations = MockOperations()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(cleanup, "acting", lambda _given: operations)
    return operations


def test_it_only_lists_unless_told_what_to_delete(account: MockOperations) -> None:
    done = run_inside("cleanup")

    assert done.returncode == 0
    assert [line.split()[2] for line in done.stdout.splitlines()] == [
        one.name for one in RESOURCES if one.managed
    ]
    said = done.stderr.splitlines()
    assert said == [
        str(SCOPE),
        "5 resources. Nothing was deleted: name some of them, or give --all.",
    ]
    assert account.deleted == []


@pytest.mark.parametrize("choice", [["--all"], ["--app", "imageproc"], ["customers"]])
def test_without_a_terminal_to_ask_at_it_wants_a_yes(
    account: MockOperations, choice: list[str]
) -> None:
    refused = run_inside("cleanup", *choice)
    looked = run_inside("cleanup", *choice, "--dry-run")

    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert looked.returncode == 0
    assert "would be deleted. Nothing was deleted." in looked.stderr
    assert looked.stdout == refused.stdout
    assert account.deleted == []


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (["NoSuchThing"], '"NoSuchThing"'),
        (["--app", "shop"], "There is something of: imageproc."),
        (["--all", "customers"], "exclude each other"),
    ],
)
def test_what_is_not_there_is_named(account: MockOperations, choice: list[str], said: str) -> None:
    refused = run_inside("cleanup", *choice, "--yes")

    assert refused.returncode == 2
    assert said in refused.stderr
    assert account.deleted == []


def test_what_is_named_goes_and_what_stays_is_told(account: MockOperations) -> None:
    account.fails_to_delete = "DBSyncPy"

    done = run_inside("cleanup", "customers", "DBSyncPy", "--yes")

    assert done.returncode == 1
    assert [one.name for one in account.deleted] == ["customers"]
    assert "1 resource deleted." in done.stderr
    (kept,) = (line for line in done.stderr.splitlines() if line.startswith("not deleted: "))
    assert "DBSyncPy" in kept
    assert kept.endswith(": AccessDenied")


def test_a_listing_that_is_refused_is_told_and_the_rest_shown(
    account: MockOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = UserError("This may not be listed", on="queues", todo="Ask for it.", kind="denied")
    listed = account.resources

    async def resources(on_refused, **more):  # type: ignore[no-untyped-def]
        on_refused(refused)
        return await listed(**more)

    monkeypatch.setattr(account, "resources", resources)
    done = run_inside("cleanup")

    assert done.returncode == 1
    assert "Ask for it." in done.stderr
    assert len(done.stdout.splitlines()) == 5
