from __future__ import annotations

import asyncio
import io
import json
import zipfile
from typing import Any

import pytest

from providers.aws_operations import AwsOperations
from providers.errors import UserError
from providers.instrument_settings import restored
from providers.operations import Step
from providers.session import AwsSession
from tests.integration.records import LOOK_EVERY_S

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]

REGION = "us-west-2"
RECORDED_TIMEOUT_S = 60.0
CODE = "def handler(event, context):\n    print('hello')\n    return {'n': event['n'] + 1}\n"
# What changes by itself when a function is updated.
CHANGING = (
    "LastModified", "RevisionId", "ResponseMetadata", "State", "StateReason", "StateReasonCode",
    "LastUpdateStatus",
)  # fmt: skip


async def make_function(session: AwsSession, name: str, **more: Any) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("app.py", CODE)
    wanted = {
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Code": {"ZipFile": archive.getvalue()},
        "Role": "arn:aws:iam::000000000000:role/users-own",
        **more,
    }
    async with session.client("lambda", REGION) as client:
        await client.create_function(FunctionName=name, **wanted)


async def configuration(session: AwsSession, name: str) -> dict[str, Any]:
    async with session.client("lambda", REGION) as client:
        there = await client.get_function_configuration(FunctionName=name)
        tags = (await client.get_function(FunctionName=name)).get("Tags", {})
    return {**{key: value for key, value in there.items() if key not in CHANGING}, "Tags": tags}


USERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "with-variables": {"Environment": {"Variables": {"MINE": "1", "GAMMARAY_TABLE": "my own"}}},
    "traced": {"TracingConfig": {"Mode": "Active"}, "Tags": {"team": "x"}},
}


async def test_functions_are_recorded_and_then_exactly_as_before(aws_session: AwsSession) -> None:
    operations = AwsOperations(aws_session)
    await operations.set_up(lambda _: None)
    for name, more in USERS.items():
        await make_function(aws_session, name, **more)
    before = {name: await configuration(aws_session, name) for name in USERS}

    await operations.instrument(list(USERS), lambda _: None)
    await operations.instrument(list(USERS), lambda _: None)

    for name in USERS:
        await check_recorded(aws_session, name, before[name]["CodeSha256"])
    await operations.uninstrument(list(USERS), lambda _: None)

    for name in USERS:
        earlier, after = before[name], await configuration(aws_session, name)
        assert after.pop("Layers", []) == earlier.pop("Layers", []), name
        variables = [item.pop("Environment", {}).get("Variables", {}) for item in (earlier, after)]
        assert variables[0] == variables[1], name
        assert after == earlier, name


async def check_recorded(session: AwsSession, name: str, code: str) -> None:
    """Invoke a function; see that its code is what it was, and that the recorder wrote."""
    there = await configuration(session, name)
    assert there["Handler"] == "gammaray_recorder.handler.handler"
    assert there["CodeSha256"] == code
    async with (
        session.client("lambda", REGION) as client,
        session.client("dynamodb", REGION) as dynamodb,
    ):
        answer = await client.invoke(FunctionName=name, Payload=b'{"n": 1}')
        async with answer["Payload"] as body:
            assert json.loads(await body.read()) == {"n": 2}
        async with asyncio.timeout(RECORDED_TIMEOUT_S):  # a function waits for no slow table
            recorded = False
            while not recorded:
                await asyncio.sleep(LOOK_EVERY_S)
                items = (await dynamodb.scan(TableName="gammaRays"))["Items"]
                recorded = any(f"function:{name}" in item["payload"]["S"] for item in items)


async def test_cleanup_detaches_and_leaves_the_function(aws_session: AwsSession) -> None:
    operations = AwsOperations(aws_session)
    await make_function(aws_session, "users")
    await operations.instrument(["users"], lambda _: None)

    resources = await operations.resources(regions=[REGION])
    assert sorted((item.kind, item.name) for item in resources) == [
        ("layer", "gammaray-recorder:1"),
        ("recorder", "users"),
    ]
    assert (await operations.delete(resources, lambda _: None)).failed == ()

    assert await operations.resources(regions=[REGION]) == []
    assert (await configuration(aws_session, "users"))["Handler"] == "app.handler"


async def test_what_cannot_be_recorded_is_refused_with_the_reason(
    aws_session: AwsSession,
) -> None:
    operations = AwsOperations(aws_session)
    await make_function(aws_session, "js", Runtime="nodejs20.x", Handler="app.handler")
    await make_function(aws_session, "old", Runtime="python3.8")
    await make_function(aws_session, "good")
    before = await configuration(aws_session, "js")
    steps: list[Step] = []

    with pytest.raises(UserError) as raised:
        await operations.instrument(["js", "old", "good"], steps.append)

    assert raised.value.kind == "cannot-instrument"
    last = {step.text: step for step in steps}
    assert "nodejs20.x" in last["function js"].detail
    assert "python3.8" in last["function old"].detail
    assert last["function good"].state == "done"
    assert await configuration(aws_session, "js") == before


async def test_a_function_that_is_nowhere_is_named(aws_session: AwsSession) -> None:
    with pytest.raises(UserError) as raised:
        await AwsOperations(aws_session).instrument(["none"], lambda _: None)
    assert raised.value.kind == "unknown-function"


async def test_what_this_tool_deployed_is_left_alone(aws_session: AwsSession) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy("imageproc", lambda _: None)
    steps = await operations.instrument(["DBSyncPy"], lambda _: None, only_look=True)
    assert "deployed by this tool" in steps[-1].detail


@pytest.mark.parametrize("restored_already", [False, True])
async def test_what_was_stopped_half_way_is_found_and_restored_exactly(
    aws_session: AwsSession, restored_already: bool
) -> None:
    operations = AwsOperations(aws_session)
    async with aws_session.client("iam", REGION) as iam:
        await iam.create_role(RoleName="users-own", AssumeRolePolicyDocument="{}")
    own = {"Environment": {"Variables": {"GAMMARAY_TABLE": "my own"}}}
    await make_function(aws_session, "users", **own)
    before = await configuration(aws_session, "users")
    await operations.instrument(["users"], lambda _: None, grant=True)
    if restored_already:  # as a process leaves it that is killed then
        there = await configuration(aws_session, "users")
        async with aws_session.client("lambda", REGION) as client:
            await client.update_function_configuration(FunctionName="users", **restored(there))

    found = await operations.resources(regions=[REGION])
    assert {item.kind for item in found} == {"layer", "recorder", "role policy"}
    await operations.uninstrument(["users"], lambda _: None)

    after = await configuration(aws_session, "users")
    assert after["Environment"] == before["Environment"]
    assert (after["Handler"], after["Tags"]) == (before["Handler"], before["Tags"])
    assert {item.kind for item in await operations.resources(regions=[REGION])} == {"layer"}
