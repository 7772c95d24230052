"""What AWS and the way to it can refuse, said so that a user knows what to do next."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import botocore.session
import msgspec
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from providers.errors import UserError
from providers.loopback import what_to_do

# Trying again by itself does not help with these; they are still tried now and then, because
# the user may mend them while we watch.
NEEDS_USER: Final = frozenset(
    {
        "access-denied",
        "bad-config",
        "bad-credentials",
        "clock-skew",
        "collector-missing",
        "expired-token",
        "mfa-needed",
        "no-credentials",
        "no-region",
        "region-disabled",
        "ssl",
        "stream-disabled",
        "stream-without-images",
        "table-missing",
        "unknown-profile",
        "unknown-region",
    }
)
# The credentials themselves are at fault: read them anew before the next try.
CREDENTIAL_KINDS: Final = frozenset(
    {"bad-credentials", "clock-skew", "expired-token", "mfa-needed", "no-credentials"}
)

THROTTLING_CODES: Final = frozenset(
    {
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
ACCESS_CODES: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "NotAuthorized",
        "UnauthorizedOperation",
    }
)
_EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
_SKEW_CODES = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_CREDENTIAL_CODES = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_REGION_CODES = frozenset({"OptInRequired", "SubscriptionRequiredException"})
_SERVER_CODES = frozenset(
    {"InternalFailure", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException"}
)
# Every other commercial region must be enabled for the account before it can be used
# (AWS Account Management: "Considerations before enabling and disabling Regions").
_REGIONS_ENABLED_BY_DEFAULT = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)
_DENIED_ACTION = re.compile(r"perform: ([\w-]+:\w+)")
_DENIED_RESOURCE = re.compile(r"on resource: (\S+)")
_SIGNATURE_TIME = re.compile(r"[Ss]ignature (?:expired|not yet current)")
_SERVICE_PREFIXES = {"DescribeTable": "dynamodb", "GetRecords": "dynamodb"}


def error_code(error: BaseException) -> str:
    """Give the service's own code of an error, "" when the service did not answer."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def user_error(
    error: BaseException, *, profile: str | None, region: str | None, resource: str = ""
) -> UserError:
    """Say what went wrong, on what, and what to do, for any error of the AWS clients.

    Args:
        error: what was raised; a UserError comes back as it is.
        profile: the profile in use, None when none was named.
        region: the region of the call, None when it has none.
        resource: what the call was about, e.g. "table gammaRays".
    """
    if isinstance(error, UserError):
        return error
    on = ", ".join(
        f"{name} {value}" if name else value
        for name, value in (("profile", profile), ("region", region), ("", resource))
        if value
    )
    what, todo, kind = (
        _refused(error, profile, region, resource)
        if isinstance(error, ClientError)
        else _not_asked(error, profile, region)
    )
    return UserError(what, on=on, todo=todo, kind=kind)


