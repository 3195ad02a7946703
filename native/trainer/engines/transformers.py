"""The engine for any causal model that transformers loads, with PEFT's LoRA; the reference for faster engines.

Shape letters: T tokens of a packed micro-batch, S supervised tokens, E experts, r LoRA rank.
"""

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from ..data import MicroBatch
from ..errors import OutOfMemory, TrainerError, bad_config
from ..weights import require_config
from .adapter_state import load_adapter
from .device import resolve_device, resolve_dtype, set_threads_and_determinism
from .head import HeadNll, plain_head
from .masks import document_mask, layer_kinds
from .peft_config import ATTENTION, EXPERTS, FEED_FORWARD

ACTIVATIONS_PER_LAYER = 34
"""Stored numbers a token and layer, in units of the hidden size (Korthikanti et al. 2022, without attention scores)."""


def load(base: Mapping[str, Any], device: str = "auto", dtype: str = "auto") -> "Engine":
    """Load a base folder (contracts/trainer.ts BaseFolder) in eval mode.

    Raises ArtifactCorrupt unless the checkpoint's tensors and the model's are the same set, shape for shape:
    transformers would fill a missing one with random numbers and only print a table.
    """
    place = resolve_device(device)
    set_threads_and_determinism(place)
    number = resolve_dtype(dtype, place)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    folder = require_config(base)
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    options: dict[str, Any] = {}
    if getattr(config, "model_type", "") == "gpt_oss":
        # The only implementation with attention sinks and a correct backward on every device.
        options["attn_implementation"] = "eager"
    if getattr(config, "quantization_config", None):
        # transformers' MXFP4-resident experts have no backward.
        options["quantization_config"] = transformers.Mxfp4Config(dequantize=True)
    model, report = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=number, local_files_only=True, output_loading_info=True, device_map={"": place}, **options
    )
    wrong = {
        kind: sorted(map(str, report[kind]))
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
        if report[kind]
    }
    if wrong or report.get("error_msgs"):
        detail = "; ".join(f"{kind.replace('_', ' ')}: {', '.join(names[:3])}" for kind, names in wrong.items())
        raise TrainerError(
            "ArtifactCorrupt",
            f"base model {base['id']} does not fit its config: {detail}",
            "fetch or materialise the base model again",
        )
    return Engine(model, base, place, number)


