"""Check that an installed gammaray-tui opens its screen over recorded files; used by .ci/run.

python -m tests.check_installed_screen PATH-OF-GAMMARAY-TUI
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.terminal import Terminal
from tests.unit.cli.run import ORACLE, clean_environment


def main(arguments: Sequence[str]) -> None:
    """Open the screen in a terminal, wait for the last function of a chain, and leave."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        line = [arguments[0], "replay", str(ORACLE / "imageproc"), "--speed", "max"]
        with Terminal(line, clean_environment(folder), folder) as terminal:
            terminal.wait_for("UpdateWebsiteB")
            terminal.type("q")
            assert terminal.wait() == 0, terminal.text


if __name__ == "__main__":
    main(sys.argv[1:])
