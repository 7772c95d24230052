"""Applications as their manifests describe them: one TOML file each, `app.toml`.

A manifest says what an application consists of and how it is fired; examples/README.md describes
every key. Texts can hold {account}, {partition}, {region} and {app}, "{table:orders}" for the
name that a part is deployed under, and the payload of `[fire]` also {run} (different each time)
and {number} (1, 2, ... within one firing).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from providers import manifest_parts
from providers.configurations import CONFIGURATIONS, Configuration, configuration_of
from providers.errors import UserError
from providers.manifest_original import read_original
from providers.manifest_parts import (
    ApiTrigger,
    Function,
    Manifest,
    S3Trigger,
    StateMachine,
    Trigger,
)
from providers.operations import Application
from providers.variants import (
    IN_TRIGGERS,
    KINDS,
    check_distinct,
    deployed_name,
    filled,
    named_for,
    names_for,
)

FILE_NAME: Final = "app.toml"
_ORIGINAL_SUFFIX: Final = ".json"
_UNKNOWN_FIELD_START: Final = "unknown field `"


class LoadedApplication(msgspec.Struct, frozen=True):
    """A manifest, in one configuration, with the folder that its files stand in.

    Attributes:
        name: the folder's name, or that of the original's JSON file.
        manifest: with the names that its parts are deployed under.
        plain: with the names as the file has them.
        configuration: how its functions are observed.
        files_by_own_name: whether "apps/sync.py" is "sync.py" in the zip, as with the original.
        probed: whether a probe around each function measures its invocations.
        stands_for: the original's file in whose place it stands, of which only the names are
            there; "" for none.
        only_in: regions of that file's functions: no other is deployed to, unless it is asked for.
    """

    name: str
    folder: Path
    plain: Manifest
    manifest: Manifest
    configuration: Configuration
    files_by_own_name: bool = False
    probed: bool = False
    stands_for: str = ""
    only_in: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What finds it again: "imageproc", or "imageproc:B" in a configuration."""
        letter = self.configuration.letter
        return f"{self.name}:{letter}" if letter else self.name

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that anything of it is in, functions' first."""
        places = places_of(self.manifest).values()
        return tuple(dict.fromkeys(region for place in places for region in place.values()))

    def function(self, name: str) -> Function:
        """Give one of its functions; the manifest's checks made sure of those it names."""
        return next(function for function in self.manifest.functions if function.name == name)

    def region_of_api(self, name: str) -> str:
        """Give the region of an API: that of the functions or queues behind it."""
        places = places_of(self.manifest)
        regions = places["queue"] | places["function"]
        return next(
            regions[target_of(trigger)]
            for trigger in self.manifest.triggers
            if isinstance(trigger, ApiTrigger) and trigger.api == name
        )

    def queue_of_route(self, api: str, route: str) -> str | None:
        """Give the queue that a route of an API leads to; None when it invokes a function."""
        return next(
            trigger.queue
            for trigger in self.manifest.triggers
            if isinstance(trigger, ApiTrigger) and (trigger.api, trigger.route) == (api, route)
        )

    def traces(self, function: Function) -> bool:
        """Say whether X-Ray traces a function: a configuration that was asked for decides."""
        if self.configuration.letter or function.tracing is None:
            return self.configuration.tracing
        return function.tracing

    def definition(self, machine: StateMachine) -> str:
        """Read a state machine's definition, with the names that parts are deployed under."""
        text = (self.folder / machine.definition).read_text("utf-8")
        return str(filled(text, names_for(self.plain, self.configuration.letter)))

    def in_configuration(self, letter: str) -> LoadedApplication:
        """Give the same application in another configuration.

        Raises:
            UserError: there is no such configuration, or its parts would share names with those
                of another (kind "shared-names").
        """
        configuration = configuration_of(letter)
        try:
            if configuration.letter:
                check_distinct(self.plain, configuration.letter)
        except ValueError as error:
            raise UserError(
                f"{self.name} cannot be deployed in configuration {configuration.letter}: {error}",
                on=str(self.folder),
                todo="Give one of them another name in the manifest.",
                kind="shared-names",
            ) from error
        manifest = named_for(self.plain, configuration.letter)
        return msgspec.structs.replace(self, manifest=manifest, configuration=configuration)

    def described(self, deployed: bool | None = None) -> Application:
        """Give what screens and commands show of it."""
        manifest = self.manifest
        return Application(
            name=self.id,
            title=manifest.title,
            functions=tuple(
                (function.name, function.region)
                for function in manifest.functions
                if not self.only_in or function.region in self.only_in
            ),
            triggers=tuple(f"{item.source} → {target_of(item)}" for item in manifest.triggers),
            fires=manifest.fire.description,
            deployed=deployed,
            payload=_shown(manifest.fire.payload),
        )


