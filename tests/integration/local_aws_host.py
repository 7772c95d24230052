"""A program that starts the local AWS and ends in the way its argument says.

It has a function running that never ends and has started a process in a session of its own,
which is the hardest thing to clean up after. It prints what it started as one line of JSON.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
import zipfile
from pathlib import Path

from aiobotocore.session import get_session

from providers.local_aws import LocalAws

HANDLER = """
import os, subprocess, time

def handler(event, context):
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    path = os.path.join(os.environ["TMPDIR"], "started")
    with open(path + ".part", "w") as file:
        file.write(f"{os.getpid()} {process.pid}")
    os.rename(path + ".part", path)
    time.sleep(600)
"""


async def main(ending: str) -> None:
    async with LocalAws() as local_aws:
        pids = await start_function(local_aws)
        print(  # noqa: T201
            json.dumps(
                {
                    "folder": str(local_aws.folder),
                    "groups": list(local_aws.groups.values()),
                    "pids": pids,
                    "urls": [local_aws.endpoint_url, *local_aws.endpoints.values()],
                }
            ),
            flush=True,
        )
        if ending == "return":
            return
        if ending == "exception":
            raise RuntimeError("as asked")
        if ending == "exit":
            sys.exit(3)
        await asyncio.Event().wait()


async def start_function(local_aws: LocalAws) -> list[int]:
    """Invoke a function that never ends; give the ids of its process and of its child."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("endless.py", HANDLER)
    async with get_session().create_client(
        "lambda",
        region_name="us-west-2",
        endpoint_url=local_aws.endpoint_url,
        aws_access_key_id=local_aws.account_id,
        aws_secret_access_key="local",
    ) as client:
        await client.create_function(
            FunctionName="endless",
            Runtime="python3.12",
            Role=f"arn:aws:iam::{local_aws.account_id}:role/none",
            Handler="endless.handler",
            Timeout=900,
            Code={"ZipFile": archive.getvalue()},
        )
        await client.invoke(FunctionName="endless", InvocationType="Event", Payload=b"{}")
    return await asyncio.to_thread(written_pids, local_aws.folder / "tmp" / "started")


def written_pids(path: Path) -> list[int]:
    """Wait for the file that the function writes, and read it."""
    deadline_s = time.monotonic() + 60
    while not path.exists():
        if time.monotonic() > deadline_s:
            raise TimeoutError("the function did not start")
        time.sleep(0.02)
    return [int(pid) for pid in path.read_text().split()]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
