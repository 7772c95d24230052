"""The engine and the recorder stand alone: neither screens nor AWS clients come with them."""

from __future__ import annotations

import subprocess
import sys


def test_engine_and_recorder_import_neither_screens_nor_aws_clients() -> None:
    program = (
        "import sys, gammaray_tui\n"  # an installed wheel finds the other packages by it
        "import causality, gammaray_recorder\n"
        "import pkgutil, importlib\n"
        "for module in pkgutil.walk_packages(causality.__path__, 'causality.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"causality", "gammaray_recorder"} <= loaded
    assert not loaded & {"textual", "aiobotocore", "botocore", "boto3", "widgets", "providers"}


def test_the_command_line_starts_without_what_archives_need() -> None:
    program = (
        "import sys\n"
        "for name in ('pyarrow', 'duckdb', 'ibis', 'pyspark', 'pandas', 'numpy'):\n"
        "    sys.modules[name] = None\n"  # as if it were not installed
        "import gammaray_tui.cli, gammaray_tui.app, gammaray_tui.archiving\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
