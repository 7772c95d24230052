from __future__ import annotations

import pytest

from gammaray_tui.expectations.grammar import (
    Expectation,
    ExpectationError,
    Limit,
    Nothing,
    Path,
    parse,
)


def sense(expectation: Expectation) -> tuple[object, ...]:
    """Give all but the text."""
    match expectation:
        case Path():
            return "path", expectation.names, expectation.within_s
        case Limit(names=names, measure=measure, sign=sign, limit=limit):
            return "limit", names, measure, sign, limit
        case Nothing():
            return "no", expectation.what, expectation.name


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ImageProcPy -> DBSyncPy within 2s", ("path", ("ImageProcPy", "DBSyncPy"), 2.0)),
        ("A->B", ("path", ("A", "B"), None)),
        ("A → B-2 -> C within 1.5m", ("path", ("A", "B-2", "C"), 90.0)),
        ('"my -> function" -> no within 5ms', ("path", ("my -> function", "no"), 0.005)),
        ("no errors", ("no", "errors", "")),
        ("no timeouts in Image*", ("no", "timeouts", "Image*")),
        ('no orphans in "in"', ("no", "orphans", "in")),
        ("no gaps", ("no", "gaps", "")),
        ("UpdateWebsite p95 < 500ms", ("limit", ("UpdateWebsite",), "p95", "<", 0.5)),
        ("UpdateWebsite p95<=0.5s", ("limit", ("UpdateWebsite",), "p95", "<=", 0.5)),
        ("A -> B max < 250us", ("limit", ("A", "B"), "max", "<", 0.00025)),
        ("A count >= 3", ("limit", ("A",), "count", ">=", 3.0)),
        ("no -> B count = 0", ("limit", ("no", "B"), "count", "=", 0.0)),
        ("within -> p95", ("path", ("within", "p95"), None)),
    ],
)
def test_what_is_meant(text: str, meant: tuple[object, ...]) -> None:
    expectation = parse(text)
    assert sense(expectation) == meant
    assert expectation.text == text


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("", 1, "nothing is expected"),
        ("A", 2, "`->` or one of p50"),
        ("A ->", 5, "function's name"),
        ("A -> B within", 14, "a time"),
        ("A -> B within 2", 15, "a time"),
        ("A -> B within 2s please", 18, "nothing more"),
        ("A -> B quickly", 8, "`within`"),
        ("A p95 500ms", 7, "one of < <="),
        ("A p95 < 500", 9, "a time"),
        ("A p97 < 5s", 3, "p50"),
        ("A count < 2s", 11, "whole number"),
        ("A count < ²", 11, "whole number"),
        ("no mistakes", 4, "errors, timeouts"),
        ("no errors at A", 11, "`in`"),
        ("no errors in", 13, "function's name"),
        ("no gaps in A", 9, "no function"),
        ("-> B", 1, "function's name"),
        ('A -> "B', 6, "function's name"),
    ],
)
def test_what_cannot_be_read_says_where(text: str, column: int, part: str) -> None:
    with pytest.raises(ExpectationError) as caught:
        parse(text)
    assert (caught.value.column, part in str(caught.value)) == (column, True), str(caught.value)
