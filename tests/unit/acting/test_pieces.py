from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from providers import pieces
from providers.clients import Clients
from providers.deploy import within
from providers.errors import UserError
from providers.manifest import find_application
from providers.operations import Scope, Step
from providers.pieces import Change, Piece, run_pieces, wait_until
from providers.place import Place


class NoClients:
    """Stands for the clients of a session where nothing calls AWS."""

    class Session:
        profile = "testuser"

    session = Session()


PLACE = Place(cast(Clients, NoClients()), "123456789012", "aws", "app", "gammaRays")


class Recorded(Piece):
    """A piece that notes what is done with it."""

    def __init__(
        self,
        text: str,
        *needs: Piece,
        region: str = "us-west-2",
        change: str = "create",
        error: Exception | None = None,
        errors: Sequence[Exception] = (),
    ) -> None:
        super().__init__(PLACE, region, text, *needs)
        self.done: list[str] = []
        self._change = Change(cast(Any, change))
        self._error = error
        self._errors = list(errors)  # those of the first attempts

    async def look(self) -> Change:
        assert all(isinstance(need, Recorded) and need.done for need in self.needs)
        await asyncio.sleep(0)
        self.done.append("looked")
        return self._change

    async def make(self, change: Change) -> None:
        if self._error is not None:
            raise self._error
        if self._errors:
            raise self._errors.pop(0)
        self.done.append("made")


async def run(*pieces: Piece, only_look: bool = False) -> list[Step]:
    return await run_pieces(pieces, lambda _step: None, only_look=only_look)


async def test_pieces_are_made_after_those_that_they_need() -> None:
    first = Recorded("first")
    second = Recorded("second", first)
    third = Recorded("third", first, second)

    steps = await run(third, second, first)

    assert [piece.done for piece in (first, second, third)] == [["looked", "made"]] * 3
    assert [step.text for step in steps] == ["third", "second", "first"]
    assert {step.state for step in steps} == {"done"}


async def test_what_is_as_it_should_be_is_left_alone() -> None:
    piece = Recorded("piece", change="leave")

    (step,) = await run(piece)

    assert piece.done == ["looked"]
    assert (step.state, step.detail) == ("done", "up to date")


async def test_looking_makes_nothing() -> None:
    there = Recorded("there", change="leave")
    missing = Recorded("missing", there)

    steps = await run(there, missing, only_look=True)

    assert missing.done == ["looked"]
    assert [(step.state, step.detail) for step in steps] == [
        ("skipped", "up to date"),
        ("waiting", "create"),
    ]


async def test_a_failure_stops_only_what_needs_it() -> None:
    failing = Recorded("failing", error=UserError("It broke", todo="Mend it."))
    needing = Recorded("needing", failing)
    further = Recorded("further", needing)
    other = Recorded("other")
    steps: list[Step] = []

    with pytest.raises(UserError, match="It broke"):
        await run_pieces([failing, needing, further, other], steps.append, only_look=False)

    last = {step.text: step for step in steps}
    assert last["failing"].state == "failed"
    assert last["failing"].detail == "It broke. Mend it."
    assert last["needing"].state == last["further"].state == "skipped"
    assert last["needing"].detail == "needs failing, which failed"
    assert last["other"].state == "done"
    assert needing.done == []


async def test_errors_of_the_network_become_errors_for_people() -> None:
    failing = Recorded("failing", error=ConnectionRefusedError("refused"))

    with pytest.raises(UserError) as raised:
        await run(failing)

    assert raised.value.on == "profile testuser, region us-west-2, failing"


async def test_where_aws_slows_us_down_a_piece_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pieces, "_AGAIN_AFTER_S", (0.0, 0.0))
    slow = UserError("AWS slows down our requests", kind="throttled")
    piece = Recorded("piece", errors=[slow, slow])
    steps: list[Step] = []

    (last,) = await run_pieces([piece], steps.append, only_look=False)

    assert last.state == "done"
    assert piece.done == ["looked", "looked", "looked", "made"]
    assert "slows down our requests; again in 0 s" in steps[2].detail
    with pytest.raises(UserError, match="slows down"):
        await run(Recorded("piece", errors=[slow] * 3))


async def test_mistakes_of_ours_are_not_hidden() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await run(Recorded("failing", error=KeyError("ours")))

    assert isinstance(raised.value.exceptions[0], KeyError)


async def test_all_pieces_are_reported_before_the_first_is_begun() -> None:
    steps: list[Step] = []
    first = Recorded("first")

    await run_pieces([first, Recorded("second", first)], steps.append, only_look=False)

    assert [(step.text, step.state) for step in steps[:2]] == [
        ("first", "waiting"),
        ("second", "waiting"),
    ]
    assert [step.state for step in steps if step.text == "second"] == ["waiting", "running", "done"]


async def test_waiting_gives_up_with_an_error_for_people() -> None:
    async def never() -> bool:
        return False

    with pytest.raises(UserError) as raised:
        await wait_until(never, "table T", timeout_s=0.0)

    assert raised.value.kind == "timeout"


def test_placeholders_are_filled() -> None:
    text = PLACE.filled("arn:{partition}:s3:::{app}-{account}-{region}/{other}", "eu-west-1")

    assert text == "arn:aws:s3:::app-123456789012-eu-west-1/{other}"


def test_only_what_belongs_to_the_chosen_regions_is_taken_with_what_it_needs() -> None:
    role = Recorded("role", region="")
    bucket = Recorded("bucket", region="eu-west-1")
    west = Recorded("west", role, bucket)
    east = Recorded("east", role, region="us-east-1")
    everything = [role, bucket, west, east]
    application = find_application("imageproc")

    assert within(everything, (), application) == everything
    assert within(everything, ["us-east-1", "mars-1"], application) == [role, east]
    assert within(everything, ["us-west-2"], application) == [role, bucket, west]
    with pytest.raises(UserError) as raised:
        within(everything, ["mars-1"], application)
    assert raised.value.kind == "no-such-region"
    assert "us-west-2, us-east-1" in raised.value.todo


def test_where_nobody_looked_is_told_in_few_words() -> None:
    off = [(f"ap-east-{number}", "not enabled") for number in range(9)]
    scope = Scope(("us-west-2",), ("eu-north-1", "eu-west-1"), (("me-south-1", "it refused"), *off))
    assert str(scope) == (
        "Looked in us-west-2. Not looked in: me-south-1 (it refused); "
        "ap-east-0 and 8 more regions (not enabled). "
        "Nothing carries our tag in eu-north-1, eu-west-1."
    )
