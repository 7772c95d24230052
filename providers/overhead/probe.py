"""Measures the invocations of a function, from around all that observes it.

It is put into the function's zip and named as its handler; the handler that a configuration
would set is imported by it. So an import, a wrapper and whatever runs in the background are all
measured, by the function's own clocks, and the answer carries the figures.
"""

from __future__ import annotations

import os
import time
from importlib import import_module

_wall_s, _cpu_s = time.perf_counter(), time.process_time()
_module, _, _function = os.environ["GAMMARAY_PROBED"].rpartition(".")
_handler = getattr(import_module(_module.replace("/", ".")), _function)
_init_wall_s, _init_cpu_s = time.perf_counter() - _wall_s, time.process_time() - _cpu_s

_cold = True
# Of all threads; since the last answer, lest work that is put off until after it goes unseen.
_cpu_told_s = time.process_time()


def handler(event: object, context: object) -> dict[str, object]:
    """Run the observed handler once, and answer with what it took."""
    global _cold, _cpu_told_s
    cold, _cold = _cold, False
    started_s = time.perf_counter()
    _handler(event, context)
    wall_s = time.perf_counter() - started_s
    cpu_s = time.process_time()
    cpu_before_s, _cpu_told_s = _cpu_told_s, cpu_s
    return {
        "cold": cold,
        "request_id": getattr(context, "aws_request_id", ""),
        "wall_s": wall_s,
        "cpu_s": cpu_s - cpu_before_s,
        "init_wall_s": _init_wall_s,
        "init_cpu_s": _init_cpu_s,
        "peak_kb": _peak_kb(),
    }


def _peak_kb() -> int:
    """Give the most memory that this process ever had resident; 0 where the system hides it."""
    try:
        # Not ru_maxrss: that counts what was resident before this program was started, too.
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0
