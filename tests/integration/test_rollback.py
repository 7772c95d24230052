from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from providers.aws_operations import AwsOperations
from providers.errors import UserError
from providers.manifest import find_application
from providers.operations import Step
from providers.session import AwsSession
from tests.integration.test_deploy import functions

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]


async def test_a_failed_deployment_puts_back_the_code_that_was_there(
    aws_session: AwsSession, tmp_path: Path
) -> None:
    folder = tmp_path / "imageproc"
    shutil.copytree(find_application("imageproc").folder, folder)
    operations = AwsOperations(aws_session)
    await operations.deploy(str(folder), lambda _: None)
    before = await functions(aws_session)
    for name in ("db_sync.py", "update_website.py"):
        with (folder / name).open("a") as source:
            source.write("\n# changed\n")
    # Somebody else's function of that name is in the way: deploying must fail.
    async with aws_session.client("lambda", "us-east-1") as client:
        await client.delete_function(FunctionName="UpdateWebsite")
        await client.create_function(
            FunctionName="UpdateWebsite",
            Runtime="python3.12",
            Handler="x.y",
            Role="arn:aws:iam::000000000000:role/x",
            Code={"ZipFile": b"PK\x05\x06" + bytes(18)},
        )
    steps: list[Step] = []

    with pytest.raises(UserError) as raised:
        await operations.deploy(str(folder), steps.append)

    assert raised.value.kind == "not-ours"
    last = {step.text: step for step in steps}
    assert "rolled back" in last["function DBSyncPy"].detail
    after = await functions(aws_session)
    for name in ("ImageProcPy", "DBSyncPy"):
        assert after[name]["CodeSha256"] == before[name]["CodeSha256"]
        assert after[name]["Environment"] == before[name]["Environment"]
        assert after[name]["Layers"] == before[name]["Layers"]

    async with aws_session.client("lambda", "us-east-1") as client:
        await client.delete_function(FunctionName="UpdateWebsite")
    await operations.deploy(str(folder), lambda _: None)
    assert (await functions(aws_session))["DBSyncPy"]["CodeSha256"] != before["DBSyncPy"][
        "CodeSha256"
    ]
