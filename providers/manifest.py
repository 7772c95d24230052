"""Applications as their manifests describe them: one TOML file each, `app.toml`.

A manifest says what an application consists of and how it is fired; examples/README.md describes
every key. Texts can hold {account}, {partition}, {region} and {app}, and the payload of `[fire]`
also {run} (different each time) and {number} (1, 2, ... within one firing).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta

from providers.errors import UserError
from providers.operations import Application

FILE_NAME: Final = "app.toml"
BUCKET_PREFIX: Final = "gammaray-"
"""Buckets are named for the whole world: this shows whose they are."""

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_BUCKET_NAME: Final = re.compile(rf"{BUCKET_PREFIX}[a-z0-9.{{}}-]+")
_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]*)`")


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key that it does not know is an error."""


class _Placed(_Part, frozen=True, kw_only=True):
    """A part that has a name, in a region."""

    name: str
    region: str

    def __post_init__(self) -> None:
        """Check name and region.

        Raises:
            ValueError: with the reason; msgspec adds where.
        """
        self._check_name()
        if not _REGION.fullmatch(self.region):
            raise ValueError(f"there is no region {self.region!r}; they look like us-west-2")

    def _check_name(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} cannot be a name: letters, digits and . _ - can")


class Permission(_Part, frozen=True, kw_only=True):
    """What a function may do beside recording, logging and reading its own triggers."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]


class Function(_Placed, frozen=True, kw_only=True):
    """A Python function; the recorder is attached to it from outside.

    Attributes:
        handler: its own handler, "module.function".
        files: source files or folders, beside the manifest.
        tracing: whether X-Ray traces it.
    """

    handler: str
    files: tuple[str, ...]
    memory_mb: Annotated[int, Meta(ge=128, le=10240)] = 256
    timeout_s: Annotated[int, Meta(ge=1, le=900)] = 30
    runtime: str = "python3.12"
    tracing: bool = True
    environment: dict[str, str] = {}
    permissions: tuple[Permission, ...] = ()


class Table(_Placed, frozen=True, kw_only=True):
    """A DynamoDB table with string keys."""

    hash_key: str
    range_key: str | None = None
    stream: bool = True


class Object(_Part, frozen=True, kw_only=True):
    """An object to put into a bucket, from a file beside the manifest."""

    key: str
    file: str
    content_type: str = "application/octet-stream"


class Bucket(_Placed, frozen=True, kw_only=True):
    """An S3 bucket; its name begins with "gammaray-"."""

    objects: tuple[Object, ...] = ()

    def _check_name(self) -> None:
        if not _BUCKET_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r}: names of buckets begin with {BUCKET_PREFIX}")


class Topic(_Placed, frozen=True, kw_only=True):
    """An SNS topic."""


class Queue(_Placed, frozen=True, kw_only=True):
    """An SQS queue."""


class DynamoDbTrigger(_Part, frozen=True, kw_only=True, tag_field="kind", tag="dynamodb"):
    """A table's stream invokes a function."""

    table: str
    function: str
    batch_size: Annotated[int, Meta(ge=1, le=10000)] = 1

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"DynamoDB stream {self.table}"


class S3Trigger(_Part, frozen=True, kw_only=True, tag_field="kind", tag="s3"):
    """Objects that are put into a bucket invoke a function."""

    bucket: str
    function: str
    prefix: str = ""
    suffix: str = ""
    events: tuple[str, ...] = ("s3:ObjectCreated:*",)

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"S3 bucket {self.bucket}/{self.prefix}"


class SnsTrigger(_Part, frozen=True, kw_only=True, tag_field="kind", tag="sns"):
    """Messages that are published to a topic invoke a function."""

    topic: str
    function: str

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"SNS topic {self.topic}"


class SqsTrigger(_Part, frozen=True, kw_only=True, tag_field="kind", tag="sqs"):
    """Messages that are sent to a queue invoke a function."""

    queue: str
    function: str
    batch_size: Annotated[int, Meta(ge=1, le=10000)] = 1

    @property
    def source(self) -> str:
        """What triggers, for people."""
        return f"SQS queue {self.queue}"


Trigger: TypeAlias = DynamoDbTrigger | S3Trigger | SnsTrigger | SqsTrigger


class Fire(_Part, frozen=True, kw_only=True):
    """How the application is fired: an asynchronous Invoke of one function.

    Attributes:
        text: what that does, for people.
    """

    function: str
    payload: dict[str, Any] = {}
    text: str = ""


