"""The documents lead to files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)|(?:src|srcset)=\"([^\"]+)\"")


@pytest.mark.parametrize(
    "document", sorted([*_ROOT.glob("*.md"), *_ROOT.glob("docs/*.md")]), ids=lambda path: path.name
)
def test_links_lead_somewhere(document: Path) -> None:
    for match in _LINK.finditer(document.read_text("utf-8")):
        target = match.group(1) or match.group(2)
        if "://" not in target:
            assert (document.parent / target).exists(), target
