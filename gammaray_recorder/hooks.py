"""Installs the hooks once the function imports a library that makes calls, and not before."""

from __future__ import annotations

import sys

from gammaray_recorder import threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable, Dict, Optional

    from gammaray_recorder.recording import Recorder

    Patch = Callable[[ModuleType, Recorder], None]


def install(recorder: Recorder) -> None:
    """Hook the libraries that are imported already, and the others when they are."""
    threads.install(recorder)
    waiting: Dict[str, Patch] = {}
    for name, patch in (
        ("botocore.handlers", _hook_botocore),
        ("concurrent.futures.thread", threads.install_pools),
        ("http.client", _http("install_http_client")),
        ("urllib3.connectionpool", _http("install_urllib3")),
        ("httpx", _more_http("install_httpx")),
        ("aiohttp", _more_http("install_aiohttp")),
    ):
        module = sys.modules.get(name)
        if module is None:
            waiting[name] = patch
        else:
            _attempt(patch, module, recorder)
    sys.meta_path.insert(0, _PostImport(waiting, recorder))


def _hook_botocore(module: ModuleType, recorder: Recorder) -> None:
    from gammaray_recorder import aws_hooks  # not before: a function without boto3 needs none

    aws_hooks.install(module, recorder)


def _http(name: str) -> Patch:
    """Give what hooks an HTTP library, without importing the hooks before it is there."""

    def patch(module: ModuleType, recorder: Recorder) -> None:
        from gammaray_recorder import http_hooks

        getattr(http_hooks, name)(module, recorder)

    return patch


def _more_http(name: str) -> Patch:
    def patch(module: ModuleType, recorder: Recorder) -> None:
        from gammaray_recorder import http_more

        getattr(http_more, name)(module, recorder)

    return patch


class _PostImport:
    """A finder that finds nothing itself, and patches a few modules right after they ran."""

    def __init__(self, waiting: Dict[str, Patch], recorder: Recorder) -> None:
        self._waiting = waiting
        self._recorder = recorder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:
        """Let the other finders find the module; take note when it has been executed."""
        if name not in self._waiting:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find else None
            if spec is not None:
                self._follow(name, spec.loader)
                return spec
        return None

    def _follow(self, name: str, loader: Any) -> None:
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return  # a loader of the user's own, from before Python 3.4

        def exec_module(module: ModuleType) -> None:
            execute(module)
            # A zip's loader is shared by its modules, and a module may be found and not run.
            if module.__name__ == name and name in self._waiting:
                _attempt(self._waiting.pop(name), module, self._recorder)

        try:
            loader.exec_module = exec_module
        except AttributeError:
            del self._waiting[name]  # a loader of the user's own that cannot be followed


def _attempt(patch: Patch, module: ModuleType, recorder: Recorder) -> None:
    """Patch a library; one that is too old or too new goes unrecorded, and works on."""
    try:
        patch(module, recorder)
    except Exception as error:
        sys.stderr.write(
            "gammaray: calls of %s are not recorded: %s\n" % (module.__name__, type(error).__name__)
        )
