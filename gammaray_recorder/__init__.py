"""What runs inside a recorded function: which event started it, and which calls it made.

Standard library only, Python 3.9 or later, and as little of both as a cold start can bear:
botocore is hooked when the function imports it, never imported here. docs/records.md tells
what is recorded, and what never is; docs/recorder.md, how to attach it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Target = TypeVar("Target")


def recorded(handler: Target) -> Target:
    """Record a handler's invocations: a decorator, for those who would rather change code.

        from gammaray_recorder import recorded

        @recorded
        def handler(event, context): ...

    It takes functions, coroutine functions, methods, objects that can be called, and classes
    of such objects. Where nothing looks like Lambda (unit tests), it gives back what it got.
    """
    from gammaray_recorder.bootstrap import decorated

    wrapped: Target = decorated(handler)
    return wrapped
