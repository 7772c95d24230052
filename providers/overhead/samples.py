"""What was measured: samples, kept in a file as they come, so that a run can be resumed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from providers.errors import UserError


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured where: samples of another setup cannot be compared.

    Attributes:
        application: its name.
        where: "local AWS", or the profile or endpoint.
        configurations: letters, in the order of the results.
        benchmarks: the functions' plain names.
        operations: calls of one warm invocation; None when the application does not say.
        blocks: how often every function is started anew.
        rounds: warm invocations of each function in a block.
        recorder: tells the recorder's version.
        python: the version that the functions run with, where they run here.
    """

    application: str
    where: str
    configurations: tuple[str, ...]
    benchmarks: tuple[str, ...]
    operations: int | None
    blocks: int
    rounds: int
    recorder: str
    python: str


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One invocation.

    Attributes:
        block, round: when: samples of one round were taken right after each other. A block
            begins with round 0, in which every function is started; it has one operation.
        wall_s, cpu_s: what the invocation took; the CPU time is that of all threads, since the
            answer before.
        init_wall_s, init_cpu_s: what importing the handler took, when the process started.
        peak_kb: the most memory that the process had resident so far; 0 when unknown.
        writes: items that the invocation left in the record table.
        billed_ms, reported_mb, reported_init_ms: what AWS reported, where it does.
    """

    benchmark: str
    configuration: str
    block: int
    round: int
    request_id: str
    wall_s: float
    cpu_s: float
    init_wall_s: float
    init_cpu_s: float
    peak_kb: int
    writes: int = 0
    billed_ms: float | None = None
    reported_mb: float | None = None
    reported_init_ms: float | None = None

    @property
    def cold(self) -> bool:
        """Whether the function was started for it."""
        return self.round == 0


class SampleFile:
    """The samples of a run, in a file: the setup on its first line, then one block a line.

    Attributes:
        setup: what is measured.
        samples: those of all blocks that are complete.
    """

    def __init__(self, path: Path, setup: Setup) -> None:
        self._path = path
        self.setup = setup
        self.samples: list[Sample] = []
        self._done: set[tuple[str, int]] = set()

    @classmethod
    def begin(cls, path: Path, setup: Setup) -> SampleFile:
        """Start a file anew."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(setup) + b"\n")
        return cls(path, setup)

    @classmethod
    def resume(cls, path: Path, setup: Setup) -> SampleFile:
        """Go on with a file.

        Raises:
            UserError: there is none, or it holds samples of another setup.
        """
        try:
            first, *lines = path.read_bytes().splitlines()
            there = msgspec.json.decode(first, type=Setup)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise UserError(
                "There is nothing to resume",
                on=str(path),
                todo="Leave --resume out.",
                kind="nothing-to-resume",
            ) from error
        if there != setup:
            different = [
                name
                for name in Setup.__struct_fields__
                if getattr(there, name) != getattr(setup, name)
            ]
            raise UserError(
                f"The run that was begun is of another kind: {', '.join(different)}",
                on=str(path),
                todo="Give the same options as then, or leave --resume out to begin anew.",
                kind="other-run",
            )
        file = cls(path, setup)
        whole = []
        for line in lines:
            try:
                block = msgspec.json.decode(line, type=list[Sample])
            except msgspec.MsgspecError:
                break  # torn: the run was killed while it wrote this one
            file._take(block)
            whole.append(line)
        # What was torn must not stand before what comes next.
        part = path.with_suffix(".part")
        part.write_bytes(b"".join(line + b"\n" for line in [first, *whole]))
        os.replace(part, path)
        return file

    def has(self, benchmark: str, block: int) -> bool:
        """Say whether a block was measured."""
        return (benchmark, block) in self._done

    def add(self, block: Iterable[Sample]) -> None:
        """Keep a block of samples."""
        samples = list(block)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(samples) + b"\n")
        self._take(samples)

    def _take(self, samples: list[Sample]) -> None:
        self.samples += samples
        self._done |= {(sample.benchmark, sample.block) for sample in samples}
