"""Signature Version 4 for POST requests of DynamoDB (AWS: "Create a signed AWS API request")."""

from __future__ import annotations

import hmac
import time
from hashlib import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Tuple

_ALGORITHM = "AWS4-HMAC-SHA256"
_CONTENT_TYPE = "application/x-amz-json-1.0"


class Signer:
    """Makes signed requests to one host in one region; the day's key is derived once."""

    def __init__(self, host: str, region: str, service: str = "dynamodb") -> None:
        self._host = host
        self._region = region
        self._service = service
        self._key_for: Tuple[str, str] = ("", "")
        self._key = b""

    def request(
        self,
        target: str,
        body: bytes,
        credentials: Tuple[str, str, Optional[str]],
        now_s: float,
    ) -> bytes:
        """Make the bytes of a signed request.

        Args:
            target: the operation, "DynamoDB_20120810.PutItem".
            body: its JSON.
            credentials: access key, secret key, session token.
            now_s: epoch seconds.
        """
        access, secret, token = credentials
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
        day = moment[:8]
        headers = [
            ("content-type", _CONTENT_TYPE),
            ("host", self._host),
            ("x-amz-date", moment),
        ]
        if token:
            headers.append(("x-amz-security-token", token))
        headers.append(("x-amz-target", target))
        names = ";".join([name for name, _ in headers])
        lines = "".join(["%s:%s\n" % header for header in headers])
        canonical = "POST\n/\n\n%s\n%s\n%s" % (lines, names, sha256(body).hexdigest())
        scope = "%s/%s/%s/aws4_request" % (day, self._region, self._service)
        digest = sha256(canonical.encode("utf-8")).hexdigest()
        to_sign = "%s\n%s\n%s\n%s" % (_ALGORITHM, moment, scope, digest)
        signature = _hmac(self._signing_key(secret, day), to_sign).hex()
        authorization = "%s Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            _ALGORITHM,
            access,
            scope,
            names,
            signature,
        )
        head = "POST / HTTP/1.1\r\n%sauthorization: %s\r\ncontent-length: %d\r\n\r\n" % (
            "".join(["%s: %s\r\n" % header for header in headers]),
            authorization,
            len(body),
        )
        return head.encode("utf-8") + body

    def _signing_key(self, secret: str, day: str) -> bytes:
        if self._key_for != (secret, day):
            key = ("AWS4" + secret).encode("utf-8")
            for part in (day, self._region, self._service, "aws4_request"):
                key = _hmac(key, part)
            self._key, self._key_for = key, (secret, day)
        return self._key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("utf-8"), "sha256")