def _shown(payload: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(payload), indent=2).decode() if payload else ""


def find_applications() -> list[LoadedApplication]:
    """Load every application that comes with this tool, by name."""
    folder = Path(str(resources.files("examples")))
    return [load(path) for path in sorted(folder.glob(f"*/{FILE_NAME}"))]


def find_application(id: str) -> LoadedApplication:
    """Load an application by its name, or by the path of its manifest or folder.

    With ":B" and the like at its end, in that configuration.

    Raises:
        UserError: there is none (kind "unknown-application"), or its manifest is wrong.
    """
    name, colon, letter = id.rpartition(":")
    if colon and letter.upper() in CONFIGURATIONS:
        return find_application(name).in_configuration(letter)
    if _is_path(id):
        return load(Path(id))
    applications = {application.name: application for application in find_applications()}
    if id not in applications:
        raise UserError(
            f"There is no application named {id}",
            todo=f"{_did_you_mean(id, applications)}Known: {', '.join(applications)}; or give "
            f"the path of an {FILE_NAME}.",
            kind="unknown-application",
        )
    return applications[id]


def lasting_id(id: str) -> str:
    """Give what finds the same application from any folder: a path is made absolute."""
    name, colon, letter = id.rpartition(":")
    if colon and letter.upper() in CONFIGURATIONS:
        return f"{lasting_id(name)}:{letter}"
    return str(Path(id).resolve()) if _is_path(id) else id


def _is_path(id: str) -> bool:
    path = Path(id)
    try:
        return path.suffix in (".toml", _ORIGINAL_SUFFIX) or (path / FILE_NAME).is_file()
    except (OSError, ValueError):  # too long for a path, not allowed to look, or a NUL in it
        return False


def load(path: Path) -> LoadedApplication:
    """Read a manifest (or the one in a folder), and check that it fits together.

    A JSON file is read as one of the original's. Where none of its sources is there, and this
    tool brings its functions, written anew, they take their place.

    Raises:
        UserError: kind "bad-manifest"; the message names the key.
    """
    file = path
    try:
        if path.is_dir():
            file = path / FILE_NAME
        original = file.suffix == _ORIGINAL_SUFFIX
        if original:
            manifest = read_original(file)
            ours = _ours_for(manifest, file)
            if ours is not None:
                return ours
        else:
            manifest = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Manifest)
        _check(manifest, file.parent)
        letter = manifest.configuration or ""
        named = named_for(manifest, letter)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise _bad(file, str(error), _hint(str(error))) from error
    except OSError as error:
        raise _bad(file, error.strerror or str(error), "") from error
    except ValueError as error:  # TOMLDecodeError is one, with a position
        raise _bad(file, str(error), "") from error
    return LoadedApplication(
        file.stem if original else file.resolve().parent.name,
        file.parent,
        manifest,
        named,
        configuration_of(letter),
        files_by_own_name=original,
    )


def _ours_for(original: Manifest, file: Path) -> LoadedApplication | None:
    """Give our application that has all functions of an original's file without its sources."""
    sources = [name for function in original.functions for name in function.files]
    if any((file.parent / name).exists() for name in sources):
        return None
    named = {(function.name, function.region) for function in original.functions}
    for application in find_applications():
        if named <= {(item.name, item.region) for item in application.plain.functions}:
            return msgspec.structs.replace(
                application.in_configuration(original.configuration or ""),
                stands_for=file.name,
                only_in=tuple(dict.fromkeys(item.region for item in original.functions)),
            )
    return None


