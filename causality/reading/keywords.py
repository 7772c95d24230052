"""Reading `:<Keyword>:<value>...`, the text the original made of a call's keyword arguments.

Values hold colons, so a text can be read in more than one way. What is known of each keyword
(required, a literal, of a narrow form) leaves mostly one; when several are left, the one with
the shortest values comes first, and the others are possible all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import TypeAlias

from causality.reading import literals

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
        *("CopySource", "MultipartUpload"),
    }
)
# Keyword arguments whose values are of a narrow form, or nothing at all.
_FORMS = {
    name: re.compile(f"(?:{form})?", re.DOTALL)
    for names, form in (
        ("TableName", r"[\w.-]+|arn:[^:]*:dynamodb:[^:]*:[^:]*:table/[\w.-]+"),
        ("Bucket", r"[\w.-]+|arn:[^:]*:s3[^:]*:[^:]*:[^:]*:[\w./-]+(?::[\w.-]+)?"),
        ("TopicArn TargetArn", r"arn:[^:]*:sns:[^:]*:[^:]*:[\w./-]+|None"),
        ("FunctionName", r"(?:arn:[^:]*:lambda:[^:]*:[^:]*:function:|(?:[a-z-]+\d:)?(?:\d{12}:)?"
                         r"(?:function:)?)[\w.-]+(?::[\w$.-]+)?"),
        ("InvocationType", r"Event|RequestResponse|DryRun"),
        ("LogType", r"None|Tail"),
        ("Qualifier", r"[\w$.-]+"),
        ("ReturnValues ReturnConsumedCapacity ReturnItemCollectionMetrics ConditionalOperator "
         "ReturnValuesOnConditionCheckFailure StorageClass", r"[A-Z_]+"),
        ("ACL", r"[a-z-]+"),
        ("MessageStructure", r"json"),
        ("ContentLength", r"\d+"),
        ("ContentType", r"[^:;]*(?:;.*)?"),
        ("PhoneNumber ContentMD5 ContentEncoding ContentLanguage ServerSideEncryption VersionId "
         "RequestPayer ExpectedBucketOwner BypassGovernanceRetention BucketKeyEnabled", r"[^:]*"),
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
_OBJECT = frozenset({"Bucket", "Key"})
# What a call must have. Of tables and objects it is all that tells what the call did.
_REQUIRED = {
    "PutItem": frozenset({"TableName", "Item"}),
    "UpdateItem": frozenset({"TableName", "Key"}),
    "DeleteItem": frozenset({"TableName", "Key"}),
    "BatchWriteItem": frozenset({"RequestItems"}),
    **dict.fromkeys(("PutObject", "PostObject", "DeleteObject", "CopyObject"), _OBJECT),
    "CompleteMultipartUpload": _OBJECT,
    "Publish": frozenset({"Message"}),
    "Invoke": frozenset({"FunctionName"}),
}
_NEVER_EMPTY = frozenset({"Key", "Subject"})
_TARGETS = frozenset({"TopicArn", "TargetArn", "PhoneNumber"})  # of a message: one of them
_KEYWORD_AT = {
    operation: re.compile(f":({'|'.join(sorted(keywords))}):")
    for operation, keywords in KEYWORDS.items()
}
_ANY_KEYWORD_AT = re.compile(r":([A-Z][A-Za-z0-9]*):")
# A keyword, where its value starts and ends, and what stands in it where that is a literal.
_Span: TypeAlias = tuple[str, int, int, "literals.Value | None"]
_Spans: TypeAlias = tuple[_Span, ...]


def readings(operation: str, text: str) -> list[Reading]:
    """Give the ways to read a call's keywords, the likeliest first; none when there is no way."""
    keyword_at = _KEYWORD_AT.get(operation)
    found: list[Reading] = []
    if keyword_at is not None:
        certain, position = _without_choice(operation, text, keyword_at)
        if position == len(text):
            return [certain]
        found = _of_two(operation, text, keyword_at, certain, position) or _complete(
            operation, text, keyword_at, certain, position
        )
    return found or _complete(operation, text, _ANY_KEYWORD_AT, {}, 0)


def _without_choice(operation: str, text: str, keyword_at: re.Pattern[str]) -> tuple[Reading, int]:
    """Read as far as no value can end in more than one place: for most calls, all of it."""
    is_table = operation.endswith("Item")
    reading: Reading = {}
    position, length = 0, len(text)
    match = keyword_at.match(text)
    while match is not None:
        name, start = match[1], match.end()
        if name in reading:
            break
        if name in _LITERAL or (is_table and name == "Key"):
            read = literals.parse(text, start)
            if read is None:
                break
            reading[name], position = read
            match = keyword_at.match(text, position)
            continue
        match = keyword_at.search(text, start)
        end = length if match is None else match.start()
        form = _FORMS.get(name)
        if match is not None if form is None else not form.fullmatch(text, start, end):
            break  # it may end later, too
        reading[name] = text[start:end]
        position = end
    return reading, position


