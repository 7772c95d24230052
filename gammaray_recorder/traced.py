"""The function's `Handler` in configuration F: X-Ray's SDK times the calls, nothing is recorded."""

from __future__ import annotations

import os

from gammaray_recorder.bootstrap import load
from gammaray_recorder.xray import patch_libraries

patch_libraries()
handler = load(os.environ.get("GAMMARAY_HANDLER", ""))
