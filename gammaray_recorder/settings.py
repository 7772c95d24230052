"""What the environment says: where records go, how long the recorder may take, whom to trust."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Optional, Tuple

_DAY_S = 86400

# Endings of the names under which AWS itself answers, in all partitions.
_AWS_ENDINGS = (
    ".amazonaws.com",
    ".on.aws",
    ".api.aws",
    ".amazonaws.com.cn",
    ".on.amazonwebservices.com.cn",
    ".api.amazonwebservices.com.cn",
    ".amazonaws.eu",
)


class Settings:
    """The recorder's settings, read once for each container.

    A value that cannot be read counts as absent: a wrong setting must not fail the function.

    Attributes:
        table: name of the table that the records go to.
        region: where the function runs.
        table_region: where the table is.
        endpoint: URL of DynamoDB, when it is not AWS's own.
        ttl_s: life of a record until DynamoDB deletes it.
        flush_s: the longest that the last flush may delay the handler's return.
        every_call: keep calls that can trigger nothing, such as reads, too.
        interval_s: the longest that a recorded call stays in memory while a handler runs.
        trace_hosts: hosts, and endings of hosts (".example.com"), that may get `traceparent`.
    """

    __slots__ = (
        "endpoint",
        "every_call",
        "flush_s",
        "interval_s",
        "region",
        "table",
        "table_region",
        "trace_hosts",
        "ttl_s",
    )

    def __init__(self, environment: Mapping[str, str]) -> None:
        get = environment.get
        self.table = get("GAMMARAY_TABLE") or "gammaRays"
        self.region = get("AWS_REGION") or get("AWS_DEFAULT_REGION") or "us-east-1"
        self.table_region = get("GAMMARAY_REGION") or self.region
        self.endpoint = _endpoint(environment, "AWS_ENDPOINT_URL_DYNAMODB")
        self.ttl_s = int(_number(get("GAMMARAY_TTL_S"), 7 * _DAY_S, least=1))
        self.flush_s = _number(get("GAMMARAY_FLUSH_MS"), 50, least=0) / 1000
        self.interval_s = _number(get("GAMMARAY_INTERVAL_MS"), 200, least=10) / 1000
        self.every_call = get("GAMMARAY_CALLS") != "triggering"
        hosts = [host.strip().lower() for host in (get("GAMMARAY_TRACE_HOSTS") or "").split(",")]
        everywhere = _endpoint(environment)
        if everywhere:
            hosts.append(host_of(everywhere))
        self.trace_hosts: Tuple[str, ...] = tuple(
            host[1:] if host.startswith("*.") else host for host in hosts if host
        )

    def may_trace(self, host: str) -> bool:
        """Tell whether `host` may be sent a `traceparent` header: AWS, or configured."""
        if is_aws(host):
            return True
        return any(
            host == trusted or (trusted[0] == "." and host.endswith(trusted))
            for trusted in self.trace_hosts
        )


def is_aws(host: str) -> bool:
    """Tell whether AWS itself answers at this host name, given in lower case without port."""
    return host.endswith(_AWS_ENDINGS)


def host_of(url: str) -> str:
    """Give the host of a URL in lower case, without user, port and brackets."""
    authority = url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0].rsplit("@", 1)[-1]
    if authority.startswith("["):
        return authority[1:].split("]", 1)[0].lower()
    return authority.split(":", 1)[0].lower()


def _endpoint(environment: Mapping[str, str], name: str = "") -> Optional[str]:
    """Find a configured endpoint as the SDKs do: the service's own first, then the common."""
    if (environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") or "").lower() == "true":
        return None
    return environment.get(name) or environment.get("AWS_ENDPOINT_URL") or None


def _number(text: Optional[str], default: float, least: float) -> float:
    try:
        value = float(text) if text else default
    except ValueError:
        return default
    return value if least <= value < float("inf") else default
