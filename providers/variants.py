"""An application in one of the configurations: the same parts under names of its own.

So the configurations of one application stand side by side in one account, and none triggers
the functions of another.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from providers.configurations import CONFIGURATIONS
from providers.manifest_parts import Manifest

KINDS: Final = {
    "function": "functions",
    "table": "tables",
    "bucket": "buckets",
    "topic": "topics",
    "queue": "queues",
}
"""What triggers and texts call a part -> the manifest's key that holds such parts."""

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
    data: dict[str, Any] = msgspec.to_builtins(manifest)
    names: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for kind, key in KINDS.items():
        for part in data[key]:
            names[kind][part["name"]] = deployed_name(kind, part["name"], letter)
            part["name"] = names[kind][part["name"]]
    for holder in (data["fire"], *data["triggers"], *data["functions"]):
        for kind in KINDS:
            if holder.get(kind) is not None:
                holder[kind] = names[kind][holder[kind]]

    def name(match: re.Match[str]) -> str:
        kind, own = match.groups()
        if own not in names[kind]:
            raise ValueError(f"{match.group()}: there is no {kind} {own}")
        return names[kind][own]

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return _NAMED.sub(name, value)
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        return [filled(item) for item in value] if isinstance(value, (list, tuple)) else value

    return msgspec.convert(filled(data), Manifest)


def deployed_name(kind: str, name: str, letter: str) -> str:
    """Give the name that a part is deployed under in a configuration.

    A function's name gets the letter at its end, any other name a hyphen and the letter; where
    that ends in a configuration's letter already, this one takes its place.
    """
    if not letter:
        return name
    if kind == "function":
        return name + letter
    # Buckets have no capitals.
    return f"{_LETTER_AT_END.sub('', name)}-{letter.lower() if kind == 'bucket' else letter}"
