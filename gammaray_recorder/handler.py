"""What the function's `Handler` is set to: gammaray_recorder.handler.handler."""

from __future__ import annotations

from gammaray_recorder.bootstrap import recorded_handler

handler = recorded_handler()
