"""A function's process in the local runtime: imports a handler, and answers line by line.

Started as a script of its own, with the function's environment. What is imported here is what
Lambda's own Python runtime has imported before it imports a handler, and nothing else: so a
handler without boto3 starts without it.
"""

from __future__ import annotations

import datetime  # noqa: F401
import decimal  # noqa: F401
import importlib
import json
import logging  # noqa: F401
import os
import sys
import time
import traceback

TYPE_CHECKING = False  # importing typing would cost the function's start
if TYPE_CHECKING:
    from typing import Any


class Context:
    """What Lambda passes to a handler beside the event."""

    memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    function_version = "$LATEST"

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id: str = request["request_id"]
        self.invoked_function_arn: str = request["arn"]
        self._deadline_s: float = time.time() + request["timeout_s"]

    def get_remaining_time_in_millis(self) -> int:
        """Tell how much time is left."""
        return max(0, int((self._deadline_s - time.time()) * 1000))


def main(paths: list[str]) -> None:
    """Answer requests until there are no more."""
    # The answers have a way of their own: a handler may print.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    sys.path[:0] = paths
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    handler = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["trace"]:
            os.environ["_X_AMZN_TRACE_ID"] = request["trace"]
        try:
            if handler is None:
                handler = getattr(importlib.import_module(module), name)
            answer = {"answer": handler(request["event"], Context(request))}
        except Exception:
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