def places_of(manifest: Manifest) -> dict[str, dict[str, str]]:
    """Give the region of each named part, by kind and name; a kind is as triggers call it.

    Raises:
        ValueError: two parts of a kind have one name.
    """
    parts = {kind: getattr(manifest, key) for kind, key in KINDS.items()}
    places = {kind: {part.name: part.region for part in parts[kind]} for kind in KINDS}
    for kind, key in KINDS.items():
        if len(places[kind]) < len(parts[kind]):
            raise ValueError(f"two {key} have the same name")
    return places


def target_of(trigger: Trigger) -> str:
    """Give the name of the function or queue that a trigger leads to."""
    if trigger.function is not None:
        return trigger.function
    return trigger.queue or ""


def deployable_names(application: LoadedApplication) -> dict[str, dict[str, str]]:
    """Give the region of each part that may be there, under its names in all configurations."""
    plain = application.plain
    places = {**places_of(plain), **{kind: {} for kind in IN_TRIGGERS}}
    for trigger in plain.triggers:
        for kind in IN_TRIGGERS:
            name = getattr(trigger, kind, None)
            if name is not None:
                regions = places["queue"] | places["function"]
                places[kind][name] = regions[target_of(trigger)]
    return {
        kind: {
            deployed_name(kind, name, letter): region
            for letter in ("", *CONFIGURATIONS)
            for name, region in named.items()
        }
        for kind, named in places.items()
    }


def _check(manifest: Manifest, folder: Path) -> None:
    """Check what types cannot say: that names refer to something, in the same region.

    Raises:
        ValueError: they do not.
    """
    places = places_of(manifest)
    for part, where in [(manifest.fire, "fire"), *((t, "triggers") for t in manifest.triggers)]:
        regions = {}
        for kind, known in places.items():
            name = getattr(part, kind, None)
            if name is None:
                continue
            if name not in known:
                hint = _did_you_mean(name, known)
                raise ValueError(f"{where}: there is no {kind} {name}. {hint}".strip())
            regions[name] = known[name]
        if len(set(regions.values())) > 1:
            raise ValueError(f"{where}: {' and '.join(regions)} must be in the same region")
    connections = [
        trigger if isinstance(trigger, S3Trigger) else (trigger.source, target_of(trigger))
        for trigger in manifest.triggers
    ]
    if len(set(connections)) < len(connections):
        raise ValueError("two triggers connect the same source and function")
    files = [name for function in manifest.functions for name in function.files]
    files += [item.file for bucket in manifest.buckets for item in bucket.objects]
    files += [machine.definition for machine in manifest.state_machines]
    for queue in manifest.queues:
        if queue.dead_letters is not None and queue.dead_letters not in places["queue"]:
            raise ValueError(f"queue {queue.name}: there is no queue {queue.dead_letters}")
    routes = [trigger for trigger in manifest.triggers if isinstance(trigger, ApiTrigger)]
    for name in {trigger.api for trigger in routes}:
        if len({trigger.queue is None for trigger in routes if trigger.api == name}) > 1:
            raise ValueError(f"api {name}: functions and queues need an api each")
    fired = (manifest.fire.api, manifest.fire.route)
    if manifest.fire.api is not None and fired not in {(t.api, t.route) for t in routes}:
        raise ValueError(f"fire: no trigger makes an api {fired[0]} with the route {fired[1]}")
    for name in files:
        if not (folder / name).exists():
            raise ValueError(f"there is no file {name} beside the manifest")


def _hint(message: str) -> str:
    _, found, rest = message.partition(_UNKNOWN_FIELD_START)
    if not found:
        return ""
    fields = {
        name
        for part in vars(manifest_parts).values()
        if isinstance(part, type) and issubclass(part, manifest_parts.Part)
        for name in part.__struct_fields__
    }
    return _did_you_mean(rest.partition("`")[0], fields).strip()


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"Did you mean {close[0]}? " if close else ""


def _bad(file: Path, why: str, hint: str) -> UserError:
    return UserError(
        f"The manifest cannot be used: {why}", on=str(file), todo=hint, kind="bad-manifest"
    )
