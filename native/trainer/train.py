"""python -m trainer train config.json: a LoRA adapter from a token file, with checkpoints.

A step is a pure function of (data set, seed, step number, adapter and optimiser state), so that a run that was killed
and resumed has the losses, bit for bit, of one that never stopped (same device model, lock and plan).
"""

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from . import stopping
from .adapter import write_adapter
from .checkpoint import (
    MANIFEST,
    METRICS,
    Checkpoint,
    is_checkpoint_name,
    newest_whole,
    prune,
    read_checkpoint,
    require_identity,
    write_checkpoint,
)
from .data import TokenFile, micro_batch, pack, plan_steps, read_tokens, require_tokenizer
from .engines import transformers
from .engines.device import peak_memory
from .errors import MAY_RETRY, OutOfMemory, Stopped, TrainerError, corrupt
from .events import Events
from .files import file_entry, write_durably
from .optim import create_adamw, learning_rate, moments, restore_moments
from .plan import Plan, first_plan

NON_FINITE_IN_A_ROW = 3
"""Steps with a loss or gradient that is not a number, one after the other, that end the training."""


def run(config: dict[str, Any], events: Events) -> None:
    """The train command; see contracts/trainer.ts TrainConfig. Emits loaded, plan, step, checkpoint, result."""
    Training(config, events).run()


def identity(config: dict[str, Any], dtype: str) -> dict[str, Any]:
    """What a checkpoint must agree on to be gone on from: everything that moves the losses."""
    flat = {f"{part}.{key}": value for part in ("lora", "optimizer", "batch") for key, value in config[part].items()}
    plain = {key: config[key] for key in ("datasetDigest", "seed", "steps", "epochs")}
    return {**plain, **flat, "base.weightsDigest": config["base"]["weightsDigest"], "dtype": dtype}


@dataclass
class Progress:
    """What the loop knows besides weights: step is the number of finished optimiser steps."""

    step: int = 0
    updates: int = 0
    tokens: int = 0
    supervised: int = 0
    loss: float | None = None
    skipped: list[int] = field(default_factory=list)
    skipped_in_a_row: int = 0


