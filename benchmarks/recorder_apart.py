"""`gammaray-tui overhead` with the records going to a process of their own, which answers at once.

    python -m benchmarks.recorder_apart [runs]

The local AWS answers a function's calls and takes the recorder's items in one thread, so a call
can wait there for an item, which AWS would not let it do. Here it cannot; what is left is what
the recorder adds to the function. The DynamoDB benchmarks' own calls are answered at once, too.
"""

from __future__ import annotations

import sys
from unittest import mock

from benchmarks.recorder_overhead import quick_server
from gammaray_tui.cli import main
from providers.overhead.local_runtime import LocalRuntime

_environment = LocalRuntime._runtime_environment

if __name__ == "__main__":
    runs = sys.argv[1] if len(sys.argv) > 1 else "16"
    sys.argv[1:] = ["overhead", "--configs", "CD", "--runs", runs]
    with quick_server() as url:

        def apart(self: LocalRuntime, *given: object) -> dict[str, str]:
            return {**_environment(self, *given), "AWS_ENDPOINT_URL_DYNAMODB": url}  # type: ignore[arg-type]

        with mock.patch.object(LocalRuntime, "_runtime_environment", apart):
            main()
