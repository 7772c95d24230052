"""Where a dataset's files are: a folder, or a bucket of S3; each is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from providers.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

_S3 = "s3://"
PARQUET = ".parquet"


class File(NamedTuple):
    """A file of a dataset: its path within it, and its size in bytes."""

    path: str
    size: int


class Store(Protocol):
    """Files by their paths, with "/" between folders."""

    @property
    def url(self) -> str:
        """Where it is, for people."""

    def write(self, path: str, data: bytes) -> None:
        """Publish a file at once, in place of the one that was there.

        Raises:
            UserError: it cannot be written.
        """

    def read(self, path: str) -> bytes | None:
        """Give a file's content; None when there is none.

        Raises:
            UserError: it cannot be read.
        """

    def files(self, folder: str, ending: str = PARQUET) -> Iterator[File]:
        """List the files with an ending below a folder, in order of their paths."""

    def delete(self, path: str) -> None:
        """Delete a file; it is no error when it is not there any more."""


def open_store(
    url: str, *, profile: str | None = None, endpoint_url: str | None = None
) -> Folder | Bucket:
    """Give the place that a folder's name or "s3://bucket/prefix" means.

    Raises:
        UserError: it names no bucket.
    """
    if not url.startswith(_S3):
        return Folder(Path(url))
    parts = urlsplit(url)
    if not parts.netloc:
        raise UserError(
            f"{url!r} names no bucket.", todo="Write it as s3://bucket/prefix.", kind="usage"
        )
    return Bucket(parts.netloc, parts.path.strip("/"), profile, endpoint_url)


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def url(self) -> str:
        """The folder's name."""
        return str(self.path)

    def write(self, path: str, data: bytes) -> None:
        """Write beside the place, bring it to the disk, and then give it its name."""
        target = self.path / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Neither engines nor `files` look at names that begin with a dot.
            descriptor, name = tempfile.mkstemp(prefix=".", suffix=".writing", dir=target.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).chmod(0o644)
                Path(name).replace(target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise UserError(
                f"The archive cannot be written: {error.strerror or error}.",
                on=str(target),
                todo="Name another folder, or make room.",
                kind="archive-failed",
            ) from error

    def read(self, path: str) -> bytes | None:
        """Read a file."""
        try:
            return (self.path / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UserError(
                f"The archive cannot be read: {error.strerror or error}.",
                on=str(self.path),
                todo="Check its name and its permissions, or name another one.",
                kind="archive-failed",
            ) from error

    def files(self, folder: str, ending: str = PARQUET) -> Iterator[File]:
        """List files."""
        for path in sorted((self.path / folder).rglob(f"*{ending}")):
            if not path.name.startswith("."):
                yield File(path.relative_to(self.path).as_posix(), path.stat().st_size)

    def delete(self, path: str) -> None:
        """Delete a file."""
        (self.path / path).unlink(missing_ok=True)


class Bucket:
    """A prefix of a bucket: an object is published by a single PUT."""

    def __init__(
        self, bucket: str, prefix: str, profile: str | None, endpoint_url: str | None
    ) -> None:
        import boto3

        self.bucket, self.prefix = bucket, prefix
        try:
            self.session = boto3.session.Session(profile_name=profile)
            self.client: Any = self.session.client("s3", endpoint_url=endpoint_url)
        except Exception as error:
            raise _refused(error, self.url) from error

    @property
    def url(self) -> str:
        """Its s3:// URL."""
        return f"{_S3}{self.bucket}/{self.prefix}".rstrip("/")

    def key(self, path: str) -> str:
        """Give the object's key of a path."""
        return f"{self.prefix}/{path}" if self.prefix else path

    def write(self, path: str, data: bytes) -> None:
        """Put an object."""
        self._ask(lambda: self.client.put_object(Bucket=self.bucket, Key=self.key(path), Body=data))

    def read(self, path: str) -> bytes | None:
        """Get an object."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.key(path))
            data: bytes = answer["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None
        except Exception as error:
            raise _refused(error, self.url) from error
        return data

    def files(self, folder: str, ending: str = PARQUET) -> Iterator[File]:
        """List objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.key(folder).strip("/") + "/" if self.key(folder) else ""
        )
        cut = len(self.prefix) + 1 if self.prefix else 0
        try:
            for page in pages:
                for entry in page.get("Contents", ()):
                    name = entry["Key"].rpartition("/")[2]
                    if name.endswith(ending) and not name.startswith("."):
                        yield File(entry["Key"][cut:], entry["Size"])
        except Exception as error:
            raise _refused(error, self.url) from error

    def delete(self, path: str) -> None:
        """Delete an object."""
        self._ask(lambda: self.client.delete_object(Bucket=self.bucket, Key=self.key(path)))

    def _ask(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:
            raise _refused(error, self.url) from error


def _refused(error: Exception, url: str) -> UserError:
    """Tell what S3 answered; raises what is no answer of AWS but a defect of ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    from providers.aws_errors import user_error

    if not isinstance(error, BotoCoreError | ClientError):
        raise error
    refused = user_error(error, profile=None, region=None)
    todo = refused.todo
    if isinstance(error, ClientError) and error.response["Error"].get("Code") == "NoSuchBucket":
        todo = "Make the bucket (aws s3 mb s3://NAME), or name another one."
    return UserError(refused.what, on=url, todo=todo, kind=refused.kind)
