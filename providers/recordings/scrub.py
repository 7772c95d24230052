"""Replacing what text says by names that say nothing: the same by the same, everywhere.

Text is taken apart into tokens; what AWS and our formats mean by a token stays (regions,
services, operations, keywords), and every other token is replaced by one of its own, made with a
secret that is thrown away. Delimiters stay. So two texts are equal, or one is part of the other,
exactly when that was so before, in whatever text a name stands: an ARN, a URL, a key, a
Python literal. That is why the graph keeps its shape.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from causality.reading.keywords import KEYWORDS

_REGION: Final = (
    r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov|-isob?)?"
    r"-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d"
)
_TOKENS: Final = re.compile(
    r"(?P<escape>\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[^\w\s]|\\[nrt])"
    r"|(?P<percent>(?:%[0-9a-fA-F]{2})+)"
    rf"|(?P<region>(?<![A-Za-z0-9]){_REGION}(?![A-Za-z0-9]))"
    r"|(?P<instant>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?)"
    r"|(?P<trace>(?<![0-9A-Za-z])1-[0-9a-f]{8}-[0-9a-f]{24}(?![0-9A-Za-z]))"
    r"|(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r"|(?P<decimal>(?<![\w.])\d+\.\d+(?![\w.]))"
    r"|(?P<number>(?<![A-Za-z0-9])\d+(?:e-?\d+)?(?![A-Za-z0-9]))"
    r"|(?P<word>[A-Za-z0-9]+)"
    r"|(?P<letter>[^\x00-\x7f])",
)
_HEX: Final = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{8,}")
_EXPONENT: Final = re.compile(r"(\d+)(e-?\d+)?")
_GRAMMAR: Final = (
    # Of the original's texts.
    "pl es esARN ddb keys op s3 bkt key sns sub ext lib invokeCLI end None True False HTTP "
    # Of DynamoDB's typed values, and events.
    "S N B SS NS BS L M BOOL NULL INSERT MODIFY REMOVE ttl PutRequest DeleteRequest Key Item "
    "ObjectCreated ObjectRemoved Put Post Copy CompleteMultipartUpload Delete "
    "DeleteMarkerCreated Event RequestResponse DryRun Tail "
    # Of ARNs and addresses.
    "arn aws cn gov lambda dynamodb sqs kinesis events states logs apigateway execute api "
    "function table stream topic queue rule execution stateMachine amazonaws com on http https "
    "url index LATEST dkr ecr shardId "
    "GET POST PUT PATCH DELETE HEAD OPTIONS ANY "
    # Names that X-Ray has for services.
    "DynamoDB SNS SQS Lambda Amazon AWS S3 Kinesis EventBridge Events StepFunctions Step "
    "Functions remote Function Initialization Invocation Overhead Attempt Dwell Time "
    # Services of causes that are no calls'.
    "schedule unknown stepfunctions cognito cloudformation secretsmanager"
)


def _kept() -> frozenset[str]:
    names: set[str] = set(_GRAMMAR.split())
    for operation, keywords in KEYWORDS.items():
        names |= {operation, *keywords}
    return frozenset(names)


_KEPT: Final = _kept()


class Scrubber:
    """Replaces tokens, each always by the same one.

    Attributes:
        hashes: replacements of hashes that were worked out elsewhere.
    """

    def __init__(self, secret: bytes | None = None, keep: Iterable[str] = ()) -> None:
        """Make a scrubber.

        Args:
            secret: of equal ones, the replacements are equal; a new one when not given.
            keep: further tokens that stay.
        """
        self.hashes: dict[str, str] = {}
        self._secret = secret or secrets.token_bytes(32)
        self._kept = _KEPT | frozenset(keep)
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def text(self, text: str) -> str:
        """Give a text with its names replaced."""
        return _TOKENS.sub(self._replaced, text)

    def hash(self, value: str) -> str:
        """Give another hash of the same length."""
        known = self.hashes.get(value)
        return known if known is not None else self._hex(value)

    def _replaced(self, match: re.Match[str]) -> str:
        token, kind = match[0], match.lastgroup
        if kind in ("escape", "region", "instant", "decimal"):
            return token
        if kind == "percent":
            return self._percent(token)
        if kind == "letter":
            # Letter by letter, as a key that is URL-encoded in one place is not in another.
            return chr(0x4E00 + int.from_bytes(self._digest(token)[:4]) % 20_000)
        if kind == "trace":
            return token[:11] + self._hex(token[11:])
        if kind == "uuid":
            digits = self._hex(token.replace("-", ""))
            parts = digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]
            return "-".join(parts)
        if token in self._kept:
            return token
        if kind == "number":
            return self._number(token)
        return self._hex(token) if _HEX.fullmatch(token) else self._word(token)

    def _word(self, token: str) -> str:
        known = self._known.get(token)
        attempt = 0
        while known is None:
            digest = self._digest(f"{attempt}:{token}").hex()
            # Letters of which no number, hash or word of a format consists.
            name = "x" + "".join("ghijkmnpqrstvwyz"[int(digit, 16)] for digit in digest[:7])
            attempt += 1
            if name not in self._taken and name not in self._kept:
                self._taken.add(name)
                known = self._known[token] = name
        return known

    def _hex(self, token: str) -> str:
        return hashlib.shake_256(self._secret + token.encode()).hexdigest((len(token) + 1) // 2)[
            : len(token)
        ]

    def _number(self, token: str) -> str:
        """Give another number of as many digits; no two become the same."""
        match = _EXPONENT.fullmatch(token)
        assert match is not None
        digits = match[1]
        modulus = 10 ** len(digits)
        seed = int.from_bytes(self._digest(f"number of {len(digits)} digits"))
        factor = seed % modulus | 1
        while factor % 5 == 0:
            factor += 2
        number = (int(digits) * factor + (seed >> 128)) % modulus
        return f"{number:0{len(digits)}d}{match[2] or ''}"

    def _percent(self, token: str) -> str:
        """Replace URL-encoded letters as they are replaced in plain text."""
        try:
            plain = unquote_to_bytes(token).decode()
        except UnicodeDecodeError:
            return token
        return token if plain.isascii() else quote(self.text(plain), safe="")

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._secret, text.encode("utf-8", "surrogatepass"), "sha256")
