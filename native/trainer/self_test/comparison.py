"""Loss and every kind of LoRA gradient of engine gptoss beside the reference's, on two real layers and the head."""

import time
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from ..data import MicroBatch
from ..engines.gptoss import plain
from ..engines.gptoss.batch import inputs_of
from ..engines.gptoss.layer import PARTS
from ..engines.gptoss.lora import PREFIX, LoraParameters, working_copies
from ..engines.gptoss.model import Model
from ..engines.gptoss.shape import Shape
from ..engines.gptoss.weights import Weights
from ..errors import TrainerError
from ..events import Events
from ..random_bits import key_of, uniform
from . import audit, reference
from .reference import Kept

LENGTHS = [150, 37, 69]
"""256 tokens in three ragged documents; one is longer than GPT-OSS's window of 128."""
LAYERS = 2
"""One with a window and one without."""
KEY = key_of("self-test")
"""Of the sample's dropout, where the training has one."""
LOSS_BOUND = {torch.bfloat16: 2e-3, torch.float32: 1e-5}
GRADIENT_BOUND = {torch.bfloat16: 0.06, torch.float32: 1e-4}
"""Relative. In bf16 a right engine is 2 to 4 % from fp32, as an eager bf16 model is (facts of the prototype)."""
ROOM = 8 * 2**30
"""Free bytes of a GPU from which the reference runs there; else on the CPU, from the same weights."""


@dataclass(frozen=True)
class Outcome:
    """Relative errors: of the loss, and of each kind of gradient by PEFT's name without the layer."""

    loss: float
    gradients: dict[str, float]
    seconds: float

    @property
    def worst(self) -> str:
        """The kind with the largest error."""
        return max(self.gradients, key=lambda kind: self.gradients[kind])


def before_training(engine: Any, events: Events) -> None:
    """Stop a training whose engine computes something else than the reference; other engines are the reference.

    Emits `selfTest`. Costs a second or two at the full 20B size, and changes nothing of the engine.
    """
    if engine.name == "gptoss":
        require_agreement(engine, events)


def require_agreement(engine: Any, events: Events) -> Outcome:
    """Compare and emit `selfTest`. Raises EngineMismatch naming the part."""
    outcome = compare(engine)
    worst = outcome.worst
    events.emit(
        "selfTest",
        engine=engine.name,
        seconds=round(outcome.seconds, 3),
        lossError=_finite(outcome.loss),
        gradientError=_finite(outcome.gradients[worst]),
        worst=worst,
    )
    events.say(
        f"self-test: loss within {outcome.loss:.1e}, gradients within {outcome.gradients[worst]:.1e} of the reference "
        f"({worst}), {outcome.seconds:.1f} s"
    )
    bound = GRADIENT_BOUND[engine.dtype]
    wrong = sorted(kind for kind, error in outcome.gradients.items() if not error <= bound)
    if wrong or not outcome.loss <= LOSS_BOUND[engine.dtype]:
        parts = faults(engine)
        named = ", ".join(f"{name} (off by {distance:.1%})" for name, distance in parts.items())
        what = f"loss off by {outcome.loss:.2e}, gradients of {', '.join(wrong) or 'no kind'} beyond {bound:.0e}"
        raise TrainerError(
            "EngineMismatch",
            f"engine gptoss differs from its reference here: {named or 'no single operation'}; {what}",
            "train with train.engine transformers, and report the message with the device and driver",
        )
    return outcome


def compare(engine: Any) -> Outcome:
    """Run both on the same small batch with a random adapter, A and B: with B zero no gradient of A could be wrong."""
    started = time.monotonic()
    sample = _Sample(engine)
    chosen: list[Tensor] = []
    nll, gradients = sample.run(audit.recording(engine.built.ops, chosen))
    expected_nll, expected = sample.reference(chosen[:LAYERS])
    errors = {kind: _relative(gradients[kind], expected[kind]) for kind in sorted(expected)}
    return Outcome(_relative(nll.mean(), expected_nll.mean()), errors, time.monotonic() - started)