class Training:
    """One training from load to adapter files."""

    def __init__(self, config: dict[str, Any], events: Events):
        started = time.monotonic()
        self.config, self.events, self.started = config, events, started
        self.out = Path(config["out"])
        self.checkpoints = Path(config["checkpoint"]["folder"])
        self.tokens = read_tokens(config["tokens"]["train"])
        require_tokenizer(self.tokens, config["base"]["folder"], "train tokens")
        validation = config["tokens"]["validation"]
        self.validation = read_tokens(validation) if validation else None
        if self.validation is not None:
            require_tokenizer(self.validation, config["base"]["folder"], "validation tokens")
        batch = config["batch"]
        self.steps = plan_steps(
            self.tokens.lengths.tolist(),
            config["seed"],
            batch["examples"],
            batch["tokens"],
            config["steps"],
            config["epochs"],
        )

        self.engine = transformers.load(config["base"], config["device"], config["dtype"])
        self.engine.add_lora(config["lora"], config["seed"])
        self.engine.simulated_limit = config["simulatedLimitTokens"]
        self.parameters = self.engine.trainable
        optimizer = config["optimizer"]
        self.optimizer = create_adamw(self.parameters, optimizer["lr"], optimizer["weightDecay"])
        self.dtype = str(self.engine.dtype).removeprefix("torch.")
        events.emit(
            "loaded",
            seconds=round(time.monotonic() - started, 3),
            device=self.engine.device.type,
            dtype=self.dtype,
            parameters=self.engine.parameters,
            trainable=sum(p.numel() for p in self.parameters.values()),
        )
        self.progress = Progress()
        self.metrics: list[bytes] = []
        self.seconds_a_step: float | None = None
        self.plan = self._resume() or first_plan(
            self.engine, config["microTokens"], float((self.tokens.role > 0).mean())
        )

    def run(self) -> None:
        """Train to the last step and write the adapter. Raises Stopped after SIGTERM."""
        progress, checkpoint = self.progress, self.config["checkpoint"]
        self._use(self.plan, resumed_from=progress.step or None)
        write_durably(self.out / METRICS, b"".join(self.metrics))
        saved_at, saved_step = time.monotonic(), progress.step
        while progress.step < len(self.steps):
            if not stopping.requested():
                self._step()
            due = (
                progress.step - saved_step >= checkpoint["everySteps"]
                or time.monotonic() - saved_at >= checkpoint["everySeconds"]
                or progress.step == len(self.steps)
                or stopping.requested()
            )
            if due and progress.step > saved_step and not progress.skipped_in_a_row:
                self._save()
                saved_at, saved_step = time.monotonic(), progress.step
            if stopping.requested():
                raise Stopped(f"stopped after step {progress.step} of {len(self.steps)}; checkpoint at {saved_step}")
        self._finish()

    def _step(self) -> None:
        """One optimiser step, on as small a plan as it takes."""
        config, progress = self.config, self.progress
        step = progress.step + 1
        members = self.steps[step - 1]
        started = time.monotonic()
        optimizer = config["optimizer"]
        lr = learning_rate(step, len(self.steps), optimizer["lr"], optimizer["warmupSteps"], optimizer["schedule"])
        loss = self._fitting(int(self.tokens.lengths[members].max()), lambda: self._gradients(members, step))
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters.values(), optimizer["clip"]))
        progress.step = step
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self.optimizer.zero_grad(set_to_none=True)
            self._skip(step, members)
            return
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        supervised = sum(self.tokens.supervised(index) for index in members)
        count = int(self.tokens.lengths[members].sum())
        progress.updates += 1
        progress.tokens += count
        progress.supervised += supervised
        progress.loss = loss
        progress.skipped_in_a_row = 0
        self._record(step=step, loss=loss, lr=lr, gradNorm=norm, tokens=count, supervisedTokens=supervised)
        self._report(step, loss, lr, norm, count, supervised, time.monotonic() - started)
        if self.validation is not None and config["evalEvery"] and step % config["evalEvery"] == 0:
            self._evaluate(step, self.validation)

    def _gradients(self, members: list[int], step: int) -> float:
        """Gradients of the step's mean loss over supervised tokens; returns that loss. Raises OutOfMemory.

        The divisor is the whole step's number of supervised tokens, so the loss does not depend on the grouping.
        """
        self.engine.model.train()
        total = sum(self.tokens.supervised(index) for index in members)
        loss = 0.0
        for group in pack({index: int(self.tokens.lengths[index]) for index in members}, self.plan.micro_tokens):
            # Dropout is keyed by (seed, step, micro-batch), not by the calls before it: resume needs no state.
            key = hashlib.sha256(f"{self.config['seed']}:{step}:{group[0]}".encode()).digest()
            torch.manual_seed(int.from_bytes(key[:8], "big") >> 1)
            nll = self.engine.nll(micro_batch(self.tokens, group))
            loss += float(nll.detach().double().sum())
            self.engine.backward(nll.sum() / total)
        return loss / total

    def _fitting(self, longest: int, work: Callable[[], float]) -> float:
        """work() on the present plan, or after OutOfMemory from its start on the next smaller one."""
        while True:
            try:
                return work()
            except OutOfMemory as error:
                smaller, message = self.plan.smaller(longest), str(error)
            # Outside the except clause: the traceback held the tensors of the failed pass.
            self.optimizer.zero_grad(set_to_none=True)
            if self.engine.device.type == "cuda":
                torch.cuda.empty_cache()
            if smaller is None:
                raise TrainerError(
                    "GpuOutOfMemory",
                    f"one example of {longest} tokens does not fit, with activations recomputed: {message}",
                    "free memory on the device, or lower format.maxTokens",
                    MAY_RETRY,
                )
            self._use(smaller, resumed_from=None)

    def _use(self, plan: Plan, resumed_from: int | None) -> None:
        self.plan = plan
        self.engine.set_checkpointing(plan.checkpointing)
        self.events.emit(
            "plan",
            steps=len(self.steps),
            examples=self.config["batch"]["examples"],
            microTokens=plan.micro_tokens,
            packing=plan.packing,
            checkpointing=plan.checkpointing,
            reason=plan.reason,
            resumedFrom=resumed_from,
        )
        self.events.say(f"plan: {plan.micro_tokens} tokens a pass, checkpointing {plan.checkpointing}; {plan.reason}")

    def _skip(self, step: int, members: list[int]) -> None:
        """Leave a step out whose loss or gradient is not a number; end the training after three in a row."""
        progress = self.progress
        progress.skipped.append(step)
        progress.skipped_in_a_row += 1
        examples = ", ".join(self.tokens.example[index].tobytes().hex()[:12] for index in members[:8])
        what = f"step {step}: the loss or its gradient is not a number; examples {examples}"
        self._record(step=step, loss=None, skipped=True)
        if progress.skipped_in_a_row >= NON_FINITE_IN_A_ROW:
            remedy = "lower train.lr; the last good checkpoint is kept"
            raise TrainerError("TrainingDiverged", f"{what}; the {progress.skipped_in_a_row}rd in a row", remedy)
        self.events.warning("StepSkipped", what, "nothing yet; lower train.lr if it repeats")

    def _evaluate(self, step: int, tokens: TokenFile) -> None:
        """Validation loss: the training loss's definition over the whole split, adapter on, dropout off."""
        self.engine.model.eval()
        lengths = dict(enumerate(tokens.lengths.tolist()))

        def total() -> float:
            groups = pack(lengths, self.plan.micro_tokens)
            return sum(float(self.engine.nll(micro_batch(tokens, group)).double().sum()) for group in groups)

        with torch.no_grad():
            nll = self._fitting(max(lengths.values()), total) / int((tokens.role > 0).sum())
        self._record(step=step, validationNll=nll)
        self.events.emit("evaluated", step=step, nll=nll, examples=len(tokens))
        self.events.say(f"step {step} validation loss {nll:.4f}")

    def _report(
        self, step: int, loss: float, lr: float, norm: float, tokens: int, supervised: int, seconds: float
    ) -> None:
        self.seconds_a_step = seconds if self.seconds_a_step is None else 0.9 * self.seconds_a_step + 0.1 * seconds
        eta, speed = self.seconds_a_step * (len(self.steps) - step), tokens / seconds
        self.events.emit(
            "step",
            step=step,
            steps=len(self.steps),
            loss=loss,
            lr=lr,
            gradNorm=norm,
            tokens=tokens,
            supervisedTokens=supervised,
            seconds=round(seconds, 4),
            tokensPerSecond=round(speed, 1),
            etaSeconds=round(eta, 1),
            memoryBytes=peak_memory(self.engine.device),
        )
        self.events.say(
            f"step {step}/{len(self.steps)} loss {loss:.4f} lr {lr:.2e} norm {norm:.2f} "
            f"{supervised}/{tokens} tokens {seconds:.2f} s {speed:.0f} tok/s, {eta:.0f} s left"
        )

    def _record(self, **entry: Any) -> None:
        """One line of metrics.jsonl: no clock and no path, so that a resumed run's file equals an undisturbed one's."""
        self.metrics.append(json.dumps(entry, separators=(",", ":"), allow_nan=False).encode() + b"\n")
        with open(self.out / METRICS, "ab") as file:
            file.write(self.metrics[-1])

    def _save(self) -> None:
        started = time.monotonic()
        settings = self.config["checkpoint"]
        state = {
            "step": self.progress.step,
            "identity": identity(self.config, self.dtype),
            "plan": self.plan.to_json(),
            "progress": asdict(self.progress),
        }
        tensors = self.engine.adapter_state(), moments(self.optimizer, self.parameters)
        path, digest = write_checkpoint(
            self.checkpoints, settings["fence"], Checkpoint(state, *tensors, metrics=b"".join(self.metrics))
        )
        prune(self.checkpoints, settings["keep"], settings["fence"])
        seconds = round(time.monotonic() - started, 3)
        self.events.emit("checkpoint", step=self.progress.step, folder=str(path), digest=digest, seconds=seconds)

    def _resume(self) -> Plan | None:
        """Put a checkpoint's state in place; returns its plan, or None when training starts at step 0."""
        path = self._checkpoint_to_resume()
        if path is None:
            return None
        checkpoint = read_checkpoint(path)
        require_identity(path.name, checkpoint.state["identity"], identity(self.config, self.dtype))
        self.progress = Progress(**checkpoint.state["progress"])
        self.engine.load_adapter(checkpoint.adapter)
        restore_moments(self.optimizer, self.parameters, checkpoint.optimizer, self.progress.updates)
        self.metrics = checkpoint.metrics.splitlines(keepends=True)
        return Plan(**checkpoint.state["plan"])

    def _checkpoint_to_resume(self) -> Path | None:
        """checkpoint.resume itself, or the newest whole one when it names a folder of checkpoints."""
        resume = self.config["checkpoint"]["resume"]
        if resume is None or (Path(resume) / MANIFEST).is_file():
            return Path(resume) if resume else None
        if Path(resume).is_dir() and not is_checkpoint_name(Path(resume).name):
            remedy = "nothing; an older one is used, or training starts at step 0"
            return newest_whole(Path(resume), lambda what: self.events.warning("CheckpointPassedOver", what, remedy))
        raise corrupt(f"checkpoint {Path(resume).name}: {MANIFEST} is missing or unreadable")

    def _finish(self) -> None:
        self.engine.model.eval()
        files = [*write_adapter(self.out, self.engine), self.out / METRICS]
        progress = self.progress
        self.events.emit(
            "result",
            files=[file_entry(path) for path in sorted(files)],
            metrics={
                "finalLoss": progress.loss,
                "steps": progress.step,
                "skippedSteps": progress.skipped,
                "tokens": progress.tokens,
                "supervisedTokens": progress.supervised,
                "seconds": round(time.monotonic() - self.started, 3),
            },
        )
