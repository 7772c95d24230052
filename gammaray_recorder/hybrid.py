"""The function's `Handler` in configuration B: X-Ray's SDK times the calls, the recorder records.

Which calls it keeps is a setting: GAMMARAY_CALLS.
"""

from __future__ import annotations

from gammaray_recorder.bootstrap import recorded_handler
from gammaray_recorder.xray import patch_libraries

patch_libraries()
handler = recorded_handler()
