"""What was stopped half-way is found by the next run, and settled by what finishes or undoes it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.acts import Act
from providers.errors import UserError
from providers.inventory_local import local_files
from providers.operations import Resource, Step
from providers.unfinished import Journal

STEPS = (Step("a", "table a", "", "done"), Step("b", "table b", "", "running"))
# Begins an act, says so, and waits to be killed.
PROGRAM = """
import sys, time
from pathlib import Path
from providers.acts import Act
from providers.operations import Step
from providers.unfinished import Journal
with Journal("here", Path(sys.argv[1])).keeping(Act("deploy", ("shop",), "shop")) as noting:
    report = noting(lambda step: None)
    report(Step("a", "table a", "", "done"))
    report(Step("b", "table b", "", "running"))
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal("here", tmp_path / "unfinished")


def stop(journal: Journal, act: Act) -> None:
    """Begin an act, and interrupt it."""
    with contextlib.suppress(KeyboardInterrupt), journal.keeping(act) as noting:
        report = noting(lambda _step: None)
        for step in STEPS:
            report(step)
        raise KeyboardInterrupt


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = [sys.executable, "-c", PROGRAM, str(tmp_path / "unfinished")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def test_a_killed_process_leaves_what_it_was_at(
    journal: Journal, begun: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert journal.unfinished() == [], "it runs"

    begun.kill()
    begun.wait()

    (stopped,) = journal.unfinished()
    assert stopped.act == Act("deploy", ("shop",), "shop")
    assert stopped.steps == STEPS
    assert stopped.progress == "1 of 2 steps were through, then at table b"
    assert stopped.undone_by == "cleanup"
    assert Journal("elsewhere", tmp_path / "unfinished").unfinished() == []
    assert local_files([tmp_path]) == [], "cleanup must not take it for a file to delete"
    journal.forget(stopped)
    assert journal.unfinished() == []


def test_what_ends_or_fails_with_a_message_leaves_nothing(journal: Journal) -> None:
    with journal.keeping(Act("setup")):
        pass
    with pytest.raises(UserError), journal.keeping(Act("setup")):
        raise UserError("AWS refuses")
    assert journal.unfinished() == []


@pytest.mark.parametrize(
    ("stopped", "done", "settled"),
    [
        (Act("deploy", ("a",)), Act("deploy", ("a",)), True),
        (Act("deploy", ("a",)), Act("deploy", ("a:B",)), False),
        (Act("deploy", ("a",)), Act("deploy", ("a",), regions=("x",)), False),
        (Act("deploy", ("a",), regions=("x",)), Act("deploy", ("a",)), True),
        (Act("instrument", ("f",)), Act("uninstrument", ("f", "g")), True),
        (Act("uninstrument", ("f", "g")), Act("uninstrument", ("f",)), False),
        (Act("setup"), Act("roles"), False),
        (Act("collector"), Act("collector", ("/wheels/msgspec.whl",)), True),
        (Act("setup"), Act("collector"), False),
    ],
)
def test_the_same_done_well_settles_it(
    journal: Journal, stopped: Act, done: Act, settled: bool
) -> None:
    stop(journal, stopped)

    with journal.keeping(done):
        pass

    assert (journal.unfinished() == []) is settled


def test_a_listing_in_which_nothing_of_it_is_left_settles_it(journal: Journal) -> None:
    queue = Resource("queue", "q", "q", "us-west-2", True, "shop")
    stop(journal, Act("deploy", ("shop:B",), "shop"))
    stop(journal, Act("cleanup", resources=(queue,)))
    stop(journal, Act("instrument", ("f",)))

    journal.listed([queue])
    assert len(journal.unfinished()) == 3
    journal.listed([])

    assert [one.act.kind for one in journal.unfinished()] == ["instrument"]


def test_where_nothing_can_be_written_acts_go_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal("here", tmp_path / "file" / "unfinished")

    with journal.keeping(Act("setup")) as noting:
        noting(lambda _step: None)(STEPS[0])

    assert journal.unfinished() == []


def test_a_line_that_was_cut_off_and_a_file_of_others_do_no_harm(
    journal: Journal, tmp_path: Path
) -> None:
    stop(journal, Act("setup"))
    (path,) = (tmp_path / "unfinished").iterdir()
    with path.open("a") as file:
        file.write('{"id":"c","te')
    (tmp_path / "unfinished" / "later.jsonl").write_text('{"version":9}\n')

    (stopped,) = journal.unfinished()

    assert stopped.steps == STEPS
