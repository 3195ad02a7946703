"""The engine object: the interface of engines/transformers.py around our own forward and backward pass."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...data import MicroBatch
from ...errors import OutOfMemory, bad_config
from ...random_bits import key_of
from ...weights import require_config
from ..adapter_state import load_adapter
from ..device import free_memory, resolve_device, resolve_dtype, set_threads_and_determinism
from ..peft_config import ATTENTION, EXPERTS
from .batch import Inputs, inputs_of
from .graph import LARGEST, Graphs
from .lora import LoraParameters
from .model import Model
from .probe import LARGEST_R, unfit
from .shape import Shape, read_shape
from .thrift import Thrift, thrift_for
from .weights import Weights, experts_reader, is_gpt_oss, load_weights, stored_bytes


def load(
    base: Mapping[str, Any], device: str = "auto", dtype: str = "auto", thrift: Mapping[str, Any] | None = None
) -> "Engine":
    """Load a GPT-OSS base folder, MXFP4 as shipped or 16-bit. Raises ArtifactCorrupt, or bad config.

    thrift: what a training that is resumed did without (Engine.rounding); more than that only where less memory is
    free than it had.
    """
    place = resolve_device(device)
    set_threads_and_determinism(place)
    number = resolve_dtype(dtype, place)
    folder = require_config(base)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    if not is_gpt_oss(config):
        raise bad_config(f"engine gptoss: {base['id']} is a {config.get('model_type')}", "set engine to auto")
    s = read_shape(config)
    chosen = _thrift_here(folder, s, place)
    if thrift is not None:
        chosen = max(Thrift(**thrift), chosen, key=Thrift.saving)
    weights = load_weights(folder, s, place, number, chosen.embedding_on_cpu)
    return Engine(weights, s, base, place, number, chosen)


def _thrift_here(folder: Path, s: Shape, place: torch.device) -> Thrift:
    """By what the weights will leave free; a CPU has no memory of its own."""
    return thrift_for(free_memory(place) - stored_bytes(folder), s) if place.type == "cuda" else Thrift()


class _Nll(torch.autograd.Function):
    """Joins the hand-written passes to autograd: its inputs are the parameters, whose .grad the backward adds to."""

    @staticmethod
    def forward(ctx: Any, engine: "Engine", given: Inputs, *_: Tensor) -> Tensor:
        nll, ctx.done = engine.graphs.forward(given)
        ctx.engine = engine
        return nll

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> tuple[None, ...]:
        done, ctx.done = ctx.done, None
        ctx.engine.parameters_of_lora.begin_gradients()
        ctx.engine.graphs.backward(done, weight)
        return (None,) * (2 + len(ctx.engine.trainable))


class Engine:
    """GPT-OSS, its LoRA adapter, and the loss of packed documents."""

    name = "gptoss"
    modes = ("none", "moe", "full")
    """What it can recompute in the backward pass, from the fastest to the smallest."""
    pass_overhead_tokens = 1000
    """The fixed cost of a pass, above all de-quantising: 33 ms of 300 at 8,192 tokens on an H100."""
    packing = (True, "")
    memory_share = 0.94
    """Part of the free memory that the first plan may fill: the estimate below was measured to be close."""

    def __init__(self, weights: Weights, s: Shape, base: Mapping[str, Any], device: torch.device, dtype: torch.dtype,
                 thrift: Thrift | None = None):  # fmt: skip
        self.weights, self.s, self.base, self.device, self.dtype = weights, s, base, device, dtype
        self.thrift = thrift or Thrift()
        self.lora: dict[str, Any] | None = None
        self.adapted: tuple[list[str], list[str]] = ([], [])
        self.parameters_of_lora: LoraParameters | None = None
        self.active: LoraParameters | None = None
        """The adapter that `nll` uses; None: the bare base model."""
        self.simulated_limit: int | None = None
        """Tests only: a forward pass of more tokens is out of memory. With checkpointing a token counts a quarter."""
        self.checkpointing = "none"
        self.dropping = False
        self.kernels = self.padded = unfit(s, device, dtype) is None
        self.built = self._build()

    def _build(self) -> Model:
        if self.kernels:
            from . import fused as ops
        else:
            from . import plain as ops
        return Model(self.weights, self.s, ops, self.dtype, self.device, self.thrift)

    @property
    def parameters(self) -> int:
        """Number of parameters of the base model."""
        return self.weights.parameters

    @property
    def trainable(self) -> dict[str, nn.Parameter]:
        """LoRA parameters (fp32) by PEFT's key, sorted."""
        return {} if self.parameters_of_lora is None else self.parameters_of_lora.named

    @property
    def rounding(self) -> dict[str, Any]:
        """What decides how sums are rounded beside the plan: a resumed training must have it alike (see `load`)."""
        return asdict(self.thrift)

    def train(self, mode: bool) -> None:
        """Dropout on or off."""
        self.dropping = mode

    def add_lora(self, lora: Mapping[str, Any], seed: int) -> None:
        """Add a fresh adapter: the same numbers as engines/transformers.py."""
        if self.kernels and lora["r"] > LARGEST_R:
            raise bad_config(f"lora.r {lora['r']}: engine gptoss takes {LARGEST_R} at most on a GPU",
                             "set engine to transformers")  # fmt: skip
        self.lora = dict(lora)
        modules = sorted(ATTENTION) if lora["targets"] != "mlp" else []
        parameters = sorted(EXPERTS) if lora["targets"] != "attention" else []
        self.adapted = modules, parameters
        scale = lora["alpha"] / (lora["r"] ** 0.5 if lora["rslora"] else lora["r"])
        self.s = replace(self.s, r=lora["r"], scale=scale, dropout=lora["dropout"])
        self.parameters_of_lora = LoraParameters(self.s, lora["targets"], seed, self.device)
        self.active = self.parameters_of_lora
        self.built = self._build()
        why_not = "" if self.kernels else "the kernels do not run here"
        if self.thrift.embedding_on_cpu:
            why_not = "the embedding is on the CPU, for want of memory"
        self.graphs = Graphs(self.built, self.parameters_of_lora, self._fits_twice, why_not)

    def _fits_twice(self, tokens: int) -> bool:
        return free_memory(self.device) > 2 * self.expected_bytes(tokens, 1.0, self.checkpointing)

    @property
    def graph(self) -> str:
        """Whether small passes are CUDA graphs, for the plan event."""
        if self.graphs.why_not:
            return f"off: {self.graphs.why_not}"
        return f"on: passes of up to {LARGEST} tokens are captured when their shape comes again"

    def adapter_state(self) -> dict[str, Tensor]:
        """The adapter on the CPU, fp32, by PEFT's key, sorted."""
        return {name: p.detach().to("cpu", torch.float32, copy=True).contiguous() for name, p in self.trainable.items()}

    def load_adapter(self, source: str | Path | Mapping[str, Tensor]) -> None:
        """A PEFT folder or a state of the same LoRA (adapter_state.py)."""
        load_adapter(self, source)

    @contextmanager
    def without_adapter(self) -> Iterator[None]:
        """Inside, the engine is the bare base model."""
        before, self.active = self.active, None
        try:
            yield
        finally:
            self.active = before

    def set_checkpointing(self, mode: str) -> None:
        """`full` recomputes every layer in the backward pass, `moe` its largest activation; `none` keeps all."""
        self.checkpointing = self.built.mode = mode

    def expected_bytes(self, tokens: int, supervised_share: float, mode: str) -> float:
        """Device memory that one forward and backward pass of `tokens` takes beside the weights."""
        s, number = self.s, self.dtype.itemsize
        gate_up = s.top_k * 2 * s.intermediate
        kept = 2 * s.hidden + s.qkv + s.heads * s.head_dim + gate_up + s.top_k * 2 * s.r
        dropped = 3 * max(s.hidden, s.heads * s.head_dim) if s.dropout else 0
        passing = dropped + s.top_k * (s.ld_hidden + s.ld_gate_up + 2 * s.ld_intermediate) + 4 * s.qkv
        logits = min(self.thrift.head_rows, supervised_share * tokens) * s.vocabulary
        bank = self.built.bank
        scratch = 0 if bank.shared else bank.layer_bytes() * bank.at_a_time // s.experts
        # What every layer keeps, and what only the layer at work has.
        every, one = {"none": (kept, 0), "moe": (kept - gate_up, gate_up), "full": (s.hidden, kept)}[mode]
        return tokens * number * (every * len(s.windows) + one + passing) + number * logits + scratch

    @property
    def resident_layers(self) -> int:
        """Layers whose experts are kept as 16-bit numbers."""
        return self.built.bank.resident_layers

    def settle(self, tokens: int, supervised_share: float) -> None:
        """Keep as many layers' experts in 16 bits as fit beside passes of `tokens`: they are not de-quantised again.

        It changes no bit of any result, so the number may differ from run to run.
        """
        if not self.kernels:
            return
        bank = self.built.bank
        gradients = sum(parameter.numel() * 4 for parameter in self.trainable.values())
        spare = self.memory_share * free_memory(self.device) - self.expected_bytes(tokens, supervised_share, "none")
        spare -= gradients
        for layer in range(len(self.s.windows)):
            cost = bank.cost_of_keeping(layer)
            # While it is decoded, source and numbers are both there.
            if spare < max(cost, 0) + bank.layer_bytes():
                return
            try:
                bank.keep(layer)
            except torch.OutOfMemoryError:
                # Another process took memory meanwhile; what is kept so far is whole.
                torch.cuda.empty_cache()
                return
            spare -= cost

    def release(self) -> None:
        """Give back the memory that `settle` took, after a shortage: the compressed weights are read again."""
        read = experts_reader(Path(self.base["folder"]), self.s, self.device, self.dtype)
        self.built.bank.release(read)

    def nll(self, batch: MicroBatch) -> Tensor:
        """Negative log likelihood in nats of every supervised token, fp32 [S], in order; each document by itself.

        Raises OutOfMemory.
        """
        tokens = len(batch.ids) if self.checkpointing == "none" else len(batch.ids) / 4
        if self.simulated_limit is not None and tokens > self.simulated_limit:
            raise OutOfMemory(f"simulated: {len(batch.ids)} tokens, checkpointing {self.checkpointing}")
        trains = torch.is_grad_enabled() and self.active is not None
        # The seed of torch is the trainer's key of seed, step and micro-batch.
        key = key_of(torch.initial_seed()) if trains and self.dropping and self.s.dropout > 0 else None
        given = inputs_of(batch, self.device, self.padded and len(batch.ids) <= LARGEST, key)
        try:
            if trains:
                return _Nll.apply(self, given, *self.trainable.values())[: given.supervised]
            with torch.no_grad():
                return self.built.forward(given, self.active, keep=False)[0][: given.supervised]
        except torch.OutOfMemoryError as error:
            raise self.short_of_memory(error) from error

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss`. Raises OutOfMemory."""
        try:
            loss.backward()
        except torch.OutOfMemoryError as error:
            raise self.short_of_memory(error) from error

    def short_of_memory(self, error: torch.OutOfMemoryError) -> OutOfMemory:
        """What to raise instead; gives back what captured passes hold."""
        if self.parameters_of_lora is not None:
            self.graphs.release()
        return OutOfMemory(str(error).split("\n")[0])
