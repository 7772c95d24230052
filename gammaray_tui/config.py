"""Settings: the command line over the environment over the configuration file over defaults."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar

import msgspec
import platformdirs

from gammaray_tui.commands.options import Given, split_regions
from providers.errors import UserError

Density: TypeAlias = Literal["compact", "roomy"]
_T = TypeVar("_T")
_FALSE = ("0", "false", "no", "off", "")
_TRUE = ("1", "true", "yes", "on")
VARIABLES = (
    "GAMMARAY_ASCII",
    "GAMMARAY_CONFIG",
    "GAMMARAY_ENDPOINT_URL",
    "GAMMARAY_PROFILE",
    "GAMMARAY_READ_ONLY",
    "GAMMARAY_REGIONS",
    "GAMMARAY_SINCE",
    "GAMMARAY_TABLE",
    "GAMMARAY_THEME",
)
"""The variables that are read here; README.md explains each."""
# Set in functions, and so perhaps in the shell of whoever runs one by hand.
_OF_RECORDER = (
    "GAMMARAY_FLUSH_MS",
    "GAMMARAY_HANDLER",
    "GAMMARAY_HASH_KEYS",
    "GAMMARAY_INTERVAL_MS",
    "GAMMARAY_REGION",
    "GAMMARAY_TRACE_HOSTS",
    "GAMMARAY_TTL_S",
)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the configuration file may say; every key is optional.

    Attributes:
        profile: profile of ~/.aws to work with.
        regions: regions to watch; without them, the profile's own.
        table: name of the record table, the same in every region.
        endpoint_url: a server to ask instead of AWS.
        since: where reading starts: "now", "all" or a duration such as "15m".
        theme: name of the theme.
        ascii: draw with plain ASCII only.
        density: "compact", or "roomy" for more space between things.
        read_only: take away everything that changes AWS.
        archive: the archive that `analyze` and the History screen ask, unless told of another.
        keys: keys of the screen's actions, by the action's id, joined by commas.
    """

    profile: str | None = None
    regions: tuple[str, ...] = ()
    table: str | None = None
    endpoint_url: str | None = None
    since: str | None = None
    theme: str | None = None
    ascii: bool | None = None
    density: Density | None = None
    read_only: bool | None = None
    archive: str | None = None
    keys: dict[str, str] = {}


class Appearance(TypedDict):
    """What a user may choose of how the screen looks and which keys it takes."""

    theme: str | None
    theme_folder: Path | None
    ascii_only: bool
    density: Density
    keys: dict[str, str]


class Settings(msgspec.Struct, frozen=True):
    """What holds for this run, after all sources were asked.

    Attributes:
        since_from: which source said `since`, for a message about it.
    """

    profile: str | None = None
    regions: tuple[str, ...] = ()
    table: str = "gammaRays"
    endpoint_url: str | None = None
    since: str = "15m"
    since_from: str = "the default"
    theme: str | None = None
    ascii_only: bool = False
    density: Density = "compact"
    read_only: bool = False
    archive: str = ""
    keys: dict[str, str] = {}

    @property
    def appearance(self) -> Appearance:
        """How the screen looks and which keys it takes."""
        return Appearance(
            theme=self.theme,
            theme_folder=user_folder(),
            ascii_only=self.ascii_only,
            density=self.density,
            keys=self.keys,
        )


def default_path() -> Path:
    """Say where the configuration file is looked for."""
    return platformdirs.user_config_path("gammaray-tui") / "config.toml"


def user_folder() -> Path:
    """Say where the user's own themes are looked for."""
    return platformdirs.user_config_path("gammaray-tui") / "themes"


def load_settings(given: Given, environ: Mapping[str, str] | None = None) -> Settings:
    """Put together what holds: the command line, else GAMMARAY_*, else the file, else defaults.

    Raises:
        UserError: the file cannot be read or says something unknown; a variable is unreadable.
    """
    environ = os.environ if environ is None else environ
    from_environment = _read_environment(environ)
    path = _path_of_file(given.config, environ)
    file = read_config(path) if path is not None else Config()
    defaults = Settings()
    return Settings(
        profile=_first(given.profile, from_environment.profile, file.profile),
        regions=given.regions or from_environment.regions or file.regions,
        table=_first(given.table, from_environment.table, file.table) or defaults.table,
        endpoint_url=_first(given.endpoint_url, from_environment.endpoint_url, file.endpoint_url),
        since=_first(given.since, from_environment.since, file.since) or defaults.since,
        since_from=_since_from(given, from_environment, file, path),
        theme=_first(given.theme, from_environment.theme, file.theme),
        ascii_only=bool(_first(given.ascii_only, from_environment.ascii, file.ascii)),
        density=file.density or defaults.density,
        # The safe answer wins: no source can take back what another has forbidden.
        read_only=given.read_only or bool(from_environment.read_only) or bool(file.read_only),
        archive=file.archive or defaults.archive,
        keys=file.keys,
    )


