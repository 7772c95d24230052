"""Statements to Athena, one at a time: started, waited for, read from the bucket, cleaned up."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from providers.archive.store import Bucket
from providers.aws_errors import user_error
from providers.errors import UserError

CATALOG: Final = "AwsDataCatalog"
_T = TypeVar("_T")
_SOON_S, _LATE_S = 0.2, 2.0  # between two looks at how far a statement is
_DROPPED_AT_ONCE: Final = 10  # statements that a workgroup runs at a time, and more
_AT_ONCE: Final = 1000  # objects that S3 deletes in one request


class AthenaPlace(NamedTuple):
    """Where Athena works, and in whose name.

    Attributes:
        region: "" for that of the profile.
        endpoint_url: instead of AWS's own.
        workgroup: bears the costs and says how much a statement may read.
        output: s3://bucket/prefix for results and what is computed on the way; "" for the
            workgroup's own.
        database: of the Glue catalog; the tables are made in it, and dropped again.
        agree: asked before the database is made; None: it is not made.
    """

    region: str = ""
    endpoint_url: str | None = None
    workgroup: str = "primary"
    output: str = ""
    database: str = "gammaray_history"
    agree: Callable[[str], bool] | None = None


class Done(NamedTuple):
    """A statement that has ended well.

    Attributes:
        id: Athena's.
        result: the object with the result, s3://bucket/key.
    """

    id: str
    result: str


class AthenaQueries:
    """Runs statements in one workgroup.

    Attributes:
        scanned: bytes read by all of them, which is what AWS charges for.
        ids: of all of them.
        output: s3://bucket/prefix for results, without a slash at the end.
        prefix: of the names of what is made, unique.
        scratch: s3://bucket/prefix for what is made, which is deleted at the end.
        enforced: whether the workgroup decides where results go, whatever a statement says.
    """

    def __init__(self, store: Bucket, place: AthenaPlace) -> None:
        """Look at the workgroup.

        Raises:
            UserError: there is no such workgroup, or nobody says where results go.
        """
        settings = {"region_name": place.region or None, "endpoint_url": place.endpoint_url}
        self.place = place
        self.scanned = 0
        self.ids: list[str] = []
        self._running = ""
        self._client: Any = self.asked(lambda: store.session.client("athena", **settings))
        self.s3 = store.client
        found = self.asked(lambda: self._client.get_work_group(WorkGroup=place.workgroup))
        decided = found["WorkGroup"].get("Configuration", {})
        own = decided.get("ResultConfiguration", {}).get("OutputLocation", "")
        self.enforced = bool(decided.get("EnforceWorkGroupConfiguration") and own)
        self.output = (own if self.enforced else place.output or own).rstrip("/")
        if not self.output:
            raise UserError(
                f"Athena's workgroup {place.workgroup} does not say where results go.",
                todo="Name a place with --athena-output s3://bucket/prefix, or another workgroup "
                "with --athena-workgroup.",
                kind="usage",
            )
        self.prefix = f"gammaray_{uuid.uuid4().hex[:12]}"
        self.scratch = f"{self.output}/{self.prefix}"

    def has_database(self) -> bool:
        """Say whether the database is there."""
        try:
            self._client.get_database(CatalogName=CATALOG, DatabaseName=self.place.database)
        except self._client.exceptions.MetadataException:
            return False
        except (BotoCoreError, ClientError) as error:
            raise _refused(error) from error
        return True

    def run(self, statement: str, *, in_database: bool = True) -> Done:
        """Run a statement to its end.

        Raises:
            UserError: Athena refuses it, it failed, or it was stopped.
        """
        self._running = self._start(statement, in_database=in_database)
        try:
            return self._ended(self._running)
        except BaseException:
            self.stop()
            raise
        finally:
            self._running = ""

    def stop(self) -> None:
        """End the statement that runs, if any; whoever waits for it is told."""
        if self._running:
            self.asked(lambda: self._client.stop_query_execution(QueryExecutionId=self._running))

    def columns(self, done: Done) -> list[tuple[str, str]]:
        """Give the names and Athena's types of a result's columns."""
        found = self.asked(
            lambda: self._client.get_query_results(QueryExecutionId=done.id, MaxResults=1)
        )
        told = found["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        return [(column["Name"], column["Type"]) for column in told]

    def drop(self, tables: list[str]) -> None:
        """Drop tables of the database, many at a time: each takes a second."""
        for first in range(0, len(tables), _DROPPED_AT_ONCE):
            some = tables[first : first + _DROPPED_AT_ONCE]
            for query in [self._start(f"DROP TABLE IF EXISTS `{name}`") for name in some]:
                self._ended(query)

    def content(self, url: str) -> Any:
        """Open an object: a stream of its bytes."""
        bucket, key = split(url)
        return self.asked(lambda: self.s3.get_object(Bucket=bucket, Key=key))["Body"]

    def put(self, url: str, data: bytes) -> None:
        """Write an object."""
        bucket, key = split(url)
        self.asked(lambda: self.s3.put_object(Bucket=bucket, Key=key, Body=data))

    def delete(self, url: str) -> None:
        """Delete all objects whose keys begin so."""
        bucket, prefix = split(url)
        keys = list(self._keys(bucket, prefix))
        for first in range(0, len(keys), _AT_ONCE):
            objects = [{"Key": key} for key in keys[first : first + _AT_ONCE]]
            self.asked(
                lambda objects=objects: self.s3.delete_objects(  # type: ignore[misc]
                    Bucket=bucket, Delete={"Objects": objects, "Quiet": True}
                )
            )

    def asked(self, act: Callable[[], _T]) -> _T:
        """Do something with AWS.

        Raises:
            UserError: AWS refuses it.
        """
        try:
            return act()
        except (BotoCoreError, ClientError) as error:
            raise _refused(error) from error

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        pages = self.s3.get_paginator("list_objects_v2")
        for page in self.asked(lambda: list(pages.paginate(Bucket=bucket, Prefix=prefix))):
            yield from (entry["Key"] for entry in page.get("Contents", ()))

    def _start(self, statement: str, *, in_database: bool = True) -> str:
        context = {"Catalog": CATALOG}
        if in_database:
            context["Database"] = self.place.database
        started = self.asked(
            lambda: self._client.start_query_execution(
                QueryString=statement,
                QueryExecutionContext=context,
                WorkGroup=self.place.workgroup,
                ResultConfiguration={"OutputLocation": f"{self.scratch}/results/"},
            )
        )
        query = str(started["QueryExecutionId"])
        self.ids.append(query)
        return query

    def _ended(self, query: str) -> Done:
        wait_s = _SOON_S
        while True:
            found = self.asked(lambda: self._client.get_query_execution(QueryExecutionId=query))[
                "QueryExecution"
            ]
            state = found["Status"]["State"]
            if state in ("SUCCEEDED", "FAILED", "CANCELLED"):
                self.scanned += found.get("Statistics", {}).get("DataScannedInBytes", 0)
            if state == "SUCCEEDED":
                return Done(query, found["ResultConfiguration"]["OutputLocation"])
            if state in ("FAILED", "CANCELLED"):
                reason = found["Status"].get("StateChangeReason", "no reason is given")
                raise UserError(
                    f"athena cannot answer: {state.lower()}: {reason}",
                    on=f"workgroup {self.place.workgroup}",
                    todo="Narrow the question with --between, or look at the statement in "
                    f"Athena's console ({query}).",
                    kind="engine-failed",
                )
            time.sleep(wait_s)
            wait_s = min(_LATE_S, wait_s * 1.5)


def split(url: str) -> tuple[str, str]:
    """Give bucket and key of s3://bucket/key."""
    parts = urlsplit(url)
    return parts.netloc, parts.path.lstrip("/")


def _refused(error: Exception) -> UserError:
    refused = user_error(error, profile=None, region=None)
    return UserError(refused.what, on="Athena", todo=refused.todo, kind=refused.kind)
