"""What an act was asked for, and an act that was stopped half-way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from providers.operations import Resource, Step

ActKind: TypeAlias = Literal[
    "setup", "collector", "roles", "deploy", "instrument", "uninstrument", "cleanup"
]


@dataclass(frozen=True, slots=True)
class Act:
    """What an act was asked for: enough to do it again.

    Attributes:
        names: the application's id, the functions, or the wheel that the collector needs.
        application: value of the tag of what is deployed.
        regions: those that a deployment was limited to.
        grant: whether roles of functions get a policy of ours.
        resources: what a cleanup deletes.
    """

    kind: ActKind
    names: tuple[str, ...] = ()
    application: str = ""
    regions: tuple[str, ...] = ()
    grant: bool = False
    resources: tuple[Resource, ...] = ()

    def __str__(self) -> str:
        """Say it in a few words: "deploy imageproc:B"."""
        if self.kind == "cleanup":
            return f"cleanup of {len(self.resources)} resources"
        options = {"roles": "setup --role", "collector": "setup --collector"}
        kind = options.get(self.kind, self.kind)
        where = f" in {', '.join(self.regions)}" if self.regions else ""
        return f"{kind} {', '.join(self.names)}".rstrip() + where


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An act that began and never ended: its process was killed, or interrupted.

    Attributes:
        began_at_s: epoch seconds.
        steps: the last that was reported of each step.
    """

    id: str
    act: Act
    began_at_s: float
    steps: tuple[Step, ...] = ()

    @property
    def progress(self) -> str:
        """How far it came, and at what it was when it stopped."""
        if not self.steps:
            return "no step was begun"
        over = sum(step.state in ("done", "skipped", "failed") for step in self.steps)
        running = [step.text for step in self.steps if step.state == "running"]
        at = f", then at {', '.join(running[:3])}" if running else ""
        return f"{over} of {len(self.steps)} steps were through{at}"

    @property
    def undone_by(self) -> Literal["cleanup", "uninstrument", ""]:
        """What takes back what it did; "" where nothing does, and it can only be finished."""
        undoing: dict[ActKind, Literal["cleanup", "uninstrument"]] = {
            "collector": "cleanup",
            "deploy": "cleanup",
            "instrument": "uninstrument",
        }
        return undoing.get(self.act.kind, "")
