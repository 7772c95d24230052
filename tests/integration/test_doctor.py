from __future__ import annotations

import pytest

from providers.aws_operations import AwsOperations
from providers.operations import Check
from providers.session import AwsSession

pytestmark = [pytest.mark.local_aws, pytest.mark.xdist_group("local_aws")]


async def examined(session: AwsSession) -> dict[str, Check]:
    return {check.id: check for check in await AwsOperations(session).examine(lambda _: None)}


async def test_an_empty_account_is_told_what_to_do_first(aws_session: AwsSession) -> None:
    checks = await examined(aws_session)

    assert checks["identity"].state == "ok"
    assert checks["clock"].state == "ok"
    for region in aws_session.regions:
        assert checks[f"{region}/table"].state == "failed"
        assert "gammaray-tui setup" in checks[f"{region}/table"].todo
        assert "instrument" in checks[f"{region}/functions"].todo


async def test_what_is_deployed_is_in_order(aws_session: AwsSession) -> None:
    operations = AwsOperations(aws_session)
    await operations.deploy("imageproc", lambda _: None)

    checks = await examined(aws_session)

    west = {id.removeprefix("us-west-2/"): check for id, check in checks.items()}
    for id in ("table", "stream", "expiry", "layer", "function/ImageProcPy", "logs"):
        assert west[id].state == "ok", west[id]
    assert "1 trigger enabled" in west["function/DBSyncPy"].detail


async def test_what_is_wrong_with_table_and_functions_is_named(aws_session: AwsSession) -> None:
    await AwsOperations(aws_session).deploy("imageproc", lambda _: None)
    async with (
        aws_session.client("dynamodb", "us-west-2") as dynamodb,
        aws_session.client("lambda", "us-west-2") as functions,
    ):
        await dynamodb.update_table(
            TableName="gammaRays", StreamSpecification={"StreamEnabled": False}
        )
        await functions.update_function_configuration(
            FunctionName="ImageProcPy",
            Layers=[],
            TracingConfig={"Mode": "PassThrough"},
        )
        (mapping,) = (await functions.list_event_source_mappings())["EventSourceMappings"]
        await functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    checks = await examined(aws_session)

    assert checks["us-west-2/stream"].state == "failed"
    wrong = checks["us-west-2/function/ImageProcPy"]
    assert wrong.state == "failed"
    assert "nothing is recorded" in wrong.detail
    assert "not traced by X-Ray" in wrong.detail
    assert checks["us-west-2/function/DBSyncPy"].state == "warning"
    assert "image-proc-B is disabled" in checks["us-west-2/function/DBSyncPy"].detail
    assert checks["us-east-1/table"].state == "ok"