class Manifest(_Part, frozen=True, kw_only=True):
    """One application."""

    title: str
    functions: Annotated[tuple[Function, ...], Meta(min_length=1)]
    fire: Fire
    tables: tuple[Table, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    topics: tuple[Topic, ...] = ()
    queues: tuple[Queue, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    log_retention_days: int = 7


_PARTS: Final[tuple[type[_Part], ...]] = (
    Manifest, Function, Permission, Table, Bucket, Object, Topic, Queue, Fire,
    DynamoDbTrigger, S3Trigger, SnsTrigger, SqsTrigger,
)  # fmt: skip


class LoadedApplication(msgspec.Struct, frozen=True):
    """A manifest with the folder that its files stand in; the folder's name is the name."""

    name: str
    folder: Path
    manifest: Manifest

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that anything of it is in, functions' first."""
        places = places_of(self.manifest).values()
        return tuple(dict.fromkeys(region for place in places for region in place.values()))

    def function(self, name: str) -> Function:
        """Give one of its functions; the manifest's checks made sure of those it names."""
        return next(function for function in self.manifest.functions if function.name == name)

    def described(self, deployed: bool | None = None) -> Application:
        """Give what screens and commands show of it."""
        manifest = self.manifest
        return Application(
            name=self.name,
            title=manifest.title,
            functions=tuple((function.name, function.region) for function in manifest.functions),
            triggers=tuple(f"{item.source} → {item.function}" for item in manifest.triggers),
            fires=manifest.fire.text or f"invoke {manifest.fire.function}",
            deployed=deployed,
        )


def find_applications() -> list[LoadedApplication]:
    """Load every application that comes with this tool, by name."""
    folder = Path(str(resources.files("examples")))
    return [load(path) for path in sorted(folder.glob(f"*/{FILE_NAME}"))]


def find_application(name: str) -> LoadedApplication:
    """Load an application by its name, or by the path of its manifest or folder.

    Raises:
        UserError: there is none (kind "unknown-application"), or its manifest is wrong.
    """
    path = Path(name)
    if path.suffix == ".toml" or (path / FILE_NAME).is_file():
        return load(path)
    applications = {application.name: application for application in find_applications()}
    if name not in applications:
        raise UserError(
            f"There is no application named {name}",
            todo=f"{_did_you_mean(name, applications)}Known: {', '.join(applications)}; or give "
            f"the path of an {FILE_NAME}.",
            kind="unknown-application",
        )
    return applications[name]


def load(path: Path) -> LoadedApplication:
    """Read a manifest (or the one in a folder) and check that it fits together.

    Raises:
        UserError: kind "bad-manifest"; the message names the key.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        manifest = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Manifest)
        _check(manifest, file.parent)
    except msgspec.ValidationError as error:
        raise _bad(file, str(error), _hint(str(error))) from error
    except (OSError, ValueError) as error:  # TOMLDecodeError is a ValueError, with a position
        raise _bad(file, str(error), "") from error
    return LoadedApplication(file.resolve().parent.name, file.parent, manifest)


def places_of(manifest: Manifest) -> dict[str, dict[str, str]]:
    """Give the region of each named part, by kind and name; a kind is as triggers call it.

    Raises:
        ValueError: two parts of a kind have one name.
    """
    kinds: dict[str, Sequence[Function | Table | Bucket | Topic | Queue]] = {
        "function": manifest.functions,
        "table": manifest.tables,
        "bucket": manifest.buckets,
        "topic": manifest.topics,
        "queue": manifest.queues,
    }
    places = {kind: {part.name: part.region for part in parts} for kind, parts in kinds.items()}
    for kind, parts in kinds.items():
        if len(places[kind]) < len(parts):
            raise ValueError(f"two {kind}s have the same name")
    return places


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
        trigger if isinstance(trigger, S3Trigger) else (trigger.source, trigger.function)
        for trigger in manifest.triggers
    ]
    if len(set(connections)) < len(connections):
        raise ValueError("two triggers connect the same source and function")
    files = [name for function in manifest.functions for name in function.files]
    files += [item.file for bucket in manifest.buckets for item in bucket.objects]
    for name in files:
        if not (folder / name).exists():
            raise ValueError(f"there is no file {name} beside the manifest")


def _hint(message: str) -> str:
    unknown = _UNKNOWN_FIELD.search(message)
    if unknown is None:
        return ""
    fields = {name for part in _PARTS for name in part.__struct_fields__}
    return _did_you_mean(unknown.group(1), fields).strip()


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"Did you mean {close[0]}? " if close else ""


def _bad(file: Path, why: str, hint: str) -> UserError:
    return UserError(
        f"The manifest cannot be used: {why}", on=str(file), todo=hint, kind="bad-manifest"
    )
