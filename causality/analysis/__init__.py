"""Analysis of the settled graph: critical path, happens-before, loops, comparison."""

from __future__ import annotations

from causality.analysis.comparison import Comparison, Hop, Latency, Shift, compare
from causality.analysis.critical_path import CriticalPath, Part, PartKind, critical_path
from causality.analysis.loops import Loop, loops
from causality.analysis.order import Relation, relation

__all__ = [
    "Comparison",
    "CriticalPath",
    "Hop",
    "Latency",
    "Loop",
    "Part",
    "PartKind",
    "Relation",
    "Shift",
    "compare",
    "critical_path",
    "loops",
    "relation",
]
