from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from providers.aws_operations import AwsOperations
from providers.errors import UserError
from providers.manifest import find_application
from providers.operations import Step
from providers.session import AwsSession

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]


@pytest.fixture
def own_copy(tmp_path: Path) -> Path:
    """A copy of the demo's application, to change."""
    folder = tmp_path / "imageproc"
    shutil.copytree(find_application("imageproc").folder, folder)
    return folder


@pytest.fixture
def steps() -> list[Step]:
    return []


def last(steps: list[Step]) -> dict[str, Step]:
    """Give the last report of each step, by its text and region."""
    return {f"{step.text} {step.region}".strip(): step for step in steps}


async def test_the_plan_lists_what_is_not_there_and_makes_nothing(aws_session: AwsSession) -> None:
    operations = AwsOperations(aws_session)

    plan = await operations.plan("imageproc")

    assert {step.state for step in plan.steps} == {"waiting"}
    assert {step.detail for step in plan.steps} == {"create"}
    assert {
        "function ImageProcPy",
        "function DBSyncPy",
        "function UpdateWebsite",
        "table image-proc-B",
        "table eastSyncTable-B",
        "trigger DynamoDB stream image-proc-B → DBSyncPy",
        "trigger DynamoDB stream eastSyncTable-B → UpdateWebsite",
        "role gammaray-imageproc",
    } <= {step.text for step in plan.steps}
    assert [step.region for step in plan.steps if step.text == "table gammaRays"] == [
        "us-west-2",
        "us-east-1",
    ]
    assert await operations.resources() == []


async def test_deploying_twice_changes_nothing_the_second_time(
    aws_session: AwsSession, steps: list[Step]
) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy("imageproc", lambda _step: None)
    before = await functions(aws_session)

    await operations.deploy("imageproc", steps.append)

    assert {step.detail for step in last(steps).values()} == {"up to date"}
    assert await functions(aws_session) == before
    (application,) = [item for item in await operations.applications() if item.name == "imageproc"]
    assert application.deployed


async def test_functions_get_the_recorder_and_keep_their_code(aws_session: AwsSession) -> None:
    await AwsOperations(aws_session, function_environment={"EXTRA": "1"}).deploy(
        "imageproc", lambda _step: None
    )

    there = (await functions(aws_session))["DBSyncPy"]
    assert there["Handler"] == "gammaray_recorder.handler.handler"
    assert there["Layers"][0]["Arn"].endswith(":layer:gammaray-recorder:1")
    assert there["TracingConfig"]["Mode"] == "Active"
    environment = there["Environment"]["Variables"]
    assert environment["GAMMARAY_HANDLER"] == "db_sync.handler"
    assert environment["GAMMARAY_TABLE"] == "gammaRays"
    assert environment["TARGET_TABLE"] == "eastSyncTable-B"
    assert environment["EXTRA"] == "1"


async def test_only_what_changed_is_updated(
    aws_session: AwsSession, own_copy: Path, steps: list[Step]
) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy(str(own_copy), lambda _step: None)
    before = await functions(aws_session)
    with (own_copy / "db_sync.py").open("a") as source:
        source.write("\n# changed\n")
    manifest = own_copy / "app.toml"
    manifest.write_text(
        manifest.read_text().replace(
            'files = ["update_website.py"]', 'files = ["update_website.py"]\nmemory_mb = 512'
        )
    )

    planned = last(list((await operations.plan(str(own_copy))).steps))
    await operations.deploy(str(own_copy), steps.append)

    for texts in (planned, last(steps)):
        assert "code" in texts["function DBSyncPy us-west-2"].detail
        assert "memory" in texts["function UpdateWebsite us-east-1"].detail
    untouched = {text for text, step in last(steps).items() if step.detail == "up to date"}
    assert set(last(steps)) - untouched == {
        "function DBSyncPy us-west-2",
        "function UpdateWebsite us-east-1",
    }
    after = await functions(aws_session)
    assert after["ImageProcPy"] == before["ImageProcPy"]
    assert after["DBSyncPy"]["CodeSha256"] != before["DBSyncPy"]["CodeSha256"]
    assert after["UpdateWebsite"]["MemorySize"] == 512


async def test_a_function_of_somebody_else_is_left_alone(
    aws_session: AwsSession, steps: list[Step]
) -> None:
    async with aws_session.client("lambda", "us-west-2") as client:
        await client.create_function(
            FunctionName="DBSyncPy",
            Runtime="python3.12",
            Role="arn:aws:iam::123456789012:role/theirs",
            Handler="theirs.handler",
            Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
        )
    operations = AwsOperations(aws_session)

    with pytest.raises(UserError) as raised:
        await operations.deploy("imageproc", steps.append)

    assert raised.value.kind == "not-ours"
    assert (await functions(aws_session))["DBSyncPy"]["Handler"] == "theirs.handler"
    outcome = last(steps)
    assert outcome["function DBSyncPy us-west-2"].state == "failed"
    assert outcome["trigger DynamoDB stream image-proc-B → DBSyncPy us-west-2"].state == "skipped"
    assert outcome["function ImageProcPy us-west-2"].state == "done", "the others are made"
    theirs = [
        item
        for item in await operations.resources(regions=["us-west-2"])
        if item.name == "DBSyncPy"
    ]
    assert [item.managed for item in theirs] == [False]


async def test_a_mapping_of_a_deleted_table_is_replaced(
    aws_session: AwsSession, steps: list[Step]
) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy("imageproc", lambda _step: None)
    async with aws_session.client("dynamodb", "us-west-2") as client:
        await client.delete_table(TableName="image-proc-B")

    await operations.deploy("imageproc", steps.append)

    assert last(steps)["table image-proc-B us-west-2"].detail.startswith("created")
    async with (
        aws_session.client("dynamodb", "us-west-2") as dynamodb,
        aws_session.client("lambda", "us-west-2") as client,
    ):
        table = (await dynamodb.describe_table(TableName="image-proc-B"))["Table"]
        mappings = await client.list_event_source_mappings(FunctionName="DBSyncPy")
    assert [item["EventSourceArn"] for item in mappings["EventSourceMappings"]] == [
        table["LatestStreamArn"]
    ]


async def test_the_role_allows_what_is_needed_and_no_more(aws_session: AwsSession) -> None:
    await AwsOperations(aws_session).deploy("imageproc", lambda _step: None)

    async with aws_session.client("iam", "us-east-1") as client:
        answer = await client.get_role_policy(RoleName="gammaray-imageproc", PolicyName="gammaray")
    statements = answer["PolicyDocument"]["Statement"]
    everything = {
        action
        for statement in statements
        if statement["Resource"] == ["*"]
        for action in statement["Action"]
    }
    assert everything == {
        "dynamodb:ListStreams",
        "rekognition:DetectLabels",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }, "these cannot be narrowed to a resource"
    assert not any("*" in action for statement in statements for action in statement["Action"])


async def test_firing_what_is_not_deployed_says_so(aws_session: AwsSession) -> None:
    with pytest.raises(UserError) as raised:
        await AwsOperations(aws_session).fire("imageproc", 2, lambda _step: None)

    assert raised.value.kind == "not-deployed"
    assert "Deploy it first" in raised.value.todo


async def functions(session: AwsSession) -> dict[str, dict[str, Any]]:
    """Give the configuration of every function, by name, without what changes by itself."""
    there = {}
    for region in session.regions:
        async with session.client("lambda", region) as client:
            for function in (await client.list_functions())["Functions"]:
                there[function["FunctionName"]] = function
    return there
