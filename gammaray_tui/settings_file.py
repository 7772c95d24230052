"""The configuration file as text: written with comments, or taken from the original's."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from providers.errors import UserError

# Every key of the file: what it means, and what stands there while it is not set.
_KEYS: Final[tuple[tuple[str, str, Any], ...]] = (
    ("profile", "The profile of ~/.aws to work with.", "default"),
    ("regions", "Regions to watch; without them, the profile's own.", ["us-west-2"]),
    ("table", "The record table, by the same name in every region.", "gammaRays"),
    ("endpoint_url", "Another server to ask instead of AWS.", "http://127.0.0.1:4566"),
    ("since", 'Where reading starts: "now", "all", or a duration such as "15m".', "15m"),
    ("theme", "Colours of the screen; T shows them.", "gammaray-dark"),
    ("ascii", "Draw with plain ASCII only.", False),
    ("density", 'How close things stand: "compact" or "roomy"; V changes it.', "compact"),
    ("read_only", "Take away everything that changes AWS.", False),
    ("archive", "The archive that `analyze` and the History screen (E) ask.", "s3://bucket/prefix"),
    ("keys", "Keys by action; `gammaray-tui keys` lists both.", {"pause": "p,space"}),
)
# The original's names (GammaRay.env.template) and ours.
_PROFILE, _REGIONS, _TABLE = "AWSPROFILE", ("REG", "XREG"), "GAMMATABLE"
_ASSIGNMENT: Final = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)")
_REFERENCE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def commented(values: Mapping[str, Any]) -> str:
    """Write the file: every key with its meaning, those without a value commented out."""
    lines = [
        "# Settings of gammaray-tui. The command line and GAMMARAY_* variables win over this file.",
    ]
    for name, meaning, example in _KEYS:
        value = values.get(name)
        lines += ["", f"# {meaning}"]
        if value is None:
            lines.append(f"# {name} = {_toml(example)}")
        else:
            lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """Write a value; JSON's texts, lists and truth values are TOML's, too."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def read_original(path: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Take profile, regions and table from a GammaRay.env; nothing in it is executed.

    Args:
        path: a file of shell assignments, `export NAME=value`.
        say: told of what could not be taken over.

    Raises:
        UserError: the file cannot be read, or says nothing that is known.
    """
    try:
        text = path.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise UserError(
            f"It cannot be read: {why}.",
            on=str(path),
            todo="Check the path after --from.",
            kind="config",
        ) from error
    names = _assignments(text)

    def value(name: str) -> str:
        found = names.get(name, "")
        if "XXX" in found:
            say(f"{name} is {found} in {path}: it was never filled in, and is left out.")
            return ""
        return found

    table = value(_TABLE)
    regions = tuple(dict.fromkeys(region for name in _REGIONS if (region := value(name))))
    taken = {"profile": value(_PROFILE), "regions": regions, "table": table}
    result = {name: item for name, item in taken.items() if item}
    if not result:
        raise UserError(
            f"{path} has none of {_PROFILE}, {', '.join(_REGIONS)} and {_TABLE}.",
            todo="Is it the original's GammaRay.env? Leave --from out to answer questions instead.",
            kind="config",
        )
    return result


def _assignments(text: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for line in text.splitlines():
        match = _ASSIGNMENT.fullmatch(line)
        if match is None:
            continue
        single = match.group(2).lstrip().startswith("'")
        try:
            words = shlex.split(match.group(2), comments=True)
        except ValueError:  # a quote that is not closed on its line
            continue
        value = words[0] if words else ""
        if not single:
            value = _REFERENCE.sub(lambda found: names.get(found[1] or found[2], ""), value)
        names[match.group(1)] = value
    return names