def _refused(
    error: ClientError, profile: str | None, region: str | None, resource: str
) -> tuple[str, str, str]:
    """Read an error that the service answered with."""
    code = error_code(error)
    message = str(error.response.get("Error", {}).get("Message") or "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _EXPIRED_CODES:
        return "The credentials have expired", _sign_in_again(profile), "expired-token"
    if code in _SKEW_CODES or _SIGNATURE_TIME.search(message):
        return (
            "This computer's clock is too far from AWS's",
            "Set the clock (for instance with `timedatectl set-ntp true`) and try again.",
            "clock-skew",
        )
    if code in _REGION_CODES or (code in _CREDENTIAL_CODES and _is_opt_in(region)):
        return (
            f"Region {region} does not accept these credentials; it may not be enabled",
            "Enable the region for the account (AWS console, Account, AWS Regions) or leave it "
            "out with --region.",
            "region-disabled",
        )
    if code in _CREDENTIAL_CODES:
        return (
            f"AWS does not accept the credentials ({code})",
            f"Check access key and secret key of {_profile_text(profile)}: "
            f"`aws sts get-caller-identity{_profile_option(profile)}` must work.",
            "bad-credentials",
        )
    if code in ACCESS_CODES:
        return _denied(error.operation_name, message)
    if code in THROTTLING_CODES:
        return "AWS slows down our requests (throttling)", _slow_down(error), "throttled"
    if code == "ResourceNotFoundException" and error.operation_name == "DescribeTable":
        return (
            f"There is no {resource or 'such table'} here",
            "Deploy an application into this region, or leave the region out with --region.",
            "table-missing",
        )
    if code == "ResourceNotFoundException":
        return (
            f"{resource or 'What was asked for'} does not exist",
            message or "It may have been deleted meanwhile.",
            "not-found",
        )
    if code == str(status) and (status < 500 or status == 501):
        # AWS names its errors; what has but a status came from another kind of server.
        return _not_aws(f"is HTTP status {status}")
    if code in _SERVER_CODES or status >= 500:
        return (
            f"The service failed to answer ({code or status})",
            "The fault is not on this side; it usually passes by itself.",
            "server-error",
        )
    return f"{error.operation_name} failed: {code} {message}".strip(), "", "error"


def _slow_down(error: ClientError) -> str:
    if error.operation_name == "GetRecords":
        return (
            "Others may be reading the same stream: at most two readers a shard are served. "
            "Stop other watchers (or functions that the stream triggers), or wait."
        )
    return "Others may be calling the same service with this account; wait a little."


def _not_aws(answer: str) -> tuple[str, str, str]:
    return (
        f"The answer {answer}, so it does not seem to come from AWS",
        "Check --endpoint-url, or whether a proxy or a network's sign-in page answers instead.",
        "not-aws",
    )


def _denied(operation: str, message: str) -> tuple[str, str, str]:
    found = _DENIED_ACTION.search(message)
    prefix = _SERVICE_PREFIXES.get(operation)
    action = found.group(1) if found else f"{prefix}:{operation}" if prefix else operation
    target = _DENIED_RESOURCE.search(message)
    where = f" on {target.group(1)}" if target else ""
    reason = " A service control policy forbids it." if "service control policy" in message else ""
    return (
        f"Access denied: {action}{where}",
        f"Ask for a policy that allows {action}.{reason}",
        "access-denied",
    )


def _not_asked(
    error: BaseException, profile: str | None, region: str | None
) -> tuple[str, str, str]:
    """Read an error that came up before the service answered."""
    if isinstance(error, boto.ProfileNotFound):
        return _unknown_profile(profile or str(error.kwargs.get("profile", "")))
    if isinstance(error, (boto.UnauthorizedSSOTokenError, boto.SSOError, boto.TokenRetrievalError)):
        return "The single sign-on session has expired", _sign_in_again(profile), "expired-token"
    if isinstance(error, boto.LoginError):
        login = f"Run `aws login{_profile_option(profile)}`."
        return "The sign-in session has expired", login, "expired-token"
    if isinstance(error, boto.RefreshWithMFAUnsupportedError):
        return "The session that needed an MFA code has expired", _mfa(profile), "mfa-needed"
    if isinstance(error, (boto.NoCredentialsError, boto.NoAuthTokenError)):
        return (
            "No AWS credentials found",
            "Pass --profile NAME, or make a profile with `aws configure`. To look around "
            "without an account, run `gammaray-tui demo`.",
            "no-credentials",
        )
    if isinstance(error, (boto.PartialCredentialsError, boto.CredentialRetrievalError)):
        return (
            str(error),
            f"Mend {_profile_text(profile)} in ~/.aws/config and ~/.aws/credentials.",
            "no-credentials",
        )
    if isinstance(error, boto.NoRegionError):
        return "No region is known", "Pass --region, e.g. --region us-west-2.", "no-region"
    if isinstance(error, (boto.InvalidRegionError, boto.UnknownRegionError)):
        return _unknown_region(region)
    if isinstance(error, (boto.ConfigParseError, boto.InvalidConfigError, boto.ConfigNotFound)):
        return str(error), "Mend the AWS configuration file.", "bad-config"
    if isinstance(error, (msgspec.DecodeError, ResponseParserError)):
        return _not_aws("cannot be read")
    return _unreachable(error, region)


def _unreachable(error: BaseException, region: str | None) -> tuple[str, str, str]:
    url = _url(error)
    causes = list(_causes(error))
    if isinstance(error, boto.SSLError):
        return (
            f"The secure connection to {url} could not be trusted",
            "If a proxy inspects the traffic, point AWS_CA_BUNDLE at its certificate.",
            "ssl",
        )
    if isinstance(error, boto.ProxyConnectionError):
        proxy = str(error.kwargs.get("proxy_url", "the proxy"))
        return f"The proxy {proxy} does not answer", "Check HTTPS_PROXY.", "unreachable"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        if region and region not in known_regions():
            return _unknown_region(region)
        return f"{url} has no address", "Check the network and the name.", "unreachable"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return (
            f"{url} refuses the connection",
            what_to_do(url) or "Is the server running, on this port? Check --endpoint-url.",
            "unreachable",
        )
    if isinstance(error, (boto.HTTPClientError, boto.ConnectionError, OSError, TimeoutError)):
        what = {
            boto.ConnectTimeoutError: "does not answer",
            boto.ReadTimeoutError: "did not answer in time",
            boto.ConnectionClosedError: "closed the connection",
        }.get(type(error), "cannot be reached")
        return f"{url} {what}", what_to_do(url) or "Check the network.", "unreachable"
    return f"{type(error).__name__}: {error}", "", "error"


def known_regions() -> list[str]:
    """List the regions that the installed SDK knows, from its own data files."""
    session = botocore.session.Session()
    return [
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("dynamodb", partition)
    ]


def _unknown_profile(profile: str) -> tuple[str, str, str]:
    names = botocore.session.Session().available_profiles
    close = get_close_matches(profile, names, n=1)
    if close:
        todo = f"Did you mean {close[0]}?"
    elif names:
        todo = f"Profiles that exist: {', '.join(sorted(names))}."
    else:
        todo = f"There are no profiles yet. Make it with `aws configure --profile {profile}`."
    return f"There is no AWS profile named {profile}", todo, "unknown-profile"


def _unknown_region(region: str | None) -> tuple[str, str, str]:
    close = get_close_matches(region or "", known_regions(), n=1)
    todo = f"Did you mean {close[0]}?" if close else "Regions look like us-west-2."
    return f"There is no AWS region named {region}", todo, "unknown-region"


def _sign_in_again(profile: str | None) -> str:
    return (
        f"Run `aws sso login{_profile_option(profile)}`, or renew the keys of "
        f"{_profile_text(profile)}."
    )


def _mfa(profile: str | None) -> str:
    return (
        f"Run `aws sts get-caller-identity{_profile_option(profile)}` and enter the code there; "
        "its session is used here."
    )


def mfa_needed(profile: str | None, region: str | None = None) -> UserError:
    """Say that a profile wants a code, which must not be asked for under a running screen."""
    return UserError(
        "The profile asks for an MFA code",
        on=f"profile {profile}" if profile else (region or ""),
        todo=_mfa(profile),
        kind="mfa-needed",
    )


def _profile_option(profile: str | None) -> str:
    return f" --profile {profile}" if profile else ""


def _profile_text(profile: str | None) -> str:
    return f"profile {profile}" if profile else "the default credentials"


def _is_opt_in(region: str | None) -> bool:
    commercial = region and not region.startswith(("us-gov-", "us-iso", "cn-", "eu-isoe"))
    return bool(commercial) and region not in _REGIONS_ENABLED_BY_DEFAULT


def _url(error: BaseException) -> str:
    kwargs = getattr(error, "kwargs", {})
    return str(kwargs.get("endpoint_url") or "The network")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk to the system error behind an error: botocore and aiohttp each wrap it."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [
            getattr(current, "kwargs", {}).get("error"),
            getattr(current, "os_error", None),
            current.__cause__,
            *getattr(current, "exceptions", ()),
        ]
