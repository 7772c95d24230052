from __future__ import annotations

import pytest

from providers.aws_operations import AwsOperations
from providers.operations import Step
from providers.session import AwsSession
from providers.setup import EXECUTION_ROLE, OPERATOR_POLICY

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]


async def test_setup_makes_a_table_in_every_region_and_reset_empties_it(
    aws_session: AwsSession,
) -> None:
    operations = AwsOperations(aws_session)
    assert {step.detail for step in await operations.plan_setup()} == {"create"}

    await operations.set_up(lambda _: None)
    again: list[Step] = []
    await operations.set_up(again.append)

    assert {step.detail for step in again if step.state == "done"} == {"up to date"}
    async with aws_session.client("dynamodb", "us-east-1") as client:
        await client.put_item(TableName="gammaRays", Item={"reqID": {"S": "x"}})
        await operations.set_up(lambda _: None, reset=True)
        assert (await client.scan(TableName="gammaRays"))["Items"] == []
        table = (await client.describe_table(TableName="gammaRays"))["Table"]
        assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        tags = await client.list_tags_of_resource(ResourceArn=table["TableArn"])
    assert {"Key": "gammaray:managed", "Value": "true"} in tags["Tags"]


async def test_role_and_policy_are_made_once_and_renewed(aws_session: AwsSession) -> None:
    operations = AwsOperations(aws_session)
    wanted = await operations.wanted_policies()
    await operations.make_roles(lambda _: None)
    again: list[Step] = []
    await operations.make_roles(again.append)

    assert {step.detail for step in again if step.state == "done"} == {"up to date"}
    async with aws_session.client("iam", "us-west-2") as iam:
        role = await iam.get_role_policy(RoleName=EXECUTION_ROLE, PolicyName="gammaray")
        policies = (await iam.list_policies(Scope="Local", PathPrefix="/gammaray/"))["Policies"]
    assert role["PolicyDocument"] == wanted["execution_role"]["policy"]
    assert [item["PolicyName"] for item in policies] == [OPERATOR_POLICY]
