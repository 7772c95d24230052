"""The way to AWS: whose credentials, which regions, which endpoint.

Making a session reads files only. The first network call is the first call of a client, and a
local endpoint is never given more than static keys: no token service, no sign-in, no metadata
service is asked on its behalf.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Self

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.loaders import Loader, create_loader
from botocore.utils import JSONFileCache, validate_region_name

from providers.aws_errors import mfa_needed, user_error
from providers.errors import UserError
from providers.loopback import is_local

__all__ = ["AwsSession", "AwsSettings", "is_local", "user_error"]

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 20.0
_LOCAL_KEY = "test"
# Credential providers that only read the environment and files.
_STATIC_PROVIDERS = frozenset({"env", "shared-credentials-file", "config-file"})


@dataclass(frozen=True)
class AwsSettings:
    """What the user chose.

    Attributes:
        profile: a profile of ~/.aws/config, None for the default credentials.
        regions: regions to watch; empty means the profile's own region.
        table: name of the record table in each region.
        endpoint_url: another endpoint for all services, e.g. a local AWS.
        endpoints: service name -> endpoint, for services that live elsewhere than the rest.
    """

    profile: str | None = None
    regions: tuple[str, ...] = ()
    table: str = "gammaRays"
    endpoint_url: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)


class AwsSession:
    """Makes clients; one for the whole application, and another when credentials change."""

    def __init__(
        self, settings: AwsSettings, session: AioSession, regions: tuple[str, ...]
    ) -> None:
        self.settings = settings
        self.regions = regions
        self.table = settings.table
        self.endpoint_url = settings.endpoint_url
        self.profile: str | None = session.get_config_variable("profile")
        models = _service_models(session.get_config_variable("data_path"))
        session.register_component("data_loader", models)
        self._session = session
        self._local = settings.endpoint_url is not None and is_local(settings.endpoint_url)
        self._credentials_lock = asyncio.Lock()
        self._restrict_credentials()

    @classmethod
    def open(cls, settings: AwsSettings) -> Self:
        """Resolve profile and regions from the settings and the AWS configuration files.

        Raises:
            UserError: no such profile, no region, a region that cannot exist, or a
                configuration file that cannot be read.
        """
        region: str | None = None
        try:
            session = AioSession(profile=settings.profile)
            session.get_scoped_config()
            regions = tuple(dict.fromkeys(settings.regions)) or _configured_regions(session)
            for region in regions:
                validate_region_name(region)
        except BotoCoreError as error:
            raise user_error(error, profile=settings.profile, region=region) from error
        if not regions:
            raise UserError(
                "No region is known",
                on=f"profile {settings.profile}" if settings.profile else "",
                todo="Pass --region (repeatable), e.g. --region us-west-2, or set the "
                "profile's region with `aws configure set region`.",
                kind="no-region",
            )
        return cls(settings, session, regions)

    def renewed(self) -> Self:
        """Give a session that has read the credential files anew.

        Raises:
            UserError: the files have become unusable.
        """
        renewed = self.open(self.settings)
        renewed.regions = self.regions
        return renewed

    @asynccontextmanager
    async def client(
        self,
        service: str,
        region: str,
        *,
        attempts: int = 3,
        read_timeout_s: float = READ_TIMEOUT_S,
        validate: bool = True,
    ) -> AsyncIterator[Any]:
        """Open a client of a service in a region (aiobotocore's, so every call is awaited).

        Args:
            service: botocore's name, e.g. "dynamodbstreams".
            region: where; need not be one of `regions`.
            attempts: how often a call is tried in all before its error comes out.
            read_timeout_s: how long to wait for bytes before a try has failed.
            validate: check arguments against the service's model before sending them.

        Raises:
            botocore.exceptions.BotoCoreError: credentials that cannot be read; `user_error`
                makes it presentable.
        """
        endpoint = self.settings.endpoints.get(service, self.endpoint_url)
        await self._resolve_credentials()
        async with self._session.create_client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            config=self._config(
                endpoint,
                retries={"mode": "standard", "total_max_attempts": attempts},
                read_timeout=read_timeout_s,
                parameter_validation=validate,
            ),
        ) as client:
            yield client

    async def signed_headers(
        self, service: str, region: str, method: str, url: str, body: bytes
    ) -> dict[str, str]:
        """Sign a request that no client makes, such as one to an API of the user's own.

        Raises:
            UserError: there are no credentials.
        """
        await self._resolve_credentials()
        credentials = await self._session.get_credentials()
        if credentials is None:
            raise user_error(NoCredentialsError(), profile=self.profile, region=region)
        headers = {"Content-Type": "application/json"}
        request = AWSRequest(method, url, data=body, headers=headers)
        SigV4Auth(await credentials.get_frozen_credentials(), service, region).add_auth(request)
        return dict(request.headers)

    def _config(self, endpoint: str | None, **options: Any) -> AioConfig:
        if endpoint is not None and is_local(endpoint):
            # A proxy of the environment cannot reach this machine's own loopback.
            options["proxies"] = {}
        return AioConfig(
            connect_timeout=CONNECT_TIMEOUT_S,
            max_pool_connections=64,
            # Given whole, because botocore would otherwise build it anew for every request,
            # which is a tenth of the cost of an idle poll.
            user_agent=f"{self._session.user_agent()} gammaray-tui/{_version()}",
            # "auto" would ask the instance metadata service for the region.
            defaults_mode="legacy",
            connector_args={"keepalive_timeout": 60.0, "socket_factory": _keepalive_socket},
            **options,
        )

    def _restrict_credentials(self) -> None:
        """Take away the ways to credentials that nobody asked for."""
        resolver = self._session.get_component("credential_provider")
        if self._local:
            for provider in list(resolver.providers):
                if provider.METHOD not in _STATIC_PROVIDERS:
                    resolver.remove(provider.METHOD)
            return
        # The instance metadata service is asked only where a profile says so by
        # `credential_source`, which does not go through this provider.
        resolver.remove("iam-role")
        assume_role = resolver.get_provider("assume-role")
        assume_role.cache = _CommandLineCache()
        # There is no public way to replace the prompt, and a prompt for an MFA code under a
        # full-screen application would hang it.
        assume_role._prompter = self._refuse_to_prompt

    def _refuse_to_prompt(self, _prompt: str) -> str:
        raise mfa_needed(self.profile)

    async def _resolve_credentials(self) -> None:
        """Look for credentials once, and put dummy ones where a local endpoint needs none."""
        async with self._credentials_lock:
            if await self._session.get_credentials() is None and self._local:
                self._session.set_credentials(_LOCAL_KEY, _LOCAL_KEY)


class _CommandLineCache(dict[str, Any]):
    """Sessions that the AWS command line got (with an MFA code, say); only read, not written."""

    def __init__(self) -> None:
        super().__init__()
        self._files = JSONFileCache(str(Path("~/.aws/cli/cache").expanduser()))

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or str(key) in self._files

    def __missing__(self, key: str) -> Any:
        return self._files[key]


def _configured_regions(session: AioSession) -> tuple[str, ...]:
    region = session.get_config_variable("region") or os.environ.get("AWS_REGION")
    return (str(region),) if region else ()


def _keepalive_socket(address: tuple[Any, ...]) -> socket.socket:
    """Open a socket that notices a peer that went away (a laptop that slept, a lost network)."""
    family, kind, protocol = address[:3]
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
    return opened


@cache
def _service_models(folders: str | None) -> Loader:
    """Give what reads botocore's models: they are large, and every session's are the same."""
    return create_loader(folders)


@cache
def _version() -> str:
    try:
        return metadata.version("gammaray-tui")
    except metadata.PackageNotFoundError:
        return "unknown"
