"""The function's own credentials, as the Lambda runtime hands them out."""

from __future__ import annotations

import json
import os
import time

from gammaray_recorder.connection import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple

# The endpoint gives credentials that live for longer than this, and it is on this machine.
_RENEW_S = 240


class NoCredentials(Exception):
    """The environment holds no credentials and names no place to fetch them from."""


class Credentials:
    """Gives (access key, secret key, session token or None), fresh enough to sign with.

    An ordinary function has them in its environment. One that was restored from a snapshot
    (SnapStart) fetches them from the runtime's local endpoint, every few minutes.
    """

    def __init__(self) -> None:
        self._fetched: Optional[Tuple[str, str, Optional[str]]] = None
        self._renew_at_s = 0.0

    def get(self) -> Tuple[str, str, Optional[str]]:
        """Give the credentials. Raises NoCredentials, or OSError while fetching them."""
        environment = os.environ
        access, secret = (
            environment.get("AWS_ACCESS_KEY_ID"),
            environment.get("AWS_SECRET_ACCESS_KEY"),
        )
        if access and secret:
            return access, secret, environment.get("AWS_SESSION_TOKEN") or None
        if self._fetched is None or time.time() >= self._renew_at_s:
            self._fetched = self._fetch(environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
        return self._fetched

    def _fetch(self, url: Optional[str]) -> Tuple[str, str, Optional[str]]:
        if not url:
            raise NoCredentials("no credentials in the environment")
        connection = Connection(url)
        path = "/" + url.split("://", 1)[-1].partition("/")[2]
        token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        head = "GET %s HTTP/1.1\r\nhost: %s\r\nauthorization: %s\r\nconnection: close\r\n\r\n"
        try:
            request = head % (path, connection.authority, token)
            status, body = connection.exchange(request.encode("latin-1"))
        finally:
            connection.close()
        if status != 200:
            raise NoCredentials("the credentials endpoint answered %d" % status)
        answer: Any = json.loads(body)
        try:
            fetched = answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("Token")
        except (KeyError, TypeError, AttributeError) as error:
            raise NoCredentials("the credentials endpoint answered no credentials") from error
        self._renew_at_s = time.time() + _RENEW_S
        return fetched
