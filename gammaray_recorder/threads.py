"""Follows an invocation into the threads that it starts, and the pools that it gives work to.

Threads have no context of their own. What a thread does belongs to the invocation that started
it; what a pool's thread does, to the one that submitted the work, however old the thread is.
Nothing that users see is changed: neither arguments, nor contexts, nor the frames of a traceback.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Optional

    from gammaray_recorder.invocation import Invocation
    from gammaray_recorder.recording import Recorder

_STARTER = "_gammaray_invocation"


class _Working(threading.local):
    """Whether a pool's thread works right now, and for which invocation."""

    busy = False
    invocation: Optional[Invocation] = None


_working = _Working()


def install(recorder: Recorder) -> None:
    """Follow threads."""
    original = threading.Thread.start

    def start(self: Any) -> None:
        invocation = recorder.current()
        if invocation is not None:
            self.__dict__[_STARTER] = invocation
        original(self)

    start.__doc__, start.__qualname__ = original.__doc__, original.__qualname__
    threading.Thread.start = start  # type: ignore[method-assign]
    recorder.started_by = _started_by


def install_pools(thread_module: ModuleType, recorder: Recorder) -> None:
    """Follow the work of concurrent.futures' pools, which botocore's transfers use as well."""
    item_class: Any = thread_module._WorkItem
    original_init, original_run = item_class.__init__, item_class.run

    def __init__(self: Any, *args: Any, **kw: Any) -> None:
        original_init(self, *args, **kw)
        self.__dict__[_STARTER] = recorder.current()

    def run(self: Any, *args: Any, **kw: Any) -> None:
        _working.busy, _working.invocation = True, self.__dict__.get(_STARTER)
        try:
            original_run(self, *args, **kw)
        finally:
            _working.busy, _working.invocation = False, None

    item_class.__init__, item_class.run = __init__, run


def _started_by() -> Optional[Invocation]:
    if _working.busy:
        return _working.invocation  # not that which once made the pool start this thread
    found: Optional[Invocation] = threading.current_thread().__dict__.get(_STARTER)
    return found
