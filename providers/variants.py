"""An application in one of the configurations: the same parts under names of its own.

So the configurations of one application stand side by side in one account, and none triggers
the functions of another.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

import msgspec

from providers.configurations import CONFIGURATIONS
from providers.manifest_parts import Manifest

KINDS: Final = {
    "function": "functions",
    "table": "tables",
    "bucket": "buckets",
    "topic": "topics",
    "queue": "queues",
    "stream": "streams",
    "state machine": "state_machines",
}
"""What a part is called -> the manifest's key that holds such parts."""

IN_TRIGGERS: Final = ("rule", "api")
"""What has its name in the triggers that make use of it, and no part of its own."""

_LETTER_AT_END: Final = re.compile(rf"-[{''.join(CONFIGURATIONS)}]$", re.IGNORECASE)
_NAMED: Final = re.compile(rf"{{({'|'.join(KINDS)}):((?:[^{{}}]|{{[^{{}}]*}})*)}}")


def named_for(manifest: Manifest, letter: str) -> Manifest:
    """Give the manifest with the names that its parts are deployed under.

    "{table:orders}" in texts becomes the name that the table is deployed under.

    Args:
        manifest: with the names as its file has them.
        letter: a configuration's; with "" the names stay.

    Raises:
        ValueError: a text names a part that there is not.
    """
    names = names_for(manifest, letter)
    data: dict[str, Any] = msgspec.to_builtins(manifest)
    for kind, key in KINDS.items():
        for part in data[key]:
            part["name"] = names[kind][part["name"]]
    for holder in (data["fire"], *data["triggers"]):
        for kind in KINDS:
            if holder.get(kind) is not None:
                holder[kind] = names[kind][holder[kind]]
        for kind in IN_TRIGGERS:
            if holder.get(kind) is not None:
                holder[kind] = deployed_name(kind, holder[kind], letter)
    for queue in data["queues"]:
        if queue["dead_letters"] is not None:
            queue["dead_letters"] = names["queue"][queue["dead_letters"]]
    return msgspec.convert(filled(data, names), Manifest)


Names: TypeAlias = dict[str, dict[str, str]]
"""Kind -> name in the manifest's file -> name that it is deployed under."""


def names_for(manifest: Manifest, letter: str) -> Names:
    """Give the names that the parts of a manifest are deployed under."""
    return {
        kind: {part.name: deployed_name(kind, part.name, letter) for part in getattr(manifest, key)}
        for kind, key in KINDS.items()
    }


def filled(value: Any, names: Names) -> Any:
    """Replace "{table:orders}" by the deployed name, in a text or in all texts of a structure.

    Raises:
        ValueError: there is no such part.
    """

    def name(match: re.Match[str]) -> str:
        kind, own = match.groups()
        if own not in names[kind]:
            raise ValueError(f"{match.group()}: there is no {kind} {own}")
        return names[kind][own]

    if isinstance(value, str):
        return _NAMED.sub(name, value)
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    return [filled(item, names) for item in value] if isinstance(value, (list, tuple)) else value


def deployed_name(kind: str, name: str, letter: str) -> str:
    """Give the name that a part is deployed under in a configuration.

    A function's name gets the letter at its end, any other name a hyphen and the letter; where
    that ends in another configuration's letter already, this one takes its place. The same letter
    does not: the name as it is belongs to the application without a configuration.
    """
    if not letter:
        return name
    if kind == "function":
        return name + letter
    own = name[-1].upper() == letter
    # Buckets have no capitals.
    ending = letter.lower() if kind == "bucket" else letter
    return f"{name if own else _LETTER_AT_END.sub('', name)}-{ending}"


def check_distinct(manifest: Manifest, letter: str) -> None:
    """Check that no part bears, in a configuration, the name of another part, or of another's.

    Raises:
        ValueError: one does; two configurations would share it, and each undo the other's.
    """
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for other in (letter, *({"", *CONFIGURATIONS} - {letter})):
        for kind, names in names_for(manifest, other).items():
            for own, deployed in names.items():
                taken = known.get((kind, deployed))
                if taken is not None and letter in (taken[1], other):
                    raise ValueError(
                        f"{kind} {taken[0]} in configuration {taken[1] or 'none'} and {kind} "
                        f"{own} in configuration {other or 'none'} would both be {deployed}"
                    )
                known.setdefault((kind, deployed), (own, other))
