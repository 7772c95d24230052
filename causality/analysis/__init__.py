"""Analysis of the settled graph: chains, critical path, happens-before, loops, comparison."""

from __future__ import annotations

from causality.analysis.chains import Chain, ChainSummary, chains, chains_of, summary
from causality.analysis.comparison import Comparison, Hop, Latency, Shift, compare
from causality.analysis.critical_path import CriticalPath, Part, PartKind, critical_path
from causality.analysis.loops import Loop, loops
from causality.analysis.order import Relation, Step, relation, steps
from causality.analysis.sides import Compared, Sides, by_tests, compared

__all__ = [
    "Chain",
    "ChainSummary",
    "Compared",
    "Comparison",
    "CriticalPath",
    "Hop",
    "Latency",
    "Loop",
    "Part",
    "PartKind",
    "Relation",
    "Shift",
    "Sides",
    "Step",
    "by_tests",
    "chains",
    "chains_of",
    "compare",
    "compared",
    "critical_path",
    "loops",
    "relation",
    "steps",
    "summary",
]
