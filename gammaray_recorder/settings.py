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

# Parts of the names under which AWS calls functions for others, and names of this machine.
_OWN_PARTS = (".lambda-url.", ".execute-api.", ".elb.", ".vpc-lattice-svcs.", ".appsync-api.")
_OWN_HOSTS = ("localhost", "127.0.0.1", "::1")

# Names of DynamoDB's endpoints outside the commercial partition.
_SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-iso-", "c2s.ic.gov"),
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
        to_log: write the records to standard output instead of the table.
        hash_keys: keep hashes of keys instead of keys.
        error_text: keep the text of exceptions, too, and not their type alone.
        proxy: URL of the proxy by which the table is reached, if any.
        trace_hosts: hosts, and endings of hosts (".example.com"), that may get `traceparent`.
    """

    __slots__ = (
        "endpoint",
        "error_text",
        "every_call",
        "flush_s",
        "hash_keys",
        "interval_s",
        "proxy",
        "region",
        "table",
        "table_region",
        "to_log",
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
        self.to_log = (get("GAMMARAY_SINK") or "").lower() == "stdout"
        self.hash_keys = _switch(get("GAMMARAY_HASH_KEYS"))
        self.error_text = _switch(get("GAMMARAY_ERROR_TEXT"))
        self.proxy = proxy_of(self.endpoint or endpoint_url(self.table_region), environment)
        hosts = [host.strip().lower() for host in (get("GAMMARAY_TRACE_HOSTS") or "").split(",")]
        everywhere = _endpoint(environment)
        if everywhere:
            hosts.append(host_of(everywhere))
        self.trace_hosts: Tuple[str, ...] = tuple(
            host[1:] if host.startswith("*.") else host for host in hosts if host
        )

    def may_trace(self, host: str) -> bool:
        """Tell whether `host` may be sent a `traceparent` header.

        That is where functions of one's own are called: function URLs, API Gateway, load
        balancers, this machine, and what the settings name. Nobody else learns anything.
        """
        if host in _OWN_HOSTS or (is_aws(host) and any(part in host for part in _OWN_PARTS)):
            return True
        return any(
            host == trusted or (trusted[0] == "." and host.endswith(trusted))
            for trusted in self.trace_hosts
        )


def is_aws(host: str) -> bool:
    """Tell whether AWS itself answers at this host name, given in lower case without port."""
    return host.endswith(_AWS_ENDINGS)


def endpoint_url(region: str) -> str:
    """Give the URL at which AWS's DynamoDB answers in a region."""
    suffix = next((name for start, name in _SUFFIXES if region.startswith(start)), "amazonaws.com")
    return "https://dynamodb.%s.%s" % (region, suffix)


def proxy_of(url: str, environment: Mapping[str, str]) -> Optional[str]:
    """Find the proxy for a URL as curl, Python and the SDKs do; None: connect directly."""
    scheme = url.split("://", 1)[0].lower()
    # HTTP_PROXY in capitals can be a request's header "Proxy" where CGI is, which Lambda is not.
    names = (scheme + "_proxy", scheme.upper() + "_PROXY", "all_proxy", "ALL_PROXY")
    proxy = next(filter(None, map(environment.get, names)), None)
    if not proxy:
        return None
    host = host_of(url)
    exempt = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    for name in exempt.lower().split(","):
        name = name.strip().lstrip("*").lstrip(".").split(":", 1)[0]
        if name and (host == name or host.endswith("." + name)):
            return None
    if exempt.strip() == "*":
        return None
    return proxy if "://" in proxy else "http://" + proxy


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


def _switch(text: Optional[str]) -> bool:
    return (text or "").lower() in ("1", "true", "yes", "on")
