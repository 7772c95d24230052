"""The demo: a local AWS with the record tables and an application deployed, ready to fire."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Final, Self

from aiobotocore.session import AioSession

from providers.aws_operations import AwsOperations
from providers.local_aws import LocalAws
from providers.manifest import find_application
from providers.operations import Report
from providers.session import AwsSession, AwsSettings

APPLICATION: Final = "imageproc"
_SECRET: Final = "local"
# How botocore finds its settings, each as (configuration key, environment variable, default,
# conversion): nothing of the user's own AWS configuration may reach the demo, or stop it.
_OWN_SETTINGS: Final[dict[str, tuple[None, None, Any, None]]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "ca_bundle": (None, None, None, None),
    "use_dualstack_endpoint": (None, None, False, None),
    "use_fips_endpoint": (None, None, False, None),
}


class Demo:
    """Starts the local AWS on entering and deploys the application; leaves nothing behind.

    Attributes:
        application: name of the application that is deployed.
        local_aws: the servers.
        session: an AWS session with the local AWS, in all regions of the application.
        operations: deploy, fire and clean up there.

    Raises:
        UserError: the local AWS is not installed or does not start.
    """

    session: AwsSession
    operations: AwsOperations

    def __init__(self, report: Report | None = None, *, application: str = APPLICATION) -> None:
        self.application = application
        self._report = report or (lambda _step: None)
        self.local_aws = LocalAws(self._report)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the local AWS, create the record tables, and deploy the application."""
        await self.local_aws.start()
        try:
            self.session = local_session(
                self.local_aws, regions=find_application(self.application).regions
            )
            self.operations = AwsOperations(
                self.session, function_environment=self._function_environment()
            )
            await self.operations.deploy(self.application, self._report)
        except BaseException:
            await self.local_aws.stop()
            raise

    async def stop(self) -> None:
        """Stop the local AWS; everything in it is gone with it."""
        await self.local_aws.stop()

    def _function_environment(self) -> dict[str, str]:
        # A website to post to: any page of the local AWS that answers will do.
        return {"WEBSITE_URL": f"{self.local_aws.endpoint_url}/_ministack/health"}


def local_session(
    local_aws: LocalAws,
    *,
    regions: tuple[str, ...],
    table: str = "gammaRays",
    account_id: str | None = None,
) -> AwsSession:
    """Make a session with a local AWS that knows nothing of the user's AWS configuration.

    Args:
        local_aws: running.
        regions: regions of the session.
        table: name of the record table.
        account_id: 12 digits, for an account of its own; accounts share nothing.
    """
    session = AioSession(session_vars=_OWN_SETTINGS)
    session.set_credentials(account_id or local_aws.account_id, _SECRET)
    settings = AwsSettings(
        regions=regions,
        table=table,
        endpoint_url=local_aws.endpoint_url,
        endpoints=local_aws.endpoints,
    )
    return AwsSession(settings, session, regions)
