"""Stands between the Lambda runtime and the user's handler.

The file's name is not by chance: the runtime drops the leading frames of files called
bootstrap.py from the stack traces that it logs and returns, so that errors look as without us.
"""

from __future__ import annotations

import os
import sys
from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from gammaray_recorder.recording import Recorder

    Handler = Callable[[Any, Any], Any]

_USER_HANDLER = "GAMMARAY_HANDLER"


def recorded_handler() -> Handler:
    """Import the user's handler and give it recorded; what its import raises passes through."""
    recorder = start_recorder()
    function = load(os.environ.get(_USER_HANDLER, ""))
    if recorder is None:
        return function
    recorder.ready()
    return recorded(function, recorder)


def start_recorder() -> Optional[Recorder]:
    """Start recording in this process, or say why not and give None."""
    try:
        from gammaray_recorder import hooks
        from gammaray_recorder.recording import Recorder
        from gammaray_recorder.settings import Settings
        from gammaray_recorder.table import Table
        from gammaray_recorder.writer import Writer

        settings = Settings(os.environ)
        writer = Writer(settings, Table(settings))
        writer.start()
        os.register_at_fork(after_in_child=writer.restart_in_child)
        recorder = Recorder(settings, writer)
        hooks.install(recorder)
        return recorder
    except Exception as error:
        sys.stderr.write("gammaray: nothing is recorded: %s\n" % type(error).__name__)
        return None


def load(name: str) -> Handler:
    """Import a handler by its name, "module.function" or "folder/module.function".

    Where the Lambda runtime's own loader is at hand it is used, so that a missing module or a
    syntax error is reported in exactly its words.
    """
    if not name:
        raise RuntimeError("%s does not name the function's own handler" % _USER_HANDLER)
    runtime = sys.modules.get("awslambdaric.bootstrap")
    runtime_load: Optional[Callable[[str], Handler]] = getattr(runtime, "_get_handler", None)
    if runtime_load is not None:
        return runtime_load(name)
    from importlib import import_module

    module, _, function = name.rpartition(".")
    handler: Handler = getattr(import_module(module.replace("/", ".")), function)
    return handler


def recorded(function: Handler, recorder: Recorder) -> Handler:
    """Wrap a handler: the same arguments in, the same value or exception out."""

    @wraps(function)
    def handler(event: Any, context: Any) -> Any:
        begun = recorder.begin(event, context)
        try:
            result = function(event, context)
        except BaseException as error:
            recorder.end(begun, error)
            raise
        recorder.end(begun)
        return result

    return handler
