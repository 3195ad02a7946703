"""Which adapter is the result, and when there is no point in going on: by the validation loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Selection:
    """What validation said so far; part of every checkpoint."""

    best_step: int | None = None
    best_nll: float | None = None
    stale: int = 0
    """Evaluations since one was better."""
    stopped: bool = False
    """Training ended early."""
    history: list[float] = field(default_factory=list)
    """Every evaluation's loss."""

    def note(self, step: int, nll: float, early_stopping: Mapping[str, Any] | None) -> bool:
        """Take in one evaluation; returns whether it is the best so far."""
        self.history.append(nll)
        least = early_stopping["minDelta"] if early_stopping else 0.0
        best = self.best_nll is None or nll < self.best_nll - least
        if best:
            self.best_step, self.best_nll, self.stale = step, nll, 0
        else:
            self.stale += 1
        self.stopped = early_stopping is not None and self.stale >= early_stopping["patience"]
        return best

    def among_best(self, nll: float, count: int) -> bool:
        """Whether an evaluation just noted is one of the `count` lowest."""
        return sum(other < nll for other in self.history) < count