def faults(engine: Any) -> dict[str, float]:
    """Operations that differ from their plain twins on the self-test's batch, with their distance, worst first."""
    found: dict[str, float] = {}
    try:
        _Sample(engine).run(audit.audited(engine.built.ops, plain, engine.dtype, found))
    except (torch.OutOfMemoryError, RuntimeError) as error:
        found[f"an operation that ended with {type(error).__name__}"] = float("inf")
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


class _Sample:
    """The batch, two layers of the engine's frozen weights, and a random adapter for them."""

    def __init__(self, engine: Any):
        self.engine = engine
        weights: Weights = engine.weights
        layers = weights.layers[:LAYERS]
        self.weights = replace(weights, layers=layers)
        self.s: Shape = replace(engine.s, windows=engine.s.windows[: len(layers)])
        generator = torch.Generator().manual_seed(0)
        total = sum(LENGTHS)
        self.ids = torch.randint(0, self.s.vocabulary, (total,), generator=generator)
        starts = torch.tensor([0, *LENGTHS]).cumsum(0)[:-1]
        positions = torch.arange(total)
        self.targets = positions[~torch.isin(positions, starts)]
        self.adapter = LoraParameters(self.s, engine.lora["targets"], 0, engine.device)
        for name, parameter in self.adapter.named.items():
            if ".lora_B." in name:
                parameter.data.copy_(0.02 * torch.randn(parameter.shape, generator=generator))

    def run(self, ops: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """(nats [S], gradient by kind) of the engine's passes with these operations."""
        engine = self.engine
        model = Model(self.weights, self.s, ops, engine.dtype, engine.device, engine.thrift)
        role = torch.zeros(len(self.ids), dtype=torch.uint8).index_fill_(0, self.targets, 2)
        batch = MicroBatch(self.ids.int().numpy(), role.numpy(), list(LENGTHS))
        key = KEY if self.s.dropout else None
        self.adapter.begin_gradients()
        with torch.no_grad():
            nll, done = model.forward(inputs_of(batch, engine.device, False, key), self.adapter, keep=True)
            weight = torch.full_like(nll, 1 / len(nll))
            model.backward(done, weight, self.adapter)
        return nll, self._by_kind({name: p.grad for name, p in self.adapter.named.items()})

    def reference(self, chosen: list[Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The same of the reference, in fp32."""
        from ..engines.device import free_memory

        on_gpu = self.engine.device.type == "cuda" and free_memory(self.engine.device) > ROOM
        device = self.engine.device if on_gpu else torch.device("cpu")
        leaves = {
            suffix: stack.detach().to(device, torch.float32, copy=True).requires_grad_()
            for suffix, stack in self.adapter.stacks.items()
        }
        loras = working_copies(SimpleNamespace(stacks=leaves), self.s, torch.float32, device)
        ids, targets = self.ids.to(device), self.targets.to(device)
        built = self.engine.built
        nll = reference.nll(
            self.weights, self.s, loras, [experts.to(device) for experts in chosen], ids, LENGTHS,
            targets - 1, ids[targets], built.inverse.to(device), built.rope_factor,
            [self._kept(layer, device) for layer in range(len(self.s.windows))],
        )  # fmt: skip
        nll.mean().backward()
        return nll.detach(), {suffix: leaf.grad for suffix, leaf in leaves.items()}

    def _kept(self, layer: int, device: torch.device) -> Kept:
        p = self.s.dropout

        def kept(part: int, rows: int, columns: int) -> Tensor:
            if not p:
                return torch.ones(1, 1, device=device).expand(rows, columns)
            return (uniform(KEY, layer * PARTS + part, rows, columns, device) >= p) / (1 - p)

        return kept

    def _by_kind(self, gradients: dict[str, Any]) -> dict[str, Tensor]:
        layers = range(len(self.s.windows))
        return {
            suffix: torch.stack([gradients[f"{PREFIX}{layer}.{suffix}"] for layer in layers])
            for suffix in self.adapter.stacks
        }


def _relative(got: Tensor, expected: Tensor) -> float:
    got, expected = got.float().cpu(), expected.float().cpu()
    return float((got - expected).norm() / expected.norm().clamp_min(1e-30))


def _finite(error: float) -> float:
    """JSON knows neither NaN nor infinity."""
    return error if error < 1e9 else 1e9
