"""Sessions: profile, regions, endpoints and credentials, without ever asking the network."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from providers.errors import UserError
from providers.session import AwsSession, AwsSettings, is_local
from tests.fakes.streams_server import FakeAws

_CONFIG = """
[profile worker]
region = eu-west-1

[profile bare]

[profile coded]
role_arn = arn:aws:iam::123456789012:role/watcher
source_profile = keys
mfa_serial = arn:aws:iam::123456789012:mfa/me
region = eu-west-1

[profile keys]
aws_access_key_id = AKIDKEYS
aws_secret_access_key = secret

[profile sso]
sso_start_url = https://127.0.0.1:1/start
sso_region = us-east-1
sso_account_id = 123456789012
sso_role_name = watcher
region = us-west-2
"""
_LOCAL = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _config(_no_credentials_of_this_machine: None) -> None:
    _write_config(_CONFIG)


def _write_config(text: str) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(text)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a session must not touch the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_opening_asks_files_only() -> None:
    session = AwsSession.open(AwsSettings(profile="worker"))
    assert session.regions == ("eu-west-1",)
    assert session.profile == "worker"
    assert session.table == "gammaRays"
    assert session.endpoint_url is None


def test_chosen_regions_come_before_the_profiles_and_each_once() -> None:
    settings = AwsSettings(profile="worker", regions=("us-east-1", "us-west-2", "us-east-1"))
    assert AwsSession.open(settings).regions == ("us-east-1", "us-west-2")


def test_regions_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    assert AwsSession.open(AwsSettings()).regions == ("sa-east-1",)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ca-central-1")
    assert AwsSession.open(AwsSettings()).regions == ("ca-central-1",)


@pytest.mark.parametrize(
    ("settings", "kind", "todo"),
    [
        (AwsSettings(profile="bare"), "no-region", "--region"),
        (AwsSettings(), "no-region", "--region"),
        (AwsSettings(profile="werker"), "unknown-profile", "Did you mean worker?"),
        (AwsSettings(profile="zzz"), "unknown-profile", "bare, coded, keys, sso, worker"),
        (AwsSettings(regions=("us west 2",)), "unknown-region", "us-west-2"),
    ],
)
def test_what_cannot_be_opened_is_said(settings: AwsSettings, kind: str, todo: str) -> None:
    with pytest.raises(UserError) as caught:
        AwsSession.open(settings)
    assert caught.value.kind == kind
    assert todo in caught.value.todo


def test_a_broken_configuration_file_is_said() -> None:
    _write_config("[profile worker\nregion")
    with pytest.raises(UserError) as caught:
        AwsSession.open(AwsSettings(profile="worker"))
    assert caught.value.kind == "bad-config"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:4566", True),
        ("http://localhost:4566", True),
        ("http://s3.localhost:4566", True),
        ("https://dynamodb.us-west-2.amazonaws.com", False),
        ("http://10.0.0.1:4566", False),
        ("http://localhost.example.com", False),
        ("", False),
    ],
)
def test_local_means_this_machine(url: str, local: bool) -> None:
    assert is_local(url) is local


async def _access_key(session: AwsSession) -> str:
    async with session.client("dynamodb", "us-west-2") as client:
        credentials = client._get_credentials()
        return str(credentials.access_key)


async def test_a_local_endpoint_needs_no_credentials() -> None:
    session = AwsSession.open(AwsSettings(regions=("us-west-2",), endpoint_url=_LOCAL))
    assert await _access_key(session) == "test"


async def test_a_local_endpoint_gets_the_static_keys_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = AwsSettings("keys", ("us-west-2",), endpoint_url=_LOCAL)
    assert await _access_key(AwsSession.open(settings)) == "AKIDKEYS"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "123456789012")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    settings = AwsSettings(regions=("us-west-2",), endpoint_url=_LOCAL)
    assert await _access_key(AwsSession.open(settings)) == "123456789012"


@pytest.mark.parametrize("profile", ["sso", "coded"])
@pytest.mark.usefixtures("no_network")
async def test_a_local_endpoint_never_makes_anybody_sign_in(profile: str) -> None:
    settings = AwsSettings(profile, ("us-west-2",), endpoint_url=_LOCAL)
    assert await _access_key(AwsSession.open(settings)) == "test"


@pytest.mark.usefixtures("no_network")
async def test_the_metadata_service_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    session = AwsSession.open(AwsSettings(regions=("us-west-2",)))
    async with session.client("dynamodb", "us-west-2") as client:
        assert client._get_credentials() is None


async def test_a_prompt_for_an_mfa_code_becomes_advice() -> None:
    session = AwsSession.open(AwsSettings(profile="coded"))
    async with session.client("dynamodb", "eu-west-1") as client:
        credentials = client._get_credentials()
        with pytest.raises(UserError) as caught:
            await credentials.get_frozen_credentials()
    assert caught.value.kind == "mfa-needed"
    assert "aws sts get-caller-identity --profile coded" in caught.value.todo


async def test_a_service_can_live_elsewhere(aws: FakeAws) -> None:
    settings = AwsSettings(
        regions=("us-west-2",), endpoint_url=_LOCAL, endpoints={"dynamodb": aws.endpoint_url}
    )
    session = AwsSession.open(settings)
    async with session.client("dynamodb", "us-west-2", attempts=1) as client:
        with pytest.raises(ClientError):
            await client.describe_table(TableName="gammaRays")
    async with session.client("xray", "us-west-2") as client:
        assert client.meta.endpoint_url == _LOCAL


async def test_a_proxy_is_not_asked_for_this_machine(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", _LOCAL)
    monkeypatch.setenv("http_proxy", _LOCAL)
    aws.region("us-west-2").make_table()
    session = AwsSession.open(AwsSettings(regions=("us-west-2",), endpoint_url=aws.endpoint_url))
    async with session.client("dynamodb", "us-west-2", attempts=1) as client:
        assert (await client.describe_table(TableName="gammaRays"))["Table"]


async def test_calls_say_who_we_are_and_are_tried_again(aws: FakeAws) -> None:
    session = AwsSession.open(AwsSettings(regions=("us-west-2",), endpoint_url=aws.endpoint_url))
    async with session.client("dynamodb", "us-west-2") as client:
        assert "botocore/" in client.meta.config.user_agent.lower()
        assert " gammaray-tui/" in client.meta.config.user_agent
        assert client.meta.config.retries["total_max_attempts"] == 3


async def test_a_renewed_session_reads_the_credentials_anew() -> None:
    settings = AwsSettings("keys", ("us-west-2",), endpoint_url=_LOCAL)
    session = AwsSession.open(settings)
    assert await _access_key(session) == "AKIDKEYS"
    _write_config(_CONFIG.replace("AKIDKEYS", "AKIDNEW"))
    assert await _access_key(session) == "AKIDKEYS"
    assert await _access_key(session.renewed()) == "AKIDNEW"


async def test_clients_can_be_opened_side_by_side() -> None:
    session = AwsSession.open(AwsSettings(regions=("us-west-2",), endpoint_url=_LOCAL))
    assert await asyncio.gather(*(_access_key(session) for _ in range(5))) == ["test"] * 5
