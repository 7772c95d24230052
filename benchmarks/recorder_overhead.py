"""What the recorder alone adds to a warm handler: measured beside the same handler without it.

    python -m benchmarks.recorder_overhead [rounds]

Clean and recorded runs alternate, and the median of their differences is told, so that what
else the machine does falls on both. The server answers at once: added wall time is the
recorder's own work and one exchange with its table, without a network between. Cold starts are
told with Python's garbage collector and without: what the recorder allocates can bring a run of
it forward that the clean function has a moment later.
`gammaray-tui overhead` measures whole functions, cold starts and memory, in all configurations.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.handlers

import gammaray_recorder
from gammaray_recorder import aws_hooks, bootstrap
from gammaray_recorder.recording import Recorder
from gammaray_recorder.settings import Settings
from gammaray_recorder.table import Table
from gammaray_recorder.writer import Writer
from tests.unit.recorder.support import REGION, Context

Handler = Callable[[Any, Any], Any]

PUTS = 100
ITEM = {"id": {"S": "o-1"}, "count": {"N": "17"}, "text": {"S": "hello"}}

COLD_STARTS = 20
# Run by a fresh interpreter: what it is to import, then whether to record and to collect garbage.
COLD_START = """
import datetime, decimal, gc, json, logging, sys, time
sys.path.insert(0, sys.argv[1])
if "collect" not in sys.argv:
    gc.disable()
cpu_s = time.process_time()
if "record" in sys.argv:
    from gammaray_recorder.bootstrap import start_recorder
    start_recorder()
if "boto3" in sys.argv:
    import boto3
    boto3.client("dynamodb")
print(time.process_time() - cpu_s)
"""


@contextmanager
def quick_server() -> Iterator[str]:
    """Run the server that answers at once; give its URL."""
    command = [sys.executable, "-m", "benchmarks.quick_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def recorder_at(url: str) -> Recorder:
    """Make a recorder that writes to the server."""
    settings = Settings({"AWS_REGION": REGION, "AWS_ENDPOINT_URL": url})
    writer = Writer(settings, Table(settings))
    writer.start()
    return Recorder(settings, writer)


def dynamodb(url: str, recorder: Recorder | None) -> Any:
    """Make a client, with hooks or without, and leave botocore as it was."""
    before = list(botocore.handlers.BUILTIN_HANDLERS)
    if recorder is not None:
        aws_hooks.install(botocore.handlers, recorder)
    session = boto3.session.Session("a", "b", region_name=REGION)
    client = session.client("dynamodb", endpoint_url=url)
    botocore.handlers.BUILTIN_HANDLERS[:] = before
    return client


def empty(event: Any, context: Any) -> None:
    """Do nothing."""


def hundred_puts(client: Any) -> Handler:
    """Make a handler that writes a hundred items."""

    def handler(event: Any, context: Any) -> None:
        for _ in range(PUTS):
            client.put_item(TableName="orders", Item=ITEM)

    return handler


def timed(handler: Handler) -> tuple[float, float]:
    """Run a handler; give wall and CPU time in ms."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    handler({}, Context())
    return (time.perf_counter() - wall_s) * 1000, (time.process_time() - cpu_s) * 1000


def measure_warm(what: str, clean: Handler, recorded: Handler, rounds: int) -> None:
    """Alternate between two handlers and print the median of what the second took more."""
    pairs = [(timed(clean), timed(recorded)) for _ in range(rounds + 2)][2:]
    for index, unit in enumerate(("wall", "CPU")):
        before = statistics.median(first[index] for first, _ in pairs)
        added = statistics.median(second[index] - first[index] for first, second in pairs)
        show(f"{what}, warm, {unit}", before, added)


def measure_cold(url: str) -> None:
    """Start a function in fresh processes, with the recorder and without, by turns."""
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(gammaray_recorder.__file__).parent
        # As in a layer: its code is compiled at each start.
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(sources, Path(folder, sources.name), ignore=ignored)
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_LAMBDA_FUNCTION_NAME": "cold",
        }

        def started(*words: str) -> float:
            command = [sys.executable, "-I", "-B", "-c", COLD_START, folder, *words]
            return float(subprocess.check_output(command, env=environment)) * 1000

        for what, words in (
            ("without boto3", ("collect",)),
            ("with boto3", ("boto3", "collect")),
            ("with boto3, no garbage collection", ("boto3",)),
        ):
            pairs = [(started(*words), started(*words, "record")) for _ in range(COLD_STARTS)]
            before = statistics.median(clean for clean, _ in pairs)
            show(f"cold, {what}, CPU", before, statistics.median(b - a for a, b in pairs))


def show(what: str, before_ms: float, added_ms: float) -> None:
    """Print a figure."""
    print(f"{what:<44} clean {before_ms:8.2f} ms   added {added_ms:7.2f} ms")  # noqa: T201


def main(rounds: int) -> None:
    """Measure everything."""
    with quick_server() as url:
        os.environ.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
        recorder = recorder_at(url)
        hooked = bootstrap.recorded(hundred_puts(dynamodb(url, recorder)), recorder)
        clean = dynamodb(url, None)  # after, because hooks are given to existing clients, too
        measure_warm("empty handler", empty, bootstrap.recorded(empty, recorder), rounds * 10)
        measure_warm(f"{PUTS} puts", hundred_puts(clean), hooked, rounds)
        measure_cold(url)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
