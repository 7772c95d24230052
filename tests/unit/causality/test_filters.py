"""Filter expressions: what each word means, and where a mistake is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from causality.filter_words import FIELDS, FLAGS, MEASURES, QUANTILES
from causality.filters import (
    FilterError,
    exactly,
    holding,
    likely_meant,
    parse,
    read_duration,
    read_time,
)
from causality.graph import Invocation
from causality.latency import latencies_of
from causality.suggestions import suggest
from tests.unit.analysis.chains import World, read, received, send

DOCS = Path(__file__).parents[3] / "docs" / "filters.md"


def _world() -> World:
    world = World()
    first = (send("s", 0.5, 0.1, "m"), read("r", 0.1, 0.1))
    world.run("a-1", "ImageProc", 0.0, 1.0, *first, init_s=0.4)
    world.run("b-1", "Sync Two", 2.0, 2.2, causes=(received("m"),), status="error")
    world.run("b-1", "Sync Two", 4.0, 4.1, causes=(received("m"),), attempt="b")
    world.run("c-1", "Other", 9.0, 19.0, status="timeout")
    return world


def fitting(expression: str) -> set[str]:
    known = _world().invocations()
    test = parse(expression, lambda: latencies_of(known.values()))
    assert test is not None
    return {name for name, invocation in known.items() if test(invocation)}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("function:Image*", "a"),
        ("function:image", "a"),
        ("function:mage*", ""),  # with a wildcard, all of it has to fit
        ("function:?ther", "c"),
        ('function:"sync two"', "b"),
        ('function:"sync"', ""),  # quoted: exactly this
        ("region:us-east-1", "abc"),
        ("region:eu", ""),
        ("request:a-", "a"),
        ("service:sqs operation:SendMessage", "a"),
        ("resource:jobs", "ab"),
        ("error", "c"),
        ("timeout", "c"),
        ("ok", "ab"),
        ("-error", "ab"),
        ("!error", "ab"),
        ("--error", "c"),
        ("cold", "a"),
        ("retry", "b"),
        ("root", "ac"),
        ("exact", "b"),
        ("duration>500ms", "ac"),
        ("duration>=10s", "c"),
        ("duration<150ms", "b"),
        ("init>0.3", "a"),
        ("delay>1s delay<1.5s", "b"),
        ("attempts=2", "b"),
        ("calls>1", "a"),
        ("calls=0", "bc"),
        ("started>=2026-09-21T14:13:29Z", "c"),
        ("started<1790000001", "a"),
        ("max>5s", "c"),
        ("p95>=900ms", "abc"),  # b by the delay of the edge that leads to it
        ("-max>5s", "ab"),
        ("other", "c"),
        ("JOBS -error", "ab"),
        ('"Sync T"', "b"),
        ('function:"sync t"*', "b"),
        ('function:*"*"*', ""),  # a quoted wildcard is one no more
        ("init=400ms delay<1", ""),
        ("init=400ms", "a"),
        ("duration=200ms", "b"),  # of two epoch times, whose difference is no round number
        ("duration>200ms", "ac"),
        ("delay>=1400ms", "b"),
        ("a=b", ""),
    ],
)
def test_what_fits(expression: str, expected: str) -> None:
    assert fitting(expression) == {f"{letter}-1" for letter in expected}


@pytest.mark.parametrize(
    ("expression", "column", "says"),
    [
        ("dur>foo", 1, "did you mean duration?"),
        ("cold  durations>1s", 7, "did you mean duration?"),
        ("duration>foo", 10, "'foo' is no number; give one such as 200ms"),
        ("duration>", 10, "is no number"),
        ("p95>200parsecs", 8, "no unit 'parsecs'"),
        ("-duration>1.2.3", 14, "no unit '.3'"),
        ("attempts>2ms", 11, "a count has no unit"),
        ("started>yesterday", 9, "is no time"),
        ("error colour:red", 7, "no field 'colour'; there are account"),
        ("functoin:x", 1, "did you mean function?"),
        ("function:", 10, "function: needs a value"),
        ('cold key:"a b', 10, "quote is not closed"),
        ("cold -", 7, "nothing follows '-'"),
        ("p95 > 200ms", 5, "a comparison holds no blanks"),
        ("duration!=1s", 9, "no comparison '!='; '-' before the word negates it"),
        ("p95:200ms", 1, "did you mean p95>200ms?"),
        ("cold:true", 1, "did you mean cold?"),
        ("error OR cold", 7, "there is no 'or'"),
        ("cold AND error", 6, "joined by blanks"),
        ("cold and error", 6, "joined by blanks"),
        ("duration=>1s", 9, "did you mean >=?"),
        ("cold region=us-east-1", 6, "did you mean region:us-east-1?"),
        ("cold region!=eu", 6, "did you mean -region:eu?"),
        ("cold=true", 1, "did you mean cold?"),
        ("retry>1", 1, "did you mean retry?"),
        ("state:error", 1, "did you mean error?"),
        ("error | cold", 7, "there is no 'or'"),
        ("cold,error", 5, "joined by blanks"),
        ("root (error", 6, "no parentheses"),
        ("200ms<duration", 6, "no comparison, such as duration>200ms"),
        ('cold "p95">200ms', 11, "no comparison, such as duration>200ms"),
        ("duration!>1s", 9, "no comparison, such as duration>200ms"),
    ],
)
def test_mistakes_are_pointed_at(expression: str, column: int, says: str) -> None:
    with pytest.raises(FilterError) as raised:
        parse(expression, lambda: latencies_of(()))
    assert says in str(raised.value)
    assert str(raised.value).startswith(f"column {column}: ")
    assert raised.value.column == column


def test_a_misspelt_flag_is_noticed_where_nothing_fits() -> None:
    assert likely_meant("function:x colld") == "'colld' is looked for as text; did you mean cold?"
    assert likely_meant("p95") == (
        "'p95' is looked for as text; did you mean a comparison, such as p95>1?"
    )
    assert likely_meant("cold checkout") == ""


def test_an_empty_expression_keeps_everything() -> None:
    assert parse("") is None
    assert parse("  \t") is None


def test_quantiles_need_a_graph() -> None:
    with pytest.raises(FilterError, match="whole graph"):
        parse("p95>1s")


def test_rows_of_tables_fit_by_their_own_quantile() -> None:
    known = _world().invocations()

    test = parse("p95>=900ms cold", lambda: latencies_of(known.values()))

    assert test is not None
    assert test.fits_function(("Other", "us-east-1", ""))
    assert not test.fits_function(("Sync Two", "us-east-1", ""))
    assert test.fits_edge(("ImageProc → jobs → Sync Two", "us-east-1", ""))
    assert test.fits_itself(known["a-1"])
    assert not test.fits_itself(known["c-1"])


@given(st.text(max_size=40))
def test_any_text_is_read_or_pointed_at(text: str) -> None:
    column = 1
    try:
        parse(text, lambda: latencies_of(()))
    except FilterError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


def test_very_many_signs_are_no_trouble() -> None:
    assert fitting("-" * 100_000 + "error") == {"c-1"}


def test_times_and_durations() -> None:
    assert read_time("2026-11-22T14:00Z") == read_time("2026-11-22 15:00+01:00")
    assert read_time("2026-11-22T14:00") == read_time("2026-11-22T14:00Z")
    assert read_time("1790000000.5") == 1790000000.5
    assert read_time("soon") is None
    assert [read_duration(text) for text in ("90s", "5m", "1.5h", "250ms", "2", "x")] == [
        90.0,
        300.0,
        5400.0,
        0.25,
        2.0,
        None,
    ]


def test_every_word_is_documented() -> None:
    text = DOCS.read_text()
    for name in [*FLAGS, *MEASURES, *QUANTILES]:
        assert f"`{name}`" in text, name
    for name in FIELDS:
        assert f"`{name}:`" in text, name


def test_suggestions_complete_the_word_at_the_cursor() -> None:
    seen = {"function": ["ImageProc", "Sync Two"], "region": ["us-east-1", "us-west-2"]}

    def words(text: str, column: int | None = None) -> list[str]:
        return [s.word for s in suggest(text, len(text) + 1 if column is None else column, seen)]

    assert words("co")[:2] == ["cold", "content"]
    assert words("cold region:") == ["region:us-east-1", "region:us-west-2"]
    assert words("region:west") == ["region:us-west-2"]
    assert words("-functi") == ["-function:"]
    assert words("function:s") == ['function:"Sync Two"']
    assert words("im") == ["function:ImageProc"]
    assert words("p9") == ["p90>200ms", "p95>200ms", "p99>200ms"]
    assert "error" in words("")
    (first, *_) = suggest("dela cold", 5)
    assert (first.text, first.column) == ("delay>200ms cold", 12)


@given(st.text(max_size=20), st.integers(-3, 25))
def test_suggestions_of_known_words_can_be_read(text: str, column: int) -> None:
    for suggestion in suggest(text, column, {"function": ["a b", "x*"]}):
        assert 1 <= suggestion.column <= len(suggestion.text) + 1


def test_what_is_suggested_is_valid() -> None:
    suggestions = suggest("", 1)
    assert suggestions
    for suggestion in suggestions:
        if not suggestion.word.endswith(":"):
            parse(suggestion.text, lambda: latencies_of(()))


def test_versions_and_aliases() -> None:
    world = World()
    world.run("old", "Checkout:6", 0.0, 1.0)
    world.run("new", "Checkout:live", 2.0, 3.0)
    known = world.invocations()

    def fits(expression: str) -> set[str]:
        test = parse(expression)
        assert test is not None
        return {name for name, invocation in known.items() if test(invocation)}

    assert fits("version:6") == {"old"}
    assert fits('version:"live"') == {"new"}
    assert fits("function:Checkout -version:6") == {"new"}


@given(st.text(min_size=1), st.text(max_size=3), st.text(max_size=3))
@example('a"b', "", "")
@example('"', "*", "")
@example("error", "", "")
def test_what_is_written_for_a_text_means_it(text: str, before: str, after: str) -> None:
    name = (before + text + after).lower()
    longer = Invocation("r", function=before + text + after)

    alone, within = parse(f"function:{exactly(text)}"), parse(f"function:{holding(text)}")
    word = parse(holding(text))

    assert alone is not None
    assert within is not None
    assert word is not None
    assert (
        alone(longer) == (name == text.lower()) or '"' in text
    )  # whose place any character can take
    if text.lower() in name:
        assert within(longer)
        assert word(longer)
