"""python -m trainer train config.json: a LoRA adapter from a token file, with checkpoints.

A step is a pure function of (data set, seed, step number, adapter and optimiser state), so that a run that was killed
and resumed has the losses, bit for bit, of one that never stopped (same device model, lock, plan and devices).
"""

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import self_test, stopping
from .adapter import write_adapter
from .checkpoint import METRICS, NLL, Checkpoint
from .checkpoint_writer import CheckpointWriter
from .data import TokenFile, plan_steps, read_tokens, require_tokenizer
from .engines.device import peak_memory
from .engines.flops import peak_flops
from .errors import Stopped, TrainerError
from .events import Events
from .files import file_entry
from .fitting import Fitting
from .gradients import add_gradients, passes, total_nats
from .host_copy import HostCopy
from .optim import create_optimizer, learning_rate
from .parallel import Ranks, join
from .plan import Plan, first_plans
from .progress import Metrics, Progress, StepReporter, StepResult
from .resume import checkpoint_to_resume, engine_for
from .selection import Selection

SKIPPED_IN_A_ROW = 3
"""Steps that were left out, one after the other, that end the training."""


def run(config: dict[str, Any], events: Events, config_path: str | None = None) -> None:
    """The train command; see contracts/trainer.ts TrainConfig. Raises Stopped after SIGTERM, or TrainerError.

    config_path: the file of this config, for the other ranks where it asks for several devices.
    """
    started = time.monotonic()
    ranks = join(config["devices"], config_path, config["device"], events)
    training = Training(config, events, ranks)
    training.begin()
    try:
        training.train()
    finally:
        training.writer.wait()
    if ranks.rank > 0:
        return
    files = training.write_result()
    metrics = {**training.summary(), "seconds": round(time.monotonic() - started, 3)}
    events.emit("result", files=[file_entry(path) for path in files], metrics=metrics)


