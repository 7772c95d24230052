from __future__ import annotations

from pathlib import Path

import pytest

from providers.errors import UserError
from providers.manifest import find_application, find_applications, load

MINIMAL = """
title = "Minimal"
functions = [{ name = "One", region = "us-west-2", handler = "one.handler", files = ["one.py"] }]
fire = { function = "One" }
"""
TRIGGER = '{ kind = "sqs", queue = "Q", function = "One" }'
QUEUE = '{ name = "Q", region = "us-west-2" }'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.py").touch()
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "app.toml"
    path.write_text(text)
    return path


def test_the_demo_is_found_and_described() -> None:
    application = find_application("imageproc").described()

    assert application.functions == (
        ("ImageProcPy", "us-west-2"),
        ("DBSyncPy", "us-west-2"),
        ("UpdateWebsite", "us-east-1"),
    )
    assert application.triggers == (
        "DynamoDB stream image-proc-B → DBSyncPy",
        "DynamoDB stream eastSyncTable-B → UpdateWebsite",
    )
    assert application.fires == "invoke ImageProcPy with imgProc/d1.jpg"
    assert application.deployed is None


def test_every_packaged_application_loads() -> None:
    applications = find_applications()

    assert [application.name for application in applications] == sorted(
        application.folder.name for application in applications
    )
    assert "imageproc" in {application.name for application in applications}


def test_the_picture_of_the_demo_is_a_jpeg() -> None:
    picture = (find_application("imageproc").folder / "d1.jpg").read_bytes()

    assert picture.startswith(b"\xff\xd8\xff\xe0")
    assert picture.endswith(b"\xff\xd9")


def test_an_application_is_found_by_the_path_of_its_manifest_or_folder(folder: Path) -> None:
    path = write(folder, MINIMAL)

    assert find_application(str(path)) == find_application(str(folder)) == load(path)
    assert load(path).name == folder.name


def test_defaults_are_sensible(folder: Path) -> None:
    (function,) = load(write(folder, MINIMAL)).manifest.functions

    assert (function.memory_mb, function.timeout_s, function.tracing) == (256, 30, None)


def test_an_unknown_application_is_told_with_what_there_is() -> None:
    with pytest.raises(UserError) as raised:
        find_application("imagproc")

    assert raised.value.kind == "unknown-application"
    assert "Did you mean imageproc?" in raised.value.todo


@pytest.mark.parametrize(
    ("text", "what", "todo"),
    [
        (MINIMAL.replace("handler =", "handlr ="), "unknown field `handlr`", "mean handler?"),
        (MINIMAL + "tabels = []", "unknown field `tabels`", "mean tables?"),
        (MINIMAL.replace("us-west-2", "us-west"), "there is no region 'us-west'", ""),
        (MINIMAL.replace('"One" }', '"Oen" }'), "there is no function Oen. Did you mean One?", ""),
        (MINIMAL.replace('"one.py"', '"two.py"'), "there is no file two.py", ""),
        (MINIMAL.replace("title", "title ="), "Invalid value", ""),
        (MINIMAL.replace('title = "Minimal"', ""), "missing required field `title`", ""),
        (
            MINIMAL + 'buckets = [{ name = "pictures", region = "us-west-2" }]',
            "'pictures': names of buckets begin with gammaray-",
            "",
        ),
        (
            MINIMAL
            + 'tables = [{ name = "T", region = "us-east-1", hash_key = "id" }]\n'
            + 'triggers = [{ kind = "dynamodb", table = "T", function = "One" }]',
            "must be in the same region",
            "",
        ),
        (
            MINIMAL + 'triggers = [{ kind = "dynamodb", table = "T", function = "One" }]',
            "triggers: there is no table T",
            "",
        ),
        (
            MINIMAL + 'triggers = [{ kind = "pigeon", function = "One" }]',
            "pigeon",
            "",
        ),
        (
            MINIMAL + f"queues = [{QUEUE}]\ntriggers = [{TRIGGER}, {TRIGGER}]",
            "two triggers connect the same source and function",
            "",
        ),
        (
            MINIMAL + f"queues = [{QUEUE}, {QUEUE}]",
            "two queues have the same name",
            "",
        ),
        (
            MINIMAL + 'triggers = [{ kind = "schedule", rule = "r", function = "One", '
            'expression = "hourly" }]',
            "'hourly' is neither rate(...) nor cron(...)",
            "",
        ),
        (
            MINIMAL + 'triggers = [{ kind = "api", api = "a", function = "One", route = "/x" }]',
            "'/x' is no route",
            "",
        ),
        (
            MINIMAL + 'triggers = [{ kind = "events", rule = "r", pattern = {} }]',
            "rule r: give either a function or a queue",
            "",
        ),
        (
            MINIMAL + 'triggers = [{ kind = "kinesis", stream = "S", function = "One" }]',
            "triggers: there is no stream S",
            "",
        ),
        (
            MINIMAL + f'queues = [{QUEUE[:-2]}, dead_letters = "X" }}]',
            "queue Q: there is no queue X",
            "",
        ),
        (
            MINIMAL.replace('{ function = "One" }', '{ api = "a", route = "GET /" }'),
            "fire: no trigger makes an api a",
            "",
        ),
        (
            MINIMAL.replace('{ function = "One" }', '{ api = "a" }'),
            "give either a function, or an api and a route",
            "",
        ),
        (
            MINIMAL + 'state_machines = [{ name = "M", region = "us-west-2", definition = "m" }]',
            "there is no file m",
            "",
        ),
    ],
)
def test_mistakes_are_named(folder: Path, text: str, what: str, todo: str) -> None:
    path = write(folder, text)

    with pytest.raises(UserError) as raised:
        load(path)

    assert raised.value.kind == "bad-manifest"
    assert raised.value.on == str(path)
    assert what in raised.value.what
    assert todo in raised.value.todo


def test_a_missing_manifest_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        load(tmp_path)

    assert raised.value.kind == "bad-manifest"


@pytest.mark.parametrize("name", ["x" * 5000, "x" * 300 + ".toml", "a/" * 4000, "x\0y"])
def test_what_no_path_can_be_is_an_error_for_people(name: str) -> None:
    with pytest.raises(UserError) as raised:
        find_application(name)

    assert raised.value.kind in ("unknown-application", "bad-manifest")
