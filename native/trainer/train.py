"""python -m trainer train config.json: a LoRA adapter from a token file, with checkpoints.

A step is a pure function of (data set, seed, step number, adapter and optimiser state), so that a run that was killed
and resumed has the losses, bit for bit, of one that never stopped (same device model, lock and plan).
"""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict
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
    read_checkpoint,
    require_identity,
)
from .checkpoint_writer import CheckpointWriter
from .data import TokenFile, micro_batch, pack, plan_steps, read_tokens, require_tokenizer
from .engines.choice import choose_engine, load_engine_named
from .engines.device import peak_memory
from .errors import MAY_RETRY, OutOfMemory, Stopped, TrainerError
from .events import Events
from .files import file_entry
from .optim import create_adamw, learning_rate, moments, restore_moments
from .plan import Plan, first_plan
from .progress import Metrics, Progress, StepReporter, StepResult

NON_FINITE_IN_A_ROW = 3
"""Steps with a loss or gradient that is not a number, one after the other, that end the training."""


def run(config: dict[str, Any], events: Events) -> None:
    """The train command; see contracts/trainer.ts TrainConfig. Raises Stopped after SIGTERM, or TrainerError."""
    started = time.monotonic()
    training = Training(config, events)
    resumed_from = training.resume()
    training.settle()
    training.use(training.plan, resumed_from)
    try:
        training.train()
    finally:
        training.writer.wait()
    files = training.write_result()
    progress = training.progress
    metrics = {
        "finalLoss": progress.loss,
        "steps": progress.step,
        "skippedSteps": progress.skipped,
        "tokens": progress.tokens,
        "supervisedTokens": progress.supervised,
        "seconds": round(time.monotonic() - started, 3),
    }
    events.emit("result", files=[file_entry(path) for path in files], metrics=metrics)


