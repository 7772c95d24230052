"""Several records of one thing: which parts are new, and which record counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from causality.facts import Call, Cause, End, Output, Start

_Fact = TypeVar("_Fact", Start, Call, End)
_Part = TypeVar("_Part", Cause, Output)


def unknown(parts: Sequence[_Part], known: Sequence[_Part]) -> Sequence[_Part]:
    """Give the parts that are not known yet, each once."""
    if not known and (len(parts) < 2 or (len(parts) == 2 and parts[0] != parts[1])):
        return parts
    seen = {msgspec.json.encode(part) for part in known}
    new = []
    for part in parts:
        encoded = msgspec.json.encode(part)
        if encoded not in seen:
            seen.add(encoded)
            new.append(part)
    return new


def either(one: _Fact, other: _Fact) -> _Fact:
    """Choose between two records of one thing, whichever came first."""
    return one if one == other else min(one, other, key=msgspec.json.encode)
