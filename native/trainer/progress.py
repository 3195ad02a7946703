"""How far a training is, and what it leaves to be read: metrics.jsonl, step events, lines for the terminal."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .events import Events
from .files import write_durably


@dataclass
class Progress:
    """What the loop knows besides weights. step: optimiser steps done, skipped ones counted in."""

    step: int = 0
    updates: int = 0
    tokens: int = 0
    supervised: int = 0
    loss: float | None = None
    skipped: list[int] = field(default_factory=list)
    skipped_in_a_row: int = 0


@dataclass(frozen=True)
class StepResult:
    """One finished optimiser step; loss in nats a supervised token, norm before clipping, seconds of wall time."""

    step: int
    loss: float
    lr: float
    norm: float
    tokens: int
    supervised: int
    seconds: float


class Metrics:
    """metrics.jsonl: no clock and no path, so that a resumed run's file equals an undisturbed one's."""

    def __init__(self, path: Path):
        self.path = path
        self._lines: list[bytes] = []

    def restore(self, content: bytes) -> None:
        """Start the file with these lines: none, or a checkpoint's."""
        self._lines = content.splitlines(keepends=True)
        write_durably(self.path, content)

    def add(self, **entry: Any) -> None:
        """Append one line."""
        self._lines.append(json.dumps(entry, separators=(",", ":"), allow_nan=False).encode() + b"\n")
        with open(self.path, "ab") as file:
            file.write(self._lines[-1])

    def content(self) -> bytes:
        """All lines so far."""
        return b"".join(self._lines)


class StepReporter:
    """Sends step events, with a running estimate of the time left."""

    def __init__(self, events: Events, steps: int):
        self._events = events
        self._steps = steps
        self._seconds_a_step: float | None = None

    def report(self, done: StepResult, memory_bytes: int) -> None:
        """One `step` event; for a person one readable line."""
        before = self._seconds_a_step
        self._seconds_a_step = done.seconds if before is None else 0.9 * before + 0.1 * done.seconds
        eta, speed = self._seconds_a_step * (self._steps - done.step), done.tokens / done.seconds
        self._events.emit(
            "step",
            step=done.step,
            steps=self._steps,
            loss=done.loss,
            lr=done.lr,
            gradNorm=done.norm,
            tokens=done.tokens,
            supervisedTokens=done.supervised,
            seconds=round(done.seconds, 4),
            tokensPerSecond=round(speed, 1),
            etaSeconds=round(eta, 1),
            memoryBytes=memory_bytes,
        )
        self._events.say(
            f"step {done.step}/{self._steps} loss {done.loss:.4f} lr {done.lr:.2e} norm {done.norm:.2f} "
            f"{done.supervised}/{done.tokens} tokens {done.seconds:.2f} s {speed:.0f} tok/s, {eta:.0f} s left"
        )
