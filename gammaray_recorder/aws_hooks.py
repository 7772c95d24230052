"""Calls through botocore and aiobotocore: recorded by their own events, after the response."""

from __future__ import annotations

import gc
import sys
import time

from gammaray_recorder import calls, wire
from gammaray_recorder.settings import host_of, is_aws

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Dict, Optional, Tuple

    from gammaray_recorder.invocation import Event, Invocation
    from gammaray_recorder.recording import Recorder

    # The invocation, what is called, with which parameters, when (epoch s, performance ns).
    Started = Tuple[Invocation, Any, Any, float, int]

_CONTEXT_KEY = "gammaray"


def install(handlers: ModuleType, recorder: Recorder) -> None:
    """Add our handlers to those that botocore gives to every session, present and future."""
    hooks = CallHooks(recorder)
    registrations = (
        # Last, when boto3's resources have turned Python values into typed ones.
        ("before-parameter-build", hooks.before, handlers.REGISTER_LAST),
        # First, before boto3's resources turn the response's typed values into Python's.
        ("after-call.*.*", hooks.after, handlers.REGISTER_FIRST),
        ("after-call-error", hooks.failed, handlers.REGISTER_FIRST),
    )
    handlers.BUILTIN_HANDLERS.extend(registrations)
    if not hasattr(sys.modules.get("botocore.session"), "Session"):
        return  # not imported, or it is just importing what we are called for
    # Sessions and clients may exist already, and each holds a copy of the handlers.
    emitter_class = sys.modules["botocore.hooks"].HierarchicalEmitter
    kinds = (emitter_class, *emitter_class.__subclasses__())
    for emitter in gc.get_referrers(*kinds):
        if isinstance(emitter, kinds):
            for event, handler, place in registrations:
                last = place is handlers.REGISTER_LAST
                register = emitter.register_last if last else emitter.register_first
                register(event, handler)


class CallHooks:
    """The three handlers; what they know of a call travels in botocore's context of it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._every_call = recorder.settings.every_call
        self._aws_hosts: Dict[str, bool] = {}

    def before(self, params: Any, model: Any, context: Dict[str, Any], **_: Any) -> None:
        """Note what is called, with which parameters, and when."""
        invocation = self._recorder.current()
        if invocation is None:
            return
        if self._every_call or calls.can_trigger(model.service_model.service_name, model.name):
            started_ns = time.perf_counter_ns()
            context[_CONTEXT_KEY] = (invocation, model, params, time.time(), started_ns)

    def after(self, http_response: Any, parsed: Any, context: Dict[str, Any], **_: Any) -> None:
        """Record a call that was answered, be it with an error."""
        ended_ns = time.perf_counter_ns()
        started = context.pop(_CONTEXT_KEY, None)
        if started is None:
            return
        invocation = started[0]
        try:
            event = self._event(started, ended_ns, context, getattr(http_response, "url", None))
            if http_response.status_code >= 300:
                code = (parsed.get("Error") or {}).get("Code")
                event[wire.ERROR] = str(code or http_response.status_code)
            metadata = parsed.get("ResponseMetadata")
            if metadata and metadata.get("RetryAttempts"):
                event[wire.RETRIES] = metadata["RetryAttempts"]
            calls.describe(event, started[2], parsed, (invocation, event[wire.REGION]))
            self._recorder.record(invocation, event)
        except Exception:
            invocation.lost += 1
        invocation.own_ns += time.perf_counter_ns() - ended_ns

    def failed(self, exception: BaseException, context: Dict[str, Any], **_: Any) -> None:
        """Record a call that was not answered; it may have taken effect all the same."""
        ended_ns = time.perf_counter_ns()
        started = context.pop(_CONTEXT_KEY, None)
        if started is None:
            return
        invocation = started[0]
        try:
            url = getattr(exception, "kwargs", {}).get("endpoint_url")
            event = self._event(started, ended_ns, context, url)
            event[wire.ERROR] = type(exception).__name__
            retries = (context.get("retries") or {}).get("attempt", 1) - 1
            if retries:
                event[wire.RETRIES] = retries
            calls.describe(event, started[2], None, (invocation, event[wire.REGION]))
            self._recorder.record(invocation, event)
        except Exception:
            invocation.lost += 1
        invocation.own_ns += time.perf_counter_ns() - ended_ns

    def _event(
        self, started: Started, ended_ns: int, context: Dict[str, Any], url: Optional[str]
    ) -> Event:
        invocation, model, _, at_s, started_ns = started
        signing = context.get("signing")
        # The region that a call was signed for, which S3 may have changed on the way.
        region = signing.get("region") if signing else None
        if not isinstance(region, str) or "*" in region:
            region = context.get("client_region") or ""
        event: Event = {
            wire.KIND: wire.KIND_CALL,
            wire.CALL_ID: invocation.next_span(),
            wire.AT: int(at_s * 1e6) / 1e6,  # µs, as round() gives, at a third of its price
            wire.SERVICE: model.service_model.service_name,
            wire.OPERATION: model.name,
            wire.REGION: region,
            wire.DURATION_S: (ended_ns - started_ns) // 1000 / 1e6,
        }
        if url and not self._is_aws(url):
            event[wire.LOCAL] = 1
        return event

    def _is_aws(self, url: str) -> bool:
        authority = url.split("/", 3)[2]
        known = self._aws_hosts.get(authority)
        if known is None:
            known = self._aws_hosts[authority] = is_aws(host_of(url))
        return known
