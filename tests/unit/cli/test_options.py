from __future__ import annotations

import pytest

from gammaray_tui.commands.options import Given, split_regions
from gammaray_tui.commands.replay import parse_speed
from providers.errors import UserError


def test_options_before_the_command_fill_up_its_own() -> None:
    before = Given(profile="before", regions=("us-west-2",), ascii_only=True, read_only=True)
    own = Given(profile="own", ascii_only=False)
    assert own.over(before) == Given(
        profile="own", regions=("us-west-2",), ascii_only=False, read_only=True
    )


def test_regions_are_split_and_given_once() -> None:
    assert split_regions(["us-west-2,us-east-1", "us-west-2", " eu-west-1 "]) == (
        "us-west-2",
        "us-east-1",
        "eu-west-1",
    )
    assert split_regions(None) == ()


@pytest.mark.parametrize(
    ("given", "option"),
    [
        (Given(profile="p"), "--profile"),
        (Given(regions=("r",)), "--region"),
        (Given(endpoint_url="u"), "--endpoint-url"),
        (Given(since="all"), "--since"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(given: Given, option: str) -> None:
    with pytest.raises(UserError, match=f"^{option} "):
        given.refuse_aws("export")


def test_options_of_the_screen_are_not_refused() -> None:
    given = Given(theme="light", ascii_only=True)
    assert given.refuse_aws("replay") is given


def test_speeds() -> None:
    assert parse_speed("max") is None
    assert parse_speed("10") == 10.0
    assert parse_speed("0.5") == 0.5


@pytest.mark.parametrize("text", ["0", "-1", "fast", "nan", "inf", ""])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--speed"):
        parse_speed(text)