class Engine:
    """A causal model, its LoRA adapter, and the loss of packed documents."""

    name = "transformers"
    modes = ("none", "full")
    """What it can recompute in the backward pass, from the fastest to the smallest."""
    pass_overhead_tokens = 32
    """The fixed cost of a pass: launches, in units of a token's time."""
    resident_layers = 0
    rounding: Mapping[str, Any] | None = None
    graph = "off: engine transformers has none"
    memory_share = 0.5
    """Part of the free memory that the first plan may fill: the estimate is rough."""

    def __init__(self, model: Any, base: Mapping[str, Any], device: torch.device, dtype: torch.dtype):
        if "logits_to_keep" not in inspect.signature(model.forward).parameters:
            raise bad_config(
                f"{type(model).__name__} cannot compute the logits of chosen rows only", "choose another base model"
            )
        self.model = model.requires_grad_(False).eval()
        self.base = base
        self.device = device
        self.dtype = dtype
        self.peft: Any = None
        self.lora: dict[str, Any] | None = None
        self.adapted: tuple[list[str], list[str]] = ([], [])
        """Names of the modules and parameters that the adapter changes, sorted."""
        self.simulated_limit: int | None = None
        """Tests only: a forward pass of more tokens is out of memory. With checkpointing a token counts a quarter."""
        self.checkpointing = "none"
        self.model.config.use_cache = False

    @property
    def parameters(self) -> int:
        """Number of parameters of the base model."""
        return sum(p.numel() for n, p in self.model.named_parameters() if ".lora_" not in n)

    @property
    def trainable(self) -> dict[str, nn.Parameter]:
        """LoRA parameters (fp32) by PEFT's key, sorted: the order of everything that walks over them."""
        if self.peft is None:
            return {}
        named = ((n.replace(".default.", "."), p) for n, p in self.peft.named_parameters() if ".lora_" in n)
        return dict(sorted(named, key=lambda pair: pair[0]))

    def lora_targets(self, targets: str) -> tuple[list[str], list[str]]:
        """(module names, parameter names), sorted, that `targets` means in this model, before it has an adapter."""
        leaves = {n.rsplit(".", 1)[-1] for n, m in self.model.named_modules() if isinstance(m, nn.Linear)}
        experts = [e for e in EXPERTS if any(n.endswith(e) and p.ndim == 3 for n, p in self.model.named_parameters())]
        modules = [m for m in ATTENTION if m in leaves] if targets != "mlp" else []
        if targets != "attention":
            modules += [m for m in FEED_FORWARD if m in leaves]
        parameters = experts if targets != "attention" else []
        if not modules and not parameters:
            raise bad_config(
                f"lora.targets {targets}: this model has no layers of the known names; its linear "
                f"layers are {', '.join(sorted(leaves))}",
                "choose another base model",
            )
        return sorted(modules), sorted(parameters)

    def add_lora(self, lora: Mapping[str, Any], seed: int) -> None:
        """Add a fresh adapter: A uniform as in PEFT, but keyed by (seed, name), so equal on every device; B zero."""
        import peft

        modules, parameters = self.lora_targets(lora["targets"])
        if parameters and lora["dropout"] > 0:
            raise bad_config(
                f"lora.dropout {lora['dropout']}: PEFT has no dropout for experts (lora.targets {lora['targets']})",
                "set lora.dropout to 0, lora.targets to attention, or engine to auto",
            )
        self.lora = dict(lora)
        self.adapted = modules, parameters
        self.peft = peft.get_peft_model(
            self.model,
            peft.LoraConfig(
                task_type="CAUSAL_LM",
                r=lora["r"],
                lora_alpha=lora["alpha"],
                lora_dropout=lora["dropout"],
                use_rslora=lora["rslora"],
                bias="none",
                target_modules=modules,
                target_parameters=parameters or None,
            ),
        )
        for name, parameter in self.trainable.items():
            if ".lora_A." in name:
                key = hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8]
                generator = torch.Generator().manual_seed(int.from_bytes(key, "big") >> 1)
                # Kaiming with a = sqrt(5), PEFT's choice: bound 1 / sqrt(fan in).
                bound = parameter.shape[-1] ** -0.5
                fresh = torch.empty(parameter.shape).uniform_(-bound, bound, generator=generator)
                parameter.data.copy_(fresh)

    def adapter_state(self) -> dict[str, Tensor]:
        """The adapter on the CPU, fp32, by PEFT's key, sorted."""
        return {name: p.detach().to("cpu", torch.float32, copy=True).contiguous() for name, p in self.trainable.items()}

    def load_adapter(self, source: str | Path | Mapping[str, Tensor]) -> None:
        """A PEFT folder or a state of the same LoRA (adapter_state.py)."""
        load_adapter(self, source)

    @contextmanager
    def without_adapter(self) -> Iterator[None]:
        """Inside, the engine is the bare base model."""
        if self.peft is None:
            yield
            return
        with self.peft.disable_adapter():
            yield

    def train(self, mode: bool) -> None:
        """Dropout on or off."""
        self.model.train(mode)

    def settle(self, tokens: int, supervised_share: float) -> None:
        """Nothing: this engine's weights are in their final form from the start."""

    def expected_bytes(self, tokens: int, supervised_share: float, mode: str) -> float:
        """Device memory that one forward and backward pass of `tokens` takes beside the weights.

        The head's logits are made in chunks (head.py): a constant beside it, whatever `supervised_share` is.
        """
        config, number = self.model.config, self.dtype.itemsize
        layers, hidden = config.num_hidden_layers, config.hidden_size
        activations = ACTIVATIONS_PER_LAYER * hidden * number * tokens
        if config._attn_implementation == "eager":
            activations += 3 * config.num_attention_heads * number * tokens**2
        # With recomputation the layers' inputs, and one layer at a time.
        return activations * layers if mode == "none" else activations + layers * hidden * number * tokens

    def set_checkpointing(self, mode: str) -> None:
        """`full` recomputes every layer in the backward pass; `none` keeps all activations."""
        if mode == self.checkpointing:
            return
        if mode == "full":
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
        else:
            self.model.gradient_checkpointing_disable()
        self.checkpointing = mode

    def nll(self, batch: MicroBatch) -> Tensor:
        """Negative log likelihood in nats of every supervised token, fp32 [S], in order; each document by itself.

        Position t is predicted from row t - 1. Logits are computed for supervised rows only. Documents are packed
        into one forward pass where `packing` allows it. Raises OutOfMemory.
        """
        if len(batch.lengths) > 1 and not self.packing[0]:
            return torch.cat([self.nll(alone) for alone in _documents(batch)])
        tokens = len(batch.ids) if self.checkpointing == "none" else len(batch.ids) / 4
        if self.simulated_limit is not None and tokens > self.simulated_limit:
            raise OutOfMemory(f"simulated: {len(batch.ids)} tokens in a forward pass, limit {self.simulated_limit}")
        ids = torch.from_numpy(batch.ids).long().to(self.device)
        targets = torch.from_numpy(batch.targets).to(self.device)
        try:
            if self._head is not None:
                return HeadNll.apply(self._hidden(ids, batch.lengths, targets - 1), self._head, ids[targets])
            logits = self._logits(ids, batch.lengths, targets - 1)
            return nn.functional.cross_entropy(logits.float(), ids[targets], reduction="none")
        except torch.OutOfMemoryError as error:
            raise self.short_of_memory(error) from error

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss`. Raises OutOfMemory."""
        try:
            loss.backward()
        except torch.OutOfMemoryError as error:
            raise self.short_of_memory(error) from error

    def short_of_memory(self, error: torch.OutOfMemoryError) -> OutOfMemory:
        """What to raise instead."""
        return OutOfMemory(str(error).split("\n")[0])

    @cached_property
    def _head(self) -> Tensor | None:
        return plain_head(self.model, self.device)

    def _logits(self, ids: Tensor, lengths: list[int], rows: Tensor) -> Tensor:
        """Logits [S, vocabulary] at `rows` of the packed documents `ids` [T]."""
        return self.model(**self._inputs(ids, lengths), logits_to_keep=rows).logits[0]

    def _hidden(self, ids: Tensor, lengths: list[int], rows: Tensor) -> Tensor:
        """What the head reads, [S, hidden], at `rows` of the packed documents `ids` [T]."""
        return self.model.get_decoder()(**self._inputs(ids, lengths)).last_hidden_state[0, rows]

    def _inputs(self, ids: Tensor, lengths: list[int]) -> dict[str, Any]:
        positions = torch.cat([torch.arange(n, device=self.device) for n in lengths])
        mask = document_mask(self.model.config, lengths, self.dtype, self.device)
        return {"input_ids": ids[None], "position_ids": positions[None], "attention_mask": mask, "use_cache": False}

    @cached_property
    def packing(self) -> tuple[bool, str]:
        """(whether documents may share a forward pass, why not): found by trying, not by the model's name.

        Two documents packed must give the second one's own logits, and keep them when the first one changes.
        """
        kinds = layer_kinds(self.model.config)
        if not kinds <= {"full_attention", "sliding_attention"}:
            return False, f"packing off: layers of kind {', '.join(sorted(kinds))}"
        vocab = int(self.model.config.vocab_size)
        first, other, second = ([(17 * i + shift) % vocab for i in range(12)] for shift in (3, 7, 11))
        rows = torch.arange(12, device=self.device)
        mode = self.model.training
        self.model.eval()
        try:
            with torch.no_grad():
                alone = self._logits(torch.tensor(second, device=self.device), [12], rows)
                packed = [
                    self._logits(torch.tensor(f + second, device=self.device), [12, 12], rows + 12)
                    for f in (first, other)
                ]
        except (TypeError, ValueError, RuntimeError, KeyError, AttributeError) as error:
            return False, f"packing off: the model does not take our mask ({type(error).__name__})"
        finally:
            self.model.train(mode)
        bound = (1e-4 if self.dtype == torch.float32 else 5e-2) * alone.abs().max()
        if max((p - alone).abs().max() for p in packed) > bound:
            return False, "packing off: packed documents see each other in this model"
        return True, ""


def _documents(batch: MicroBatch) -> Iterator[MicroBatch]:
    """Each document of a micro-batch as one of its own; those without supervised tokens have no row, so none."""
    start = 0
    for length in batch.lengths:
        span = slice(start, start + length)
        if batch.role[span].any():
            yield MicroBatch(batch.ids[span], batch.role[span], [length])
        start += length