def misspelt(environ: Mapping[str, str] | None = None) -> list[str]:
    """Say of each GAMMARAY_* variable that nothing reads what was probably meant."""
    environ = os.environ if environ is None else environ
    known = [*VARIABLES, *_OF_RECORDER]
    unknown = sorted(name for name in environ if name.startswith("GAMMARAY_"))
    return [
        f"{name} means nothing here. {_did_you_mean(name, VARIABLES, 'variables')}"
        for name in unknown
        if name not in known
    ]


def read_config(path: Path) -> Config:
    """Read a configuration file.

    Raises:
        UserError: it is not there, not TOML, or says something unknown or of the wrong type.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(
            "The configuration file does not exist.",
            on=str(path),
            todo="Check the path that --config or GAMMARAY_CONFIG names.",
            kind="config",
        ) from None
    except OSError as error:
        raise UserError(
            f"The configuration file cannot be read: {error.strerror or error}.",
            on=str(path),
            todo="Check its permissions, or name another one with --config.",
            kind="config",
        ) from error
    except ValueError as error:  # TOML's own and UTF-8's errors
        raise UserError(
            f"The configuration file is not valid TOML: {error}.",
            on=str(path),
            todo="Correct that line.",
            kind="config",
        ) from error
    _refuse_unknown(values, path)
    try:
        return msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        raise UserError(
            f"The configuration file has a value of the wrong type: {error}.",
            on=str(path),
            todo="Correct that key.",
            kind="config",
        ) from error


def _path_of_file(named: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Give the file to read: the one that is named, else the usual one if it is there."""
    if named is None and environ.get("GAMMARAY_CONFIG"):
        named = Path(environ["GAMMARAY_CONFIG"])
    if named is not None:
        return named.expanduser()
    path = default_path()
    return path if path.is_file() else None


def _since_from(given: Given, variables: Config, file: Config, path: Path | None) -> str:
    if given.since is not None:
        return "--since"
    if variables.since is not None:
        return "GAMMARAY_SINCE"
    return f"`since` in {path}" if file.since is not None else Settings().since_from


def _refuse_unknown(values: Mapping[str, Any], path: Path) -> None:
    known = [field.name for field in msgspec.structs.fields(Config)]
    for name in values:
        if name not in known:
            raise UserError(
                f'The configuration file has an unknown key "{name}".',
                on=str(path),
                todo=_did_you_mean(name, known),
                kind="config",
            )


def _did_you_mean(name: str, known: Iterable[str], what: str = "keys") -> str:
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Known {what} are: {', '.join(known)}."


def _read_environment(environ: Mapping[str, str]) -> Config:
    """Read all of `VARIABLES` but GAMMARAY_CONFIG."""
    return Config(
        profile=environ.get("GAMMARAY_PROFILE") or None,
        regions=split_regions([environ.get("GAMMARAY_REGIONS", "")]),
        table=environ.get("GAMMARAY_TABLE") or None,
        endpoint_url=environ.get("GAMMARAY_ENDPOINT_URL") or None,
        since=environ.get("GAMMARAY_SINCE") or None,
        theme=environ.get("GAMMARAY_THEME") or None,
        ascii=_read_switch("GAMMARAY_ASCII", environ),
        read_only=_read_switch("GAMMARAY_READ_ONLY", environ),
    )


def _read_switch(name: str, environ: Mapping[str, str]) -> bool | None:
    text = environ.get(name)
    if text is None:
        return None
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise UserError(
        f'{name} is "{text}", which is neither yes nor no.',
        todo=f"Set {name} to 1 or 0, or unset it.",
        kind="config",
    )


def _first(*values: _T | None) -> _T | None:
    return next((value for value in values if value is not None), None)