class Training:
    """The state of one training: data, engine, optimiser, progress, plan."""

    def __init__(self, config: dict[str, Any], events: Events, ranks: Ranks | None = None):
        """Reads the data, loads the model, adds a fresh adapter, tests the engine. Emits `loaded`, `selfTest`."""
        started = time.monotonic()
        self.config, self.events, self.ranks = config, events, ranks or Ranks()
        self.out = Path(config["out"])
        self.tokens = self._read(config["tokens"]["train"], "train tokens")
        validation = config["tokens"]["validation"]
        self.validation = self._read(validation, "validation tokens") if validation and config["evalEvery"] else None
        batch, lengths = config["batch"], self.tokens.lengths.tolist()
        self.steps = plan_steps(
            lengths, config["seed"], batch["examples"], batch["tokens"], config["steps"], config["epochs"]
        )
        self.checkpoint = checkpoint_to_resume(config, events)
        self.engine, self.identity = engine_for(config, self.checkpoint, events)
        self.engine.add_lora(config["lora"], config["seed"])
        self.engine.simulated_limit = config["simulatedLimitTokens"]
        self.parameters = self.engine.trainable
        trainable = sum(parameter.numel() for parameter in self.parameters.values())
        events.emit(
            "loaded",
            seconds=round(time.monotonic() - started, 3),
            device=self.engine.device.type,
            dtype=self.identity["dtype"],
            engine=self.engine.name,
            parameters=self.engine.parameters,
            trainable=trainable,
        )
        share = trainable / self.engine.parameters
        events.say(f"trains {trainable:,} parameters, {share:.3%} of the base model's {self.engine.parameters:,}")
        if config["selfTest"]:
            self_test.before_training(self.engine, events)
        self.optimizer = create_optimizer(self.parameters, config["optimizer"], config["seed"])
        self.progress, self.selection = Progress(), Selection()
        self.best: dict[str, torch.Tensor] | None = None
        """The adapter of selection.best_step, where the best is to be delivered."""
        self.speaks = self.ranks.rank == 0
        self.metrics = Metrics(self.out / METRICS if self.speaks else None)
        peak = peak_flops(torch.cuda.get_device_name()) if self.engine.device.type == "cuda" else None
        self.reporter = StepReporter(events, len(self.steps), config["logEvery"], peak and peak * self.ranks.size)
        checkpoint = config["checkpoint"]
        self.writer = CheckpointWriter(
            Path(checkpoint["folder"]), checkpoint["fence"], checkpoint["keep"], checkpoint["keepBest"], events
        )
        self.host = HostCopy()
        self.fitting: Fitting

    def _read(self, path: str, name: str) -> TokenFile:
        tokens = read_tokens(path)
        require_tokenizer(tokens, self.config["base"]["folder"], name)
        return tokens

    def begin(self) -> None:
        """Put the checkpoint's state in place, if there is one, and try the plan. Emits `plan`."""
        supervised_share = float((self.tokens.role > 0).mean())
        longest = int(self.tokens.lengths.max())
        most = max(int(self.tokens.lengths[members].sum()) for members in self.steps)
        resumed_from = None
        if self.checkpoint is None:
            self.metrics.restore(b"")
            plans = first_plans(self.engine, self.config["microTokens"], supervised_share, longest, most)
            plan = self.ranks.least(
                plans[0], lambda plan: (plan.micro_tokens, -self.engine.modes.index(plan.checkpointing))
            )
        else:
            state = self.checkpoint.state
            self.progress, self.selection = Progress(**state["progress"]), Selection(**state["selection"])
            self.engine.load_adapter(self.checkpoint.adapter)
            self.optimizer.restore(self.checkpoint.optimizer, self.progress.updates)
            self.metrics.restore(self.checkpoint.metrics)
            plan, resumed_from, plans = Plan(**state["plan"]), self.progress.step, []
            if self._delivers_best() and self.selection.best_step is not None:
                self.best = self.checkpoint.best or self.checkpoint.adapter
            self.checkpoint = None  # its tensors are copied; twice the optimiser would stay in memory
        self.fitting = Fitting(self.engine, self.ranks, self.events, plan, self.config["batch"]["examples"])
        if len(plans) > 1 and self.engine.device.type == "cuda" and self.ranks.size == 1:
            plan = self.fitting.choose(self.tokens, self.steps, plans)
        if plan.checkpointing == "none" and plan.resident:
            # Memory that the plan leaves is spent on speed; it changes no bit of the training.
            self.engine.settle(min(max(plan.micro_tokens, longest), most), supervised_share)
        self.fitting.begin(self.tokens, self.steps, self.progress.step, resumed_from)

    def _delivers_best(self) -> bool:
        return self.config["deliver"] == "best"

    def train(self) -> None:
        """All steps that are left, with checkpoints. Raises Stopped after SIGTERM, at a step boundary."""
        progress, settings = self.progress, self.config["checkpoint"]
        saved_at, saved_step = time.monotonic(), progress.step
        while progress.step < len(self.steps) and not self.selection.stopped:
            stop = self.ranks.any(stopping.requested(), self.engine.device)
            nll = None if stop else self._step()
            due = (
                stop
                or progress.step - saved_step >= settings["everySteps"]
                or time.monotonic() - saved_at >= settings["everySeconds"]
                or progress.step == len(self.steps)
                or self.selection.stopped
                or (nll is not None and self.selection.among_best(nll, settings["keepBest"]))
            )
            # A state that gives losses that are no numbers is not worth going on from.
            if due and progress.step > saved_step and not progress.skipped_in_a_row:
                self._save(nll)
                saved_at, saved_step = time.monotonic(), progress.step
            if stop:
                raise Stopped(f"stopped after step {progress.step} of {len(self.steps)}; checkpoint at {saved_step}")

    def _step(self) -> float | None:
        """One optimiser step, on as small a plan as it takes; returns the validation loss if it was due."""
        progress, optimizer, tokens = self.progress, self.config["optimizer"], self.tokens
        step, device = progress.step + 1, self.engine.device
        members = self.steps[step - 1]
        supervised = sum(tokens.supervised(index) for index in members)
        started = time.monotonic()
        lr = learning_rate(step, len(self.steps), optimizer["lr"], optimizer["warmupSteps"], optimizer["schedule"])
        lengths = tokens.lengths[members]
        longest = int(lengths.max())
        mean = self.fitting.run(
            longest,
            lambda plan: add_gradients(
                self.engine, tokens, passes(tokens, members, plan.micro_tokens, self.ranks), supervised,
                self.config["seed"], step,
            ),
        )  # fmt: skip
        self.ranks.sum_gradients(self.parameters.values())
        clipped = self.fitting.finish(
            longest, lambda: torch.nn.utils.clip_grad_norm_(self.parameters.values(), optimizer["clip"])
        )
        # Only here does the host wait for the GPU.
        loss, norm = self.ranks.sum(float(mean), device), float(clipped)
        progress.step = step
        wrong = (
            progress.diverging(loss)
            if math.isfinite(loss) and math.isfinite(norm)
            else "the loss or its gradient is not a number"
        )
        if wrong is None:
            self.fitting.finish(longest, lambda: self.optimizer.step(lr))
        self.fitting.forget_gradients()
        if wrong is not None:
            self._skip(step, members, wrong)
            return None
        count = int(lengths.sum())
        progress.count(loss, count, supervised)
        self.metrics.add(step=step, loss=loss, lr=lr, gradNorm=norm, tokens=count, supervisedTokens=supervised)
        flops = self.fitting.flops(lengths.tolist(), supervised)
        done = StepResult(step, loss, lr, norm, count, supervised, time.monotonic() - started, flops)
        self.reporter.report(done, peak_memory(device))
        if self.validation is not None and (step % self.config["evalEvery"] == 0 or step == len(self.steps)):
            return self._evaluate(step, self.validation)
        return None

    def _skip(self, step: int, members: list[int], wrong: str) -> None:
        """Leave a step out; end the training after SKIPPED_IN_A_ROW in a row."""
        progress = self.progress
        progress.skipped.append(step)
        progress.skipped_in_a_row += 1
        examples = ", ".join(self.tokens.example[index].tobytes().hex()[:12] for index in members[:8])
        what = f"step {step}: {wrong}; examples {examples}"
        self.metrics.add(step=step, loss=None, skipped=True)
        if progress.skipped_in_a_row >= SKIPPED_IN_A_ROW:
            what = f"{what}; {SKIPPED_IN_A_ROW} such steps in a row"
            raise TrainerError("TrainingDiverged", what, "lower train.lr; the last good checkpoint is kept")
        self.events.warning("StepSkipped", what, "nothing yet; lower train.lr if it repeats")

    def _evaluate(self, step: int, tokens: TokenFile) -> float:
        """Validation loss: the training loss's definition over the whole split, adapter on, dropout off."""
        longest = int(tokens.lengths.max())
        nats = self.fitting.run(longest, lambda plan: total_nats(self.engine, tokens, plan.micro_tokens, self.ranks))
        nll = self.ranks.sum(nats, self.engine.device) / int((tokens.role > 0).sum())
        self.metrics.add(step=step, validationNll=nll)
        best = self.selection.note(step, nll, self.config["earlyStopping"])
        if best and self._delivers_best() and self.speaks:
            self.best = self.engine.adapter_state()
        self.events.emit("evaluated", step=step, nll=nll, examples=len(tokens), best=best)
        self.events.say(f"step {step} validation loss {nll:.4f}{', the best so far' if best else ''}")
        if self.selection.stopped:
            self.events.say(f"stops early: no better validation loss in {self.selection.stale} evaluations")
        return nll

    def _save(self, nll: float | None) -> None:
        """One checkpoint of the state between two steps: copied to the host here, written beside the next steps."""
        if not self.speaks:
            return
        progress, selection = self.progress, self.selection
        state = {
            "step": progress.step,
            "identity": self.identity,
            "plan": self.fitting.plan.to_json(),
            "rounding": self.engine.rounding,
            "progress": asdict(progress),
            "selection": asdict(selection),
            NLL: nll,
        }
        best = self.best if selection.best_step != progress.step else None
        # The one before is read from the same memory.
        self.writer.wait()
        adapter, optimizer = self._copies()
        self.writer.write(Checkpoint(state, adapter, optimizer, metrics=self.metrics.content(), best=best))

    def _copies(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Adapter and optimiser state on the host."""
        adapter = self.engine.trainable
        copies = self.host.take({**adapter, **self.optimizer.state()})
        return {n: t for n, t in copies.items() if n in adapter}, {n: t for n, t in copies.items() if n not in adapter}

    def summary(self) -> dict[str, Any]:
        """What the result says of the training."""
        progress, selection = self.progress, self.selection
        delivered = selection.best_step if self.best is not None else progress.step
        return {
            "engine": self.engine.name,
            "dtype": self.identity["dtype"],
            "finalLoss": progress.loss,
            "steps": progress.step,
            "plannedSteps": len(self.steps),
            "stoppedEarly": selection.stopped,
            "bestStep": selection.best_step,
            "bestValidationNll": selection.best_nll,
            "deliveredStep": delivered,
            "skippedSteps": progress.skipped,
            "tokens": progress.tokens,
            "supervisedTokens": progress.supervised,
            "parameters": self.engine.parameters,
            "trainableParameters": sum(parameter.numel() for parameter in self.parameters.values()),
            "plan": self.fitting.plan.to_json(),
            "expectedSeconds": self.fitting.expected_seconds,
            "stepSeconds": round(self.reporter.seconds, 1),
            "peakBytes": peak_memory(self.engine.device),
            "devices": self.ranks.size,
        }

    def write_result(self) -> list[Path]:
        """The adapter's files and metrics.jsonl, sorted by name."""
        assert self.metrics.path is not None
        return sorted([*write_adapter(self.out, self.engine, self.best), self.metrics.path])
