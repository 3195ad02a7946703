"""Work that must fit in memory: tried on the present plan, then on smaller ones, alike on every rank."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from .data import TokenFile
from .engines.device import free_memory, peak_memory
from .engines.flops import Cost, cost_of
from .errors import MAY_RETRY, OutOfMemory, TrainerError
from .events import Events
from .gradients import add_gradients, largest_pass
from .parallel import Ranks
from .plan import Plan, fastest

Value = TypeVar("Value")


class Fitting:
    """The plan of a training and what it costs."""

    def __init__(self, engine: Any, ranks: Ranks, events: Events, plan: Plan, examples: int):
        self.engine, self.ranks, self.events, self.plan, self.examples = engine, ranks, events, plan, examples
        self.steps = 0
        self.expected_seconds: float | None = None
        """Of the steps that were left when the plan was tried, by that trial."""
        self._cost = _cost(engine)

    def choose(self, tokens: TokenFile, steps: list[list[int]], plans: list[Plan]) -> Plan:
        """Of plans that should be about as fast, the one that is so here: each one's largest pass is timed."""
        timed = []
        for plan in plans:
            self.plan = plan
            self._apply()
            group = largest_pass(tokens, steps, plan.micro_tokens)
            seconds, _ = self._trial(tokens, group)
            if seconds is not None:
                timed.append((seconds / int(tokens.lengths[group].sum()), plan))
            elif self.engine.device.type == "cuda":
                torch.cuda.empty_cache()
        self.plan = fastest(timed) if timed else plans[0]
        return self.plan

    def begin(self, tokens: TokenFile, steps: list[list[int]], done: int, resumed_from: int | None) -> None:
        """Try the largest pass that the steps left will hold, forward and backward; take smaller plans until it fits.

        One `plan` event a plan, with the memory and time that the trial took. The trial leaves no trace.
        """
        self.steps = len(steps)
        left = steps[done:]
        remaining = sum(int(tokens.lengths[members].sum()) for members in left)
        while True:
            self._apply()
            free = free_memory(self.engine.device)
            if not left:
                return self._emit(free, None, None, resumed_from)
            group = largest_pass(tokens, left, self.plan.micro_tokens)
            in_group = int(tokens.lengths[group].sum())
            seconds, message = self._trial(tokens, group)
            if seconds is not None:
                expected = round(seconds * remaining / in_group / self.ranks.size, 1)
                self.expected_seconds = expected
                return self._emit(free, peak_memory(self.engine.device), expected, resumed_from)
            self._emit(free, None, None, resumed_from)
            self._shrink(int(tokens.lengths[group].max()), message)

    def _trial(self, tokens: TokenFile, group: list[int]) -> tuple[float | None, str]:
        """(seconds of one pass, "") or (None, why it did not fit on some rank)."""
        device, message, seconds = self.engine.device, "", None
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        try:
            # A GPU's first pass compiles kernels.
            for _ in range(2 if device.type == "cuda" else 1):
                started = time.monotonic()
                float(add_gradients(self.engine, tokens, [group], 1, seed=0, step=0))
                seconds = time.monotonic() - started
        except OutOfMemory as error:
            message, seconds = str(error), None
        self.forget_gradients()
        if self.ranks.any(seconds is None, device):
            return None, message or "it did not fit on another rank"
        return seconds, ""

    def run(self, longest: int, work: Callable[[Plan], Value]) -> Value:
        """work(plan) on the present plan, or after OutOfMemory on any rank from its start on the next smaller one."""
        while True:
            message = ""
            try:
                value = work(self.plan)
            except OutOfMemory as error:
                message = str(error)
            # Outside the except clause: the traceback held the tensors of the failed pass.
            if not self.ranks.any(message != "", self.engine.device):
                return value
            self.forget_gradients()
            self._shrink(longest, message or "it did not fit on another rank")
            self._apply()
            self._emit(free_memory(self.engine.device), None, None, None)

    def finish(self, longest: int, work: Callable[[], Value]) -> Value:
        """work() on gradients that are there: begun again after a shortage of memory, with as much given back as a
        smaller plan gives. It must have changed nothing then, or go on where it was. A rank that is done waits.
        """
        results: list[Value] = []
        while True:
            message = ""
            try:
                if not results:
                    results.append(work())
            except torch.OutOfMemoryError as error:
                message = str(self.engine.short_of_memory(error))
            if not self.ranks.any(message != "", self.engine.device):
                return results[0]
            self._shrink(longest, message or "it did not fit on another rank")
            self._apply()
            self._emit(free_memory(self.engine.device), None, None, None)

    def _shrink(self, longest: int, message: str) -> None:
        if self.engine.device.type == "cuda":
            torch.cuda.empty_cache()
        smaller = self.plan.smaller(longest, self.engine)
        if smaller is None:
            what = f"one example of {longest} tokens does not fit, even with activations recomputed: {message}"
            raise TrainerError("GpuOutOfMemory", what, "free memory on the device or shorten examples", MAY_RETRY)
        self.plan = smaller

    def _apply(self) -> None:
        self.engine.set_checkpointing(self.plan.checkpointing)
        if not self.plan.resident and self.engine.resident_layers:
            self.engine.release()

    def forget_gradients(self) -> None:
        """Drop every gradient."""
        for parameter in self.engine.trainable.values():
            parameter.grad = None

    def flops(self, lengths: list[int], supervised: int) -> float:
        """Operations that a step needs; 0 where no formula is known for the model."""
        return 0.0 if self._cost is None else self._cost.of(lengths, supervised)

    def _emit(self, free: int, expected_bytes: int | None, seconds: float | None, resumed_from: int | None) -> None:
        plan = self.plan
        self.events.emit(
            "plan",
            steps=self.steps,
            examples=self.examples,
            microTokens=plan.micro_tokens,
            packing=plan.packing,
            checkpointing=plan.checkpointing,
            residentLayers=self.engine.resident_layers,
            graph=self.engine.graph,
            devices=self.ranks.size,
            freeBytes=free,
            expectedBytes=expected_bytes,
            expectedSeconds=seconds,
            reason=plan.reason,
            resumedFrom=resumed_from,
        )
        measured = "" if seconds is None else f"; tried: {(expected_bytes or 0) / 2**30:.1f} GiB, {seconds:.0f} s to go"
        self.events.say(
            f"plan: {plan.micro_tokens} tokens a pass, recomputed: {plan.checkpointing}, {self.engine.resident_layers} "
            f"layers in 16 bits; {plan.reason}{measured}"
        )


def _cost(engine: Any) -> Cost | None:
    config = json.loads((Path(engine.base["folder"]) / "config.json").read_text("utf-8"))
    try:
        return cost_of(config, engine.lora)
    except KeyError:
        return None
