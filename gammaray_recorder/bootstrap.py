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
    from typing import Any, Callable, List, Optional

    from gammaray_recorder.recording import Recorder

    Handler = Callable[..., Any]

_USER_HANDLER = "GAMMARAY_HANDLER"
_OUR_HANDLER = "gammaray_recorder.handler.handler"
_IS_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing inspect

# Any of these says that there is a function to be recorded, or a place meant for its records.
_SIGNS = (
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "GAMMARAY_TABLE",
    "GAMMARAY_SINK",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
)

_started: List[Recorder] = []


def recorded_handler() -> Handler:
    """Import the user's handler and give it recorded; what its import raises passes through."""
    name = os.environ.get(_USER_HANDLER, "")
    if os.environ.get("_HANDLER") == _OUR_HANDLER:
        os.environ["_HANDLER"] = name  # where the user's code, and other tools, look for its name
    recorder = start_recorder()
    function = load(name)
    if recorder is None:
        return function
    recorder.ready()
    return recorded(function, recorder)


def decorated(target: Any) -> Any:
    """Give a handler recorded, whatever it is; a class is changed, so that its objects are."""
    if not any(os.environ.get(sign) for sign in _SIGNS):
        return target
    recorder = start_recorder()
    if recorder is None:
        return target
    recorder.ready()
    if isinstance(target, type):
        calls = [vars(base)["__call__"] for base in target.__mro__ if "__call__" in vars(base)]
        if calls:
            setattr(target, "__call__", recorded(calls[0], recorder))  # noqa: B010
        return target
    if hasattr(target, "__code__"):
        return recorded(target, recorder)
    return _Callable(target, recorder)


def start_recorder() -> Optional[Recorder]:
    """Start recording in this process, or say why not and give None."""
    if _started:
        return _started[0]
    try:
        from gammaray_recorder import hooks
        from gammaray_recorder.recording import Recorder
        from gammaray_recorder.settings import Settings
        from gammaray_recorder.writer import Writer

        settings = Settings(os.environ)
        if settings.to_log:
            from gammaray_recorder.log import Log

            writer = Writer(settings, Log())
        else:
            from gammaray_recorder.table import Table

            writer = Writer(settings, Table(settings))
        writer.start()
        os.register_at_fork(after_in_child=writer.restart_in_child)
        recorder = Recorder(settings, writer)
        hooks.install(recorder)
        _started.append(recorder)
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
    """Wrap a handler: the same arguments in, the same value or exception out.

    Of a method's arguments, event and context are the last two.
    """
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & _IS_COROUTINE:

        @wraps(function)
        async def async_handler(*args: Any, **kw: Any) -> Any:
            begun = recorder.begin(*_event_and_context(args, kw))
            try:
                result = await function(*args, **kw)
            except BaseException as error:
                await recorder.end_async(begun, error)
                raise
            await recorder.end_async(begun, None)
            return result

        return async_handler

    @wraps(function)
    def handler(*args: Any, **kw: Any) -> Any:
        begun = recorder.begin(*_event_and_context(args, kw))
        try:
            result = function(*args, **kw)
        except BaseException as error:
            recorder.end(begun, error)
            raise
        recorder.end(begun)
        return result

    return handler


def _event_and_context(args: Any, kw: Any) -> Any:
    if kw:
        args = (*args, *[kw[name] for name in ("event", "context") if name in kw])
    return args[-2:] if len(args) > 1 else (args[0] if args else None, None)


class _Callable:
    """An object that can be called, recorded; in all else it is the object itself."""

    def __init__(self, target: Any, recorder: Recorder) -> None:
        self.__dict__["__wrapped__"] = target
        self.__dict__["_recorded"] = recorded(target, recorder)

    def __call__(self, *args: Any, **kw: Any) -> Any:
        return self._recorded(*args, **kw)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["__wrapped__"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["__wrapped__"], name, value)
