"""Reading `:<Keyword>:<value>...`, the text the original made of a call's keyword arguments.

Values hold colons, so a text can be read in more than one way. What is known of each keyword
(required, a literal, of a narrow form) leaves mostly one; when several are left, the one with
the shortest values comes first, and the others are possible all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

from causality import literals

# Of each keyword its text, or what stands in it where that is a literal.
Reading: TypeAlias = dict[str, literals.Value]

_MAX_READINGS = 8
_MAX_STEPS = 4000
_MAX_ENDS = 64
_MAX_KEYWORDS = 64

# Keyword arguments whose text is a Python dict or list.
_LITERAL = frozenset(
    {
        *("Item", "RequestItems", "Expected", "AttributeUpdates", "Metadata"),
        *("ExpressionAttributeNames", "ExpressionAttributeValues", "MessageAttributes"),
    }
)
# Keyword arguments whose values are of a narrow form.
_FORMS = {
    name: re.compile(form)
    for names, form in (
        ("TableName", r"arn:[^:]*:dynamodb:[^:]*:[^:]*:table/[\w.-]+|[\w.-]+"),
        ("Bucket", r"arn:[^:]*:s3[^:]*:[^:]*:[^:]*:[\w./-]+|[\w.-]+"),
        ("TopicArn TargetArn", r"arn:[^:]*:sns:[^:]*:[^:]*:[\w./-]+"),
        ("FunctionName", r"[\w-]+(?::function:[\w-]+)?(?::[\w$-]+)?|arn:[^:]*:lambda:[^:]*:[^:]*"
                         r":function:[\w-]+(?::[\w$-]+)?"),
        ("InvocationType", r"Event|RequestResponse|DryRun"),
        ("LogType", r"None|Tail"),
        ("Qualifier", r"[\w$-]+"),
        ("ReturnValues ReturnConsumedCapacity ReturnItemCollectionMetrics ConditionalOperator "
         "ReturnValuesOnConditionCheckFailure StorageClass", r"[A-Z_]+"),
        ("ACL", r"[a-z-]+"),
        ("MessageStructure", r"json"),
        ("PhoneNumber", r"\+?[\d-]+"),
        ("ContentLength", r"\d+"),
        ("ContentType", r"[\w.+-]+/[\w.+-]+(?:; ?[^:]*)?"),
        ("ContentMD5 ContentEncoding ContentLanguage ServerSideEncryption VersionId RequestPayer "
         "ExpectedBucketOwner BypassGovernanceRetention BucketKeyEnabled", r"[^:]*"),
    )
    for name in names.split()
}  # fmt: skip
_DDB_COMMON = (
    "TableName Expected ConditionalOperator ReturnValues ReturnConsumedCapacity "
    "ReturnItemCollectionMetrics ConditionExpression ExpressionAttributeNames "
    "ExpressionAttributeValues ReturnValuesOnConditionCheckFailure"
)
_S3_PUT = (
    "Bucket Key ACL CacheControl ContentDisposition ContentEncoding ContentLanguage ContentLength "
    "ContentMD5 ContentType ChecksumAlgorithm ChecksumCRC32 ChecksumCRC32C ChecksumCRC64NVME "
    "ChecksumSHA1 ChecksumSHA256 ChecksumSHA512 ChecksumMD5 ChecksumXXHASH64 ChecksumXXHASH3 "
    "ChecksumXXHASH128 Expires IfMatch IfNoneMatch GrantFullControl GrantRead GrantReadACP "
    "GrantWriteACP WriteOffsetBytes Metadata ServerSideEncryption StorageClass "
    "WebsiteRedirectLocation SSECustomerAlgorithm SSECustomerKey SSECustomerKeyMD5 SSEKMSKeyId "
    "SSEKMSEncryptionContext BucketKeyEnabled RequestPayer Tagging ObjectLockMode "
    "ObjectLockRetainUntilDate ObjectLockLegalHoldStatus ObjectLockEventHold "
    "ObjectLockEventHoldDurationDays ObjectLockEventHoldDurationYears ExpectedBucketOwner"
)
KEYWORDS = {
    operation: frozenset(keywords.split())
    for operation, keywords in {
        "PutItem": f"{_DDB_COMMON} Item",
        "UpdateItem": f"{_DDB_COMMON} Key AttributeUpdates UpdateExpression",
        "DeleteItem": f"{_DDB_COMMON} Key",
        "BatchWriteItem": "RequestItems ReturnConsumedCapacity ReturnItemCollectionMetrics",
        "PutObject": _S3_PUT,
        "PostObject": _S3_PUT,
        "DeleteObject": "Bucket Key MFA VersionId RequestPayer BypassGovernanceRetention "
        "ExpectedBucketOwner IfMatch IfMatchLastModifiedTime IfMatchSize",
        "Publish": "TopicArn TargetArn PhoneNumber Message Subject MessageStructure "
        "MessageAttributes MessageDeduplicationId MessageGroupId",
        "Invoke": "FunctionName InvocationType LogType ClientContext DurableExecutionName "
        "Qualifier TenantId",
    }.items()
}
_REQUIRED = {
    "PutItem": ("TableName", "Item"),
    "UpdateItem": ("TableName", "Key"),
    "DeleteItem": ("TableName", "Key"),
    "BatchWriteItem": ("RequestItems",),
    "PutObject": ("Bucket", "Key"),
    "PostObject": ("Bucket", "Key"),
    "DeleteObject": ("Bucket", "Key"),
    "Publish": ("Message",),
    "Invoke": ("FunctionName",),
}
_KEYWORD_AT = {
    operation: re.compile(f":({'|'.join(sorted(keywords))}):")
    for operation, keywords in KEYWORDS.items()
}
_ANY_KEYWORD_AT = re.compile(r":([A-Z][A-Za-z0-9]*):")


class _Span(NamedTuple):
    name: str
    start: int
    end: int
    value: literals.Value | None  # of a literal


def readings(operation: str, text: str) -> list[Reading]:
    """Give the ways to read a call's keywords, the likeliest first; none when there is no way."""
    only = _only_reading(operation, text)
    if only is not None:
        return [only]
    spans = _complete(operation, text, _KEYWORD_AT.get(operation, _ANY_KEYWORD_AT))
    if not spans and operation in _KEYWORD_AT:
        spans = _complete(operation, text, _ANY_KEYWORD_AT)
    return [
        {s.name: text[s.start : s.end] if s.value is None else s.value for s in reading}
        for reading in spans
    ]


