"""How far a training is, and what it leaves to be read: metrics.jsonl, step events, lines for the terminal."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .events import Events
from .files import write_durably

START_STEPS = 5
"""Steps whose mean loss is what a diverging one is compared with."""


@dataclass
class Progress:
    """What the loop knows besides weights. step: optimiser steps done, skipped ones counted in."""

    step: int = 0
    updates: int = 0
    tokens: int = 0
    supervised: int = 0
    loss: float | None = None
    start_losses: list[float] = field(default_factory=list)
    """Of the first START_STEPS steps that were not skipped."""
    skipped: list[int] = field(default_factory=list)
    skipped_in_a_row: int = 0

    def diverging(self, loss: float) -> str | None:
        """Why a finite loss is no loss of a training that learns, or None: twice the first steps' and a nat more."""
        if not self.start_losses:
            return None
        start = sum(self.start_losses) / len(self.start_losses)
        return f"the loss {loss:.2f} is beyond twice the first steps' {start:.2f}" if loss > 2 * start + 1 else None

    def count(self, loss: float, tokens: int, supervised: int) -> None:
        """One more update."""
        self.updates += 1
        self.tokens += tokens
        self.supervised += supervised
        self.loss = loss
        self.skipped_in_a_row = 0
        if len(self.start_losses) < START_STEPS:
            self.start_losses.append(loss)


@dataclass(frozen=True)
class StepResult:
    """One finished optimiser step; loss in nats a supervised token, norm before clipping, seconds of wall time,
    flops as engines/flops.py counts them, 0 where it knows no formula.
    """

    step: int
    loss: float
    lr: float
    norm: float
    tokens: int
    supervised: int
    seconds: float
    flops: float


class Metrics:
    """metrics.jsonl: no clock and no path, so that a resumed run's file equals an undisturbed one's."""

    def __init__(self, path: Path | None):
        """path None: another process writes the file."""
        self.path = path
        self._lines: list[bytes] = []

    def restore(self, content: bytes) -> None:
        """Start the file with these lines: none, or a checkpoint's."""
        self._lines = content.splitlines(keepends=True)
        if self.path is not None:
            write_durably(self.path, content)

    def add(self, **entry: Any) -> None:
        """Append one line."""
        self._lines.append(json.dumps(entry, separators=(",", ":"), allow_nan=False).encode() + b"\n")
        if self.path is not None:
            with open(self.path, "ab") as file:
                file.write(self._lines[-1])

    def content(self) -> bytes:
        """All lines so far."""
        return b"".join(self._lines)


class StepReporter:
    """Sends a step event every `every` steps, for the steps since the last one, with an estimate of the time left."""

    def __init__(self, events: Events, steps: int, every: int, peak_flops: float | None):
        """peak_flops: of all devices together; None: there is no utilisation to tell."""
        self._events, self._steps, self._every, self._peak = events, steps, every, peak_flops
        self.seconds = 0.0
        """Of all steps since this process began."""
        self._seconds_a_step: float | None = None
        self._waiting: list[StepResult] = []

    def report(self, done: StepResult, memory_bytes: int) -> None:
        """Take in a step; every so often one `step` event, for a person one readable line."""
        before = self._seconds_a_step
        self._seconds_a_step = done.seconds if before is None else 0.9 * before + 0.1 * done.seconds
        self._waiting.append(done)
        self.seconds += done.seconds
        if done.step % self._every and done.step not in (1, self._steps):
            return
        since, self._waiting = self._waiting, []
        seconds, tokens = _sum(since, "seconds"), _sum(since, "tokens")
        eta, speed = self._seconds_a_step * (self._steps - done.step), tokens / seconds
        mfu = round(_sum(since, "flops") / seconds / self._peak, 4) if self._peak and done.flops else None
        self._events.emit(
            "step",
            step=done.step,
            steps=self._steps,
            loss=done.loss,
            lr=done.lr,
            gradNorm=done.norm,
            tokens=tokens,
            supervisedTokens=_sum(since, "supervised"),
            seconds=round(seconds, 4),
            tokensPerSecond=round(speed, 1),
            mfu=mfu,
            etaSeconds=round(eta, 1),
            memoryBytes=memory_bytes,
        )
        used = "" if mfu is None else f", MFU {mfu:.0%}"
        self._events.say(
            f"step {done.step}/{self._steps} loss {done.loss:.4f} lr {done.lr:.2e} norm {done.norm:.2f} "
            f"{_sum(since, 'supervised')}/{tokens} tokens {seconds:.2f} s {speed:.0f} tok/s{used}, "
            f"{memory_bytes / 2**30:.1f} GiB, {eta:.0f} s left"
        )


def _sum(steps: Sequence[StepResult], field: str) -> Any:
    return sum(getattr(step, field) for step in steps)