def identity(config: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint must agree on to be gone on from: everything that moves the losses."""
    flat = {f"{part}.{key}": value for part in ("lora", "optimizer", "batch") for key, value in config[part].items()}
    plain = {key: config[key] for key in ("datasetDigest", "seed", "steps", "epochs", "dtype", "engine")}
    return {**plain, **flat, "base.weightsDigest": config["base"]["weightsDigest"]}


class Training:
    """The state of one training: data, engine, optimiser, progress, plan."""

    def __init__(self, config: dict[str, Any], events: Events):
        """Reads the data, loads the model, adds a fresh adapter. Emits `loaded`."""
        started = time.monotonic()
        self.config, self.events = config, events
        self.out = Path(config["out"])
        self.checkpoints = Path(config["checkpoint"]["folder"])
        self.tokens = self._read(config["tokens"]["train"], "train tokens")
        validation = config["tokens"]["validation"]
        self.validation = self._read(validation, "validation tokens") if validation else None
        batch, lengths = config["batch"], self.tokens.lengths.tolist()
        self.steps = plan_steps(
            lengths, config["seed"], batch["examples"], batch["tokens"], config["steps"], config["epochs"]
        )
        self.checkpoint = self._checkpoint_to_resume()
        self.identity = self.checkpoint.state["identity"] if self.checkpoint else identity(config)
        if self.checkpoint is None:
            self.identity["engine"], reason = choose_engine(config, self.identity["dtype"])
            events.say(f"engine {self.identity['engine']}: {reason}")
        self.engine = load_engine_named(
            self.identity["engine"], config["base"], config["device"], self.identity["dtype"]
        )
        self.identity["dtype"] = {torch.bfloat16: "bf16", torch.float32: "fp32"}[self.engine.dtype]
        self.engine.add_lora(config["lora"], config["seed"])
        self.engine.simulated_limit = config["simulatedLimitTokens"]
        self.parameters = self.engine.trainable
        optimizer = config["optimizer"]
        self.optimizer = create_adamw(self.parameters, optimizer["lr"], optimizer["weightDecay"])
        events.emit(
            "loaded",
            seconds=round(time.monotonic() - started, 3),
            device=self.engine.device.type,
            dtype=self.identity["dtype"],
            engine=self.engine.name,
            parameters=self.engine.parameters,
            trainable=sum(parameter.numel() for parameter in self.parameters.values()),
        )
        self.progress = Progress()
        self.metrics = Metrics(self.out / METRICS)
        self.reporter = StepReporter(events, len(self.steps))
        checkpoint = config["checkpoint"]
        self.writer = CheckpointWriter(self.checkpoints, checkpoint["fence"], checkpoint["keep"], events)
        self.plan: Plan

    def _read(self, path: str, name: str) -> TokenFile:
        tokens = read_tokens(path)
        require_tokenizer(tokens, self.config["base"]["folder"], name)
        return tokens

    def _checkpoint_to_resume(self) -> Checkpoint | None:
        """checkpoint.resume itself, or the newest whole one when it names a folder of checkpoints.

        Raises ArtifactCorrupt for a damaged one, bad config (exit 2) for one of another training.
        """
        if self.config["checkpoint"]["resume"] is None:
            return None
        path: Path | None = Path(self.config["checkpoint"]["resume"])
        if not (path / MANIFEST).is_file() and not is_checkpoint_name(path.name) and path.is_dir():
            remedy = "nothing; an older one is used, or training starts at step 0"
            path = newest_whole(path, lambda what: self.events.warning("CheckpointPassedOver", what, remedy))
        if path is None:
            return None
        checkpoint = read_checkpoint(path)
        mine = identity(self.config)
        for field in ("dtype", "engine"):
            if mine[field] == "auto":
                # `auto` was answered when training began; another machine's answer may differ.
                mine[field] = checkpoint.state["identity"][field]
        require_identity(path.name, checkpoint.state["identity"], mine)
        return checkpoint

    def resume(self) -> int | None:
        """Put the checkpoint's state and plan in place; returns its step. Without one: the first plan, None."""
        if self.checkpoint is None:
            self.metrics.restore(b"")
            self.plan = first_plan(self.engine, self.config["microTokens"], self._supervised_share())
            return None
        state = self.checkpoint.state
        self.progress = Progress(**state["progress"])
        self.engine.load_adapter(self.checkpoint.adapter)
        restore_moments(self.optimizer, self.parameters, self.checkpoint.optimizer, self.progress.updates)
        self.metrics.restore(self.checkpoint.metrics)
        self.plan = Plan(**state["plan"])
        self.checkpoint = None  # its tensors are copied; twice the optimiser would stay in memory
        return self.progress.step

    def _supervised_share(self) -> float:
        return float((self.tokens.role > 0).mean())

    def settle(self) -> None:
        """Let the engine spend the memory that the plan leaves, on speed; it changes no bit of the training."""
        if self.plan.checkpointing == "none":
            longest = int(self.tokens.lengths.max())
            self.engine.settle(max(self.plan.micro_tokens, longest), self._supervised_share())

    def train(self) -> None:
        """All steps that are left, with checkpoints. Raises Stopped after SIGTERM, at a step boundary."""
        progress, settings = self.progress, self.config["checkpoint"]
        saved_at, saved_step = time.monotonic(), progress.step
        while progress.step < len(self.steps):
            if not stopping.requested():
                self._step()
            due = (
                progress.step - saved_step >= settings["everySteps"]
                or time.monotonic() - saved_at >= settings["everySeconds"]
                or progress.step == len(self.steps)
                or stopping.requested()
            )
            # A state that gives losses that are no numbers is not worth going on from.
            if due and progress.step > saved_step and not progress.skipped_in_a_row:
                self._save()
                saved_at, saved_step = time.monotonic(), progress.step
            if stopping.requested():
                raise Stopped(f"stopped after step {progress.step} of {len(self.steps)}; checkpoint at {saved_step}")

    def _step(self) -> None:
        """One optimiser step, on as small a plan as it takes."""
        progress, optimizer, tokens = self.progress, self.config["optimizer"], self.tokens
        step = progress.step + 1
        members = self.steps[step - 1]
        started = time.monotonic()
        lr = learning_rate(step, len(self.steps), optimizer["lr"], optimizer["warmupSteps"], optimizer["schedule"])
        loss = self._fitting(int(tokens.lengths[members].max()), lambda: self._gradients(members, step))
        norm = float(torch.nn.utils.clip_grad_norm_(self.parameters.values(), optimizer["clip"]))
        progress.step = step
        if math.isfinite(loss) and math.isfinite(norm):
            self.optimizer.param_groups[0]["lr"] = lr
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            self._skip(step, members)
            return
        supervised = sum(tokens.supervised(index) for index in members)
        count = int(tokens.lengths[members].sum())
        progress.updates += 1
        progress.tokens += count
        progress.supervised += supervised
        progress.loss = loss
        progress.skipped_in_a_row = 0
        self.metrics.add(step=step, loss=loss, lr=lr, gradNorm=norm, tokens=count, supervisedTokens=supervised)
        done = StepResult(step, loss, lr, norm, count, supervised, time.monotonic() - started)
        self.reporter.report(done, peak_memory(self.engine.device))
        every = self.config["evalEvery"]
        if self.validation is not None and every and step % every == 0:
            self._evaluate(step, self.validation)

    def _gradients(self, members: list[int], step: int) -> float:
        """Gradients of the step's mean loss over supervised tokens; returns that loss. Raises OutOfMemory.

        The divisor is the whole step's number of supervised tokens, so the loss does not depend on the grouping.
        """
        self.engine.train(True)
        total = sum(self.tokens.supervised(index) for index in members)
        sums = []
        for group in pack({index: int(self.tokens.lengths[index]) for index in members}, self.plan.micro_tokens):
            # Dropout is keyed by (seed, step, micro-batch), not by the calls before it: resume needs no state.
            key = hashlib.sha256(f"{self.config['seed']}:{step}:{group[0]}".encode()).digest()
            torch.manual_seed(int.from_bytes(key[:8], "big") >> 1)
            nll = self.engine.nll(micro_batch(self.tokens, group))
            # Not yet a number of the host: that would wait for the forward pass.
            sums.append(nll.detach().double().sum())
            self.engine.backward(nll.sum() / total)
        return sum(map(float, sums)) / total

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
                what = f"one example of {longest} tokens does not fit, even with activations recomputed: {message}"
                raise TrainerError("GpuOutOfMemory", what, "free memory on the device or shorten examples", MAY_RETRY)
            self.use(smaller, resumed_from=None)

    def use(self, plan: Plan, resumed_from: int | None) -> None:
        """Go on with this plan, and say so."""
        self.plan = plan
        self.engine.set_checkpointing(plan.checkpointing)
        self.events.emit(
            "plan",
            steps=len(self.steps),
            examples=self.config["batch"]["examples"],
            microTokens=plan.micro_tokens,
            packing=plan.packing,
            checkpointing=plan.checkpointing,
            residentLayers=self.engine.resident_layers,
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
        self.metrics.add(step=step, loss=None, skipped=True)
        if progress.skipped_in_a_row >= NON_FINITE_IN_A_ROW:
            what = f"{what}; {NON_FINITE_IN_A_ROW} such steps in a row"
            raise TrainerError("TrainingDiverged", what, "lower train.lr; the last good checkpoint is kept")
        self.events.warning("StepSkipped", what, "nothing yet; lower train.lr if it repeats")

    def _evaluate(self, step: int, tokens: TokenFile) -> None:
        """Validation loss: the training loss's definition over the whole split, adapter on, dropout off."""
        self.engine.train(False)
        lengths = dict(enumerate(tokens.lengths.tolist()))

        def total() -> float:
            groups = pack(lengths, self.plan.micro_tokens)
            return sum(float(self.engine.nll(micro_batch(tokens, group)).double().sum()) for group in groups)

        with torch.no_grad():
            nll = self._fitting(max(lengths.values()), total) / int((tokens.role > 0).sum())
        self.metrics.add(step=step, validationNll=nll)
        self.events.emit("evaluated", step=step, nll=nll, examples=len(tokens))
        self.events.say(f"step {step} validation loss {nll:.4f}")

    def _save(self) -> None:
        """One checkpoint of the state between two steps: copied to the host here, written beside the next steps."""
        progress = self.progress
        state = {
            "step": progress.step,
            "identity": self.identity,
            "plan": self.plan.to_json(),
            "progress": asdict(progress),
        }
        tensors = self.engine.adapter_state(), moments(self.optimizer, self.parameters)
        self.writer.write(Checkpoint(state, *tensors, metrics=self.metrics.content()))

    def write_result(self) -> list[Path]:
        """The adapter's files and metrics.jsonl, sorted by name."""
        return sorted([*write_adapter(self.out, self.engine), self.metrics.path])
