"""Where an act takes place: whose account, and the clients to reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from providers.clients import Clients
from providers.session import AwsSession, user_error
from providers.tags import our_tags

AWS_ERRORS: Final = (ClientError, BotoCoreError, OSError, TimeoutError)
"""What a call of a client can raise; `user_error` makes any of them presentable."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and for whom pieces are made.

    Attributes:
        partition: "aws", or "aws-cn" and the like; the second part of every ARN.
        application: the application's name, for tags.
        table: the record table's name.
        environment: what every function gets beside what its manifest says.
        configuration: letter of the application's configuration; "" when none is named.
    """

    clients: Clients
    account: str
    partition: str
    application: str
    table: str
    environment: Mapping[str, str] = field(default_factory=dict)
    configuration: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """The tags of what is made for the application."""
        return our_tags(self.application, self.configuration)

    @property
    def own(self) -> str:
        """What tells names of the application's own from others': "imageproc-B"."""
        return "-".join(filter(None, (self.application, self.configuration)))

    def filled(self, text: str, region: str) -> str:
        """Replace {account}, {partition}, {region} and {app} in a manifest's text."""
        for name, value in (
            ("account", self.account),
            ("partition", self.partition),
            ("region", region),
            ("app", self.application),
        ):
            text = text.replace(f"{{{name}}}", value)
        return text


@asynccontextmanager
async def open_place(
    session: AwsSession,
    region: str,
    application: str = "",
    environment: Mapping[str, str] | None = None,
    *,
    configuration: str = "",
) -> AsyncIterator[Place]:
    """Open the clients for an act, and ask (in `region`) whose account it is.

    Raises:
        UserError: there are no credentials, or AWS does not accept them.
    """
    async with Clients(session) as clients:
        try:
            sts = await clients.of("sts", region)
            identity = await sts.get_caller_identity()
        except AWS_ERRORS as error:
            raise user_error(error, profile=session.profile, region=region) from error
        yield Place(
            clients,
            account=identity["Account"],
            partition=identity["Arn"].split(":")[1],
            application=application,
            table=session.table,
            environment=environment or {},
            configuration=configuration,
        )