def _of_two(
    operation: str, text: str, keyword_at: re.Pattern[str], certain: Reading, position: int
) -> list[Reading]:
    """Read a last value in which one keyword stands: a keyword, or a part of the value.

    This is what _complete() would give, in a quarter of the time, for a message with a subject
    and its like; nothing for texts with more of a choice.
    """
    match = keyword_at.match(text, position)
    if match is None or match[1] in certain or match[1] in _FORMS:
        return []
    name, start = match[1], match.end()
    following = keyword_at.search(text, start)
    if following is None or keyword_at.search(text, following.start() + 1) is not None:
        return []
    other, value = following[1], text[following.end() :]
    is_table = operation.endswith("Item")
    if _holds_literal(name, is_table) or _holds_literal(other, is_table):
        return []
    whole = certain | {name: text[start:]}
    form = _FORMS.get(other)
    if (
        other in whole
        or (form is not None and form.fullmatch(value) is None)
        or (other in _TARGETS and not _TARGETS.isdisjoint(certain))
        or (following.start() == start and name in _NEVER_EMPTY)
        or (not value and other in _NEVER_EMPTY)
    ):
        return [whole]
    apart = certain | {name: text[start : following.start()], other: value}
    if other not in _TARGETS and whole.keys() >= _REQUIRED[operation]:
        return [apart, whole]
    return [apart]


def _holds_literal(name: str, is_table: bool) -> bool:
    return name in _LITERAL or (is_table and name == "Key")


def _is_possible(operation: str, names: Set[str]) -> bool:
    """Say whether a call can have had these keywords, and no others."""
    if operation == "Publish" and len(_TARGETS & names) != 1:
        return False
    required = _REQUIRED.get(operation)
    return required is None or names >= required


def _complete(
    operation: str, text: str, keyword_at: re.Pattern[str], certain: Reading, position: int
) -> list[Reading]:
    """Give the readings that the call can have had; if there are none, the likeliest other one."""
    found: list[_Spans] = []
    others: list[_Spans] = []
    for spans in _read(operation, text, keyword_at, certain, position):
        names = certain.keys() | {span[0] for span in spans}
        if _is_possible(operation, names) and _has_literals(operation, spans):
            found.append(spans)
            if len(found) == _MAX_READINGS:
                break
        elif not others:
            others.append(spans)
    return [
        certain | {n: text[start:end] if value is None else value for n, start, end, value in spans}
        for spans in found or others
    ]


def _has_literals(operation: str, spans: _Spans) -> bool:
    """Say whether items, keys and requests are what they must be."""
    if not operation.endswith("Item"):
        return True
    return all(
        value is not None or name not in ("Item", "Key", "RequestItems")
        for name, _, _, value in spans
    )


def _read(
    operation: str, text: str, keyword_at: re.Pattern[str], certain: Reading, position: int
) -> Iterator[_Spans]:
    is_table = operation.endswith("Item")
    telling = frozenset[str]() if operation == "Publish" else _REQUIRED.get(operation, frozenset())
    telling = telling.difference(certain)
    told: set[tuple[tuple[str, int, int], ...]] = set()
    pending: list[tuple[int, _Spans]] = [(position, ())]
    for _ in range(_MAX_STEPS):
        if not pending:
            return
        position, before = pending.pop()
        tells = tuple([span[:3] for span in before if span[0] in telling])
        if tells in told:
            continue  # all that matters is known: where the others end does not
        if position == len(text):
            yield before
            if telling and len(tells) == len(telling):
                told.add(tells)
            continue
        match = keyword_at.match(text, position)
        if match is None or len(certain) + len(before) >= _MAX_KEYWORDS:
            continue
        name, start = match[1], match.end()
        if name in certain or name in [span[0] for span in before]:
            continue
        if _holds_literal(name, is_table):
            read = literals.parse(text, start)
            if read is not None:
                pending.append((read[1], (*before, (name, start, read[1], read[0]))))
                continue
        # The stack gives the last one first: the shortest value is tried first.
        for end in reversed(_ends(name, text, start, keyword_at)):
            pending.append((end, (*before, (name, start, end, None))))


def _ends(name: str, text: str, start: int, keyword_at: re.Pattern[str]) -> list[int]:
    """Give the places where a value can end: before a keyword, or at the end of the text."""
    form = _FORMS.get(name)
    if form is None:
        first = start if name in _NEVER_EMPTY else -1
        return [end for end in _places(text, start, keyword_at) if end != first]
    ends = _places(text, start, keyword_at)
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
