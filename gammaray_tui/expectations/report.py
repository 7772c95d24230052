"""What became of expectations: for people as text, for CI as JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree

from gammaray_tui.commands.output import escaped
from gammaray_tui.expectations.judge import Verdict

# What XML 1.0 has no way to write, beside the control characters that are spelled out anyway.
_NOT_XML: Final = re.compile("[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(verdicts: Sequence[Verdict], elapsed_s: float) -> list[str]:
    """Give the report as lines: what held, what did not, and what was seen instead."""
    lines = []
    for verdict in verdicts:
        sign = "✓" if verdict.met else "✗"
        lines.append(f"{sign} {verdict.expectation.text}: {verdict.summary}")
        if not verdict.met:
            lines += [f"    {detail}" for detail in verdict.details]
    failed = sum(not verdict.met for verdict in verdicts)
    outcome = f"{failed} of {len(verdicts)} failed" if failed else f"all {len(verdicts)} met"
    lines.append(f"{outcome}, after {elapsed_s:.1f} s")
    return [escaped(line) for line in lines]


def as_junit(verdicts: Sequence[Verdict], elapsed_s: float) -> bytes:
    """Give the report as JUnit's XML, one test case an expectation."""
    failed = str(sum(not verdict.met for verdict in verdicts))
    counts = {
        "tests": str(len(verdicts)),
        "failures": failed,
        "errors": "0",
        "time": f"{elapsed_s:.3f}",
    }
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(
        suites, "testsuite", {"name": "gammaray-tui", "skipped": "0", **counts}
    )
    for verdict in verdicts:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {
                "name": _xml(verdict.expectation.text),
                "classname": "gammaray-tui.expectations",
                "time": f"{elapsed_s:.3f}",
            },
        )
        if not verdict.met:
            failure = ElementTree.SubElement(
                case, "failure", {"message": _xml(verdict.summary), "type": "expectation"}
            )
            failure.text = "\n".join(map(_xml, (verdict.summary, *verdict.details)))
        else:
            ElementTree.SubElement(case, "system-out").text = _xml(verdict.summary)
    ElementTree.indent(suites)
    document: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _xml(text: str) -> str:
    """Spell out what XML cannot hold."""
    return _NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped(text))