def _only_reading(operation: str, text: str) -> Reading | None:
    """Give the one way to read a text, as long as no value can end in more than one place."""
    keyword_at = _KEYWORD_AT.get(operation)
    if keyword_at is None:
        return None
    is_table = operation.endswith("Item")
    reading: Reading = {}
    position, length = 0, len(text)
    while position != length:
        match = keyword_at.match(text, position)
        if match is None or match[1] in reading:
            return None
        name, position = match[1], match.end()
        if text[position : position + 1] in ("{", "[") and (
            name in _LITERAL or (name == "Key" and is_table)
        ):
            read = literals.parse(text, position)
            if read is None:
                return None
            reading[name], position = read
        else:
            ends = _ends(name, text, position, keyword_at)
            if len(ends) != 1:
                return None
            reading[name] = text[position : ends[0]]
            position = ends[0]
    return reading


def _complete(operation: str, text: str, keyword_at: re.Pattern[str]) -> list[tuple[_Span, ...]]:
    """Keep the readings with all required keywords, where there are such.

    A keyword whose value has the narrow form that it must have was no part of another value.
    """
    found = list(islice(_read(operation, text, keyword_at), _MAX_READINGS))
    required = set(_REQUIRED.get(operation, ()))
    complete = [reading for reading in found if required <= {span.name for span in reading}]
    if not complete:
        return found[:1]
    formed = _formed(complete[0])
    return [reading for reading in complete if _formed(reading) == formed]


def _formed(reading: tuple[_Span, ...]) -> set[_Span]:
    return {span for span in reading if span.name in _FORMS}


def _read(operation: str, text: str, keyword_at: re.Pattern[str]) -> Iterator[tuple[_Span, ...]]:
    is_table = operation.endswith("Item")
    pending: list[tuple[int, tuple[_Span, ...]]] = [(0, ())]
    for _ in range(_MAX_STEPS):
        if not pending:
            return
        position, before = pending.pop()
        if position == len(text):
            yield before
            continue
        match = keyword_at.match(text, position)
        if match is None or len(before) == _MAX_KEYWORDS:
            continue
        name, start = match[1], match.end()
        if name in [span.name for span in before]:
            continue
        if name in _LITERAL or (name == "Key" and is_table):
            read = literals.parse(text, start) if text[start : start + 1] in ("{", "[") else None
            if read is not None:
                pending.append((read[1], (*before, _Span(name, start, read[1], read[0]))))
                continue
        # The stack gives the last one first: the shortest value is tried first.
        for end in reversed(_ends(name, text, start, keyword_at)):
            pending.append((end, (*before, _Span(name, start, end, None))))


def _ends(name: str, text: str, start: int, keyword_at: re.Pattern[str]) -> list[int]:
    """Give the places where a value can end: before a keyword, or at the end of the text."""
    form = _FORMS.get(name)
    following = keyword_at.search(text, start)
    first = len(text) if following is None else following.start()
    fits = following is None if form is None else form.fullmatch(text, start, first) is not None
    if fits:
        return [first]  # as nearly always
    ends = _places(text, start, keyword_at)
    if form is None:
        return list(ends)
    return next(([end] for end in ends if form.fullmatch(text, start, end)), [])


def _places(text: str, start: int, keyword_at: re.Pattern[str]) -> Iterator[int]:
    position = start
    for _ in range(_MAX_ENDS):
        following = keyword_at.search(text, position)
        if following is None:
            break
        yield following.start()
        position = following.start() + 1
    yield len(text)
