"""The configurations: what each deploys, under which names, and that the original's files load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from providers.attachment import attachment_of
from providers.bundles import package_files, zipped
from providers.configurations import CONFIGURATIONS
from providers.errors import UserError
from providers.manifest import LoadedApplication, find_application, load
from providers.tags import our_tags

DATA = Path(__file__).parents[2] / "data" / "original"
MANIFEST = """
title = "Every kind of name"
[[functions]]
name = "One"
region = "us-west-2"
handler = "one.handler"
files = ["one.py"]
environment = { TABLE = "{table:orders-B}", NEXT = "{function:One}", BOTH = "{topic:t}/{queue:q}" }
permissions = [{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::{bucket:gammaray-x-{account}}/*"] }]
[[tables]]
name = "orders-B"
region = "us-west-2"
hash_key = "id"
[[buckets]]
name = "gammaray-x-{account}"
region = "us-west-2"
[[topics]]
name = "t"
region = "us-west-2"
[[queues]]
name = "q"
region = "us-west-2"
[[triggers]]
kind = "dynamodb"
table = "orders-B"
function = "One"
[fire]
function = "One"
payload = { table = "{table:orders-B}", nested = [{ run = "{run}" }] }
"""  # noqa: E501


@pytest.fixture
def application(tmp_path: Path) -> LoadedApplication:
    (tmp_path / "one.py").write_text("def handler(event, context):\n    return event\n")
    (tmp_path / "app.toml").write_text(MANIFEST)
    return load(tmp_path)


@pytest.mark.parametrize("letter", CONFIGURATIONS)
def test_every_configuration_has_names_of_its_own(
    application: LoadedApplication, letter: str
) -> None:
    manifest = application.in_configuration(letter).manifest
    # The name as it stands belongs to the application without a configuration.
    table = "orders-B-B" if letter == "B" else f"orders-{letter}"

    (function,) = manifest.functions
    assert function.name == f"One{letter}"
    assert [table.name for table in manifest.tables] == [table]
    assert [bucket.name for bucket in manifest.buckets] == [
        f"gammaray-x-{{account}}-{letter.lower()}"
    ]
    assert function.environment == {
        "TABLE": table,
        "NEXT": f"One{letter}",
        "BOTH": f"t-{letter}/q-{letter}",
    }
    assert function.permissions[0].resources == (
        f"arn:aws:s3:::gammaray-x-{{account}}-{letter.lower()}/*",
    )
    (trigger,) = manifest.triggers
    assert trigger.source == f"DynamoDB stream {table}"
    assert trigger.function == manifest.fire.function == f"One{letter}"
    assert manifest.fire.payload == {"table": table, "nested": [{"run": "{run}"}]}


def test_a_name_that_two_configurations_would_share_is_refused(
    application: LoadedApplication,
) -> None:
    path = application.folder / "app.toml"
    more = '[[tables]]\nname = "orders"\nregion = "us-west-2"\nhash_key = "id"\n'
    path.write_text(MANIFEST.replace("[[buckets]]", f"{more}[[buckets]]"))

    with pytest.raises(UserError) as raised:
        load(path).in_configuration("C")
    assert "orders-B in configuration C" in raised.value.what
    assert "orders in configuration C would both be orders-C" in raised.value.what
    with pytest.raises(UserError, match="orders in configuration B"):
        load(path).in_configuration("B")
    assert load(path).in_configuration("").id == application.id


def test_without_a_configuration_names_stay_and_texts_are_filled(
    application: LoadedApplication,
) -> None:
    assert application.id == application.name
    assert application.manifest.functions[0].name == "One"
    assert application.manifest.functions[0].environment["TABLE"] == "orders-B"
    assert application.configuration.recorder == "layer"


def test_an_application_is_found_in_a_configuration_by_its_id(
    application: LoadedApplication,
) -> None:
    found = find_application("imageproc:b")

    assert found.id == "imageproc:B"
    assert found.described().name == "imageproc:B"
    assert [name for name, _ in found.described().functions] == [
        "ImageProcPyB",
        "DBSyncPyB",
        "UpdateWebsiteB",
    ]
    path = str(application.folder / "app.toml")
    assert find_application(f"{path}:S").in_configuration("") == application


def test_a_manifest_can_name_its_configuration(application: LoadedApplication) -> None:
    path = application.folder / "app.toml"
    path.write_text('configuration = "S"\n' + MANIFEST)

    assert load(path).id.endswith(":S")
    assert load(path).manifest.functions[0].name == "OneS"
    path.write_text('configuration = "X"\n' + MANIFEST)
    with pytest.raises(UserError, match="cannot be used"):
        load(path)


def test_a_text_that_names_no_part_is_an_error(application: LoadedApplication) -> None:
    path = application.folder / "app.toml"
    path.write_text(MANIFEST.replace("{topic:t}", "{topic:news}"))

    with pytest.raises(UserError) as raised:
        load(path)

    assert "there is no topic news" in raised.value.what


HANDLERS = {
    "C": "one.handler",
    "T": "one.handler",
    "F": "gammaray_recorder.traced.handler",
    "S": "gammaray_recorder.handler.handler",
    "D": "gammaray_recorder.handler.handler",
    "B": "gammaray_recorder.hybrid.handler",
}


@pytest.mark.parametrize("letter", CONFIGURATIONS)
def test_what_each_configuration_attaches(application: LoadedApplication, letter: str) -> None:
    variant = application.in_configuration(letter)
    (function,) = variant.manifest.functions

    attached = attachment_of(variant, function, "gammaRays")

    assert attached.handler == HANDLERS[letter]
    assert attached.files["one.py"] == (application.folder / "one.py").read_bytes()
    packages = {name.partition("/")[0] for name in attached.files} - {"one.py"}
    xray = {"aws_xray_sdk", "wrapt"}
    assert (
        packages
        == {
            "C": set(),
            "T": set(),
            "F": {"gammaray_recorder", *xray},
            "S": {"gammaray_recorder"},
            "D": set(),
            "B": xray,
        }[letter]
    )
    assert ("gammaray_recorder/writer.py" in attached.files) == (letter == "S")
    assert variant.traces(function) == (letter in "TFB")
    assert ("GAMMARAY_CALLS" in attached.environment) == (letter == "B")
    assert bool(attached.environment) == (letter not in "CT")
    assert our_tags(variant.name, letter)["gammaray:config"] == letter


def test_a_configuration_that_is_asked_for_decides_on_tracing(
    application: LoadedApplication,
) -> None:
    path = application.folder / "app.toml"
    path.write_text(MANIFEST.replace('files = ["one.py"]', 'files = ["one.py"]\ntracing = false'))

    plain = load(path)

    assert not plain.traces(plain.manifest.functions[0])
    assert plain.in_configuration("T").traces(plain.manifest.functions[0])


def test_the_zip_of_the_sdk_is_the_same_each_time_and_has_no_compiled_code() -> None:
    first, second = (zipped(CONFIGURATIONS["B"].files()) for _ in range(2))

    assert first == second
    names = CONFIGURATIONS["B"].files()
    assert "aws_xray_sdk/ext/botocore/patch.py" in names
    assert any(name.endswith(".json") for name in names), "what the SDK reads at import"
    assert {Path(name).suffix for name in names} == {".py", ".json"}


@pytest.mark.parametrize("letter", ["F", "B", "S"])
def test_what_is_bundled_works_in_a_bare_interpreter(
    application: LoadedApplication, letter: str, tmp_path: Path
) -> None:
    """Only the zip, the layer, and what the Lambda runtime has are on the path."""
    variant = application.in_configuration(letter)
    attached = attachment_of(variant, variant.manifest.functions[0], "gammaRays")
    root = tmp_path / "task"
    layer = package_files("gammaray_recorder") if letter == "B" else {}
    for name, content in {**attached.files, **layer}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    module, _, function = attached.handler.rpartition(".")
    program = (
        f"import importlib, sys\nsys.path.insert(0, {str(root)!r})\n"
        f"handler = importlib.import_module({module!r}).{function}\n"
        "sdk = sys.modules.get('aws_xray_sdk')\n"
        "print(handler({'a': 1}, None), getattr(sdk, '__file__', ''), handler.__module__)"
    )
    environment = {
        **attached.environment,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-west-2",
        "HOME": str(tmp_path),
    }
    ran = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    answer, sdk, own_module = ran.stdout.rsplit(" ", 2)
    assert answer == "{'a': 1}"
    assert own_module.strip() == "one"
    assert (str(root) in sdk) == (letter != "S"), "the SDK is the one in the zip"


def test_the_originals_files_load_with_the_configuration_of_their_names() -> None:
    west, east = (load(DATA / name) for name in ("pictures.json", "picturesEast.json"))

    assert (west.id, east.id) == ("pictures:B", "picturesEast:B")
    assert [function.name for function in west.manifest.functions] == ["SyncPyB", "LabelPyB"]
    assert [function.memory_mb for function in west.manifest.functions] == [128, 256]
    assert east.regions == ("us-east-1",)
    assert west.in_configuration("D").manifest.functions[0].name == "SyncPyD"
    attached = attachment_of(west, west.manifest.functions[0], "gammaRays")
    assert attached.environment["GAMMARAY_HANDLER"] == "Sync.handler"
    assert "Sync.py" in attached.files, "its files stand at the zip's root"
    assert not any("fleece" in name for name in attached.files), "libraries that are not there"


def test_an_original_file_without_its_sources_says_which(tmp_path: Path) -> None:
    data = json.loads((DATA / "pictures.json").read_text())
    (tmp_path / "pictures.json").write_text(json.dumps(data))

    with pytest.raises(UserError) as raised:
        load(tmp_path / "pictures.json")

    assert "there is no file apps/Sync.py" in raised.value.what


@pytest.mark.parametrize(
    ("region", "names"),
    [("us-west-2", ("DBSyncPyB", "ImageProcPyB")), ("us-east-1", ("UpdateWebsiteB",))],
)
def test_functions_of_the_original_that_come_with_this_tool_need_no_sources(
    tmp_path: Path, region: str, names: tuple[str, ...]
) -> None:
    functions = [
        {"name": name, "handler": "x.handler", "files_and_dirs": [f"apps/{name}.py"]}
        for name in names
    ]
    file = tmp_path / "imageProc.json"
    file.write_text(json.dumps({"region": region, "functions": functions}))

    loaded = load(file)

    assert (loaded.id, loaded.stands_for) == ("imageproc:B", "imageProc.json")
    assert loaded.only_in == (region,)
    assert {name for name, _ in loaded.described().functions} == set(names)


@pytest.mark.parametrize("text", ["{", "[]", '{"region": "us-west-2", "functions": []}'])
def test_a_json_file_of_another_kind_is_an_error_for_people(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)

    with pytest.raises(UserError) as raised:
        load(tmp_path / "other.json")

    assert raised.value.kind == "bad-manifest"


def test_an_unknown_letter_is_an_error_that_lists_the_known_ones(
    application: LoadedApplication,
) -> None:
    with pytest.raises(UserError) as raised:
        application.in_configuration("X")

    assert "B (hybrid" in raised.value.todo
