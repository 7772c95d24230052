"""gammaray-tui: which AWS Lambda invocation caused which, live in a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

__version__ = "0.1.0"

# An installed wheel carries our packages with general names (widgets, themes, ...) in _root,
# because site-packages belongs to everyone; a checkout has them at its top and no _root.
_root = Path(__file__).with_name("_root")
if _root.is_dir() and str(_root) not in sys.path:
    sys.path.insert(0, str(_root))
