"""The whole model over a packed micro-batch: forward pass with stashes, backward pass that adds gradients."""

from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor, nn

from .batch import Inputs
from .experts import ExpertBank
from .layer import Batch, LayerRunner, Stash
from .lora import LayerLora, LoraParameters, working_copies
from .loss import head_nll
from .rope import angles, frequencies
from .shape import Shape
from .thrift import Thrift
from .weights import Weights


@dataclass
class Pass:
    """What a forward pass leaves for its backward pass."""

    batch: Batch
    rows: Tensor
    """Rows with a supervised successor, int64 [S]."""
    loras: list[LayerLora]
    stashes: list[Stash]
    last: Tensor
    """Output of the last layer [T, H]."""
    gradient: Tensor | None
    """Of each supervised row's normed output, for a loss weight of one [S, H]."""


class Model:
    """Frozen weights, expert bank and layers of one LoRA shape."""

    def __init__(self, weights: Weights, s: Shape, ops: ModuleType, dtype: torch.dtype, device: torch.device,
                 thrift: Thrift):  # fmt: skip
        self.weights, self.s, self.ops, self.dtype, self.device = weights, s, ops, dtype, device
        self.bank = ExpertBank(weights.layers, s, ops, dtype, device, thrift.experts_at_a_time)
        self.head_rows = thrift.head_rows
        self.layers = [LayerRunner(i, layer, s, ops, self.bank) for i, layer in enumerate(weights.layers)]
        inverse, self.rope_factor = frequencies(s.rope, s.head_dim)
        self.inverse = inverse.to(device)
        self.mode = "none"
        """What is computed again in the backward pass: none, moe (gate_up) or full (every layer)."""

    def forward(self, inputs: Inputs, parameters: LoraParameters | None, keep: bool) -> tuple[Tensor, Pass | None]:
        """(nats fp32 [S], what the backward pass needs if `keep`); parameters None: the bare base model."""
        s, w = self.s, self.weights
        batch = Batch(inputs.documents, *angles(inputs.positions, self.inverse, self.rope_factor), inputs.key)
        loras = working_copies(parameters, s, self.dtype, self.device)
        self.bank.use(loras)
        h = self._embedded(inputs.ids)
        xn = self.ops.rms_norm(h, w.layers[0].norm1, s.eps)
        stashes: list[Stash] = []
        for index, (layer, lora) in enumerate(zip(self.layers, loras, strict=True)):
            norm = w.layers[index + 1].norm1 if index + 1 < len(self.layers) else w.norm
            h, xn, stash = layer.forward(h, xn, lora, batch, norm, self.mode if keep else "forget")
            if keep:
                stashes.append(stash)
            del stash
        nll, gradient = head_nll(xn[inputs.rows], w.head, inputs.targets, self.ops, keep, self.head_rows)
        return nll, Pass(batch, inputs.rows, loras, stashes, h, gradient) if keep else None

    def _embedded(self, ids: Tensor) -> Tensor:
        table = self.weights.embedding
        if table.device.type == self.device.type:
            return nn.functional.embedding(ids, table)
        # Through page-locked memory: from other memory the copy takes several times as long.
        rows = torch.empty(len(ids), table.shape[1], dtype=table.dtype, pin_memory=True)
        torch.index_select(table, 0, ids.to(table.device), out=rows)
        return rows.to(self.device, non_blocking=True)

    def backward(self, done: Pass, weight: Tensor, parameters: LoraParameters) -> None:
        """Add to the parameters' gradients those of sum(weight * nll); weight fp32 [S]. Uses up `done`.

        The caller has called parameters.begin_gradients.
        """
        s, w = self.s, self.weights
        if self.bank.loras is not done.loras:
            self.bank.use(done.loras)
        assert done.gradient is not None
        d = torch.zeros_like(done.last)
        d.index_copy_(0, done.rows, (done.gradient.float() * weight[:, None]).to(self.dtype))
        done.gradient = None
        d = self.ops.rms_norm_backward(done.last, w.norm, d, s.eps)
        del done.last
        for index in reversed(range(len(self.layers))):
            lora = done.loras[index]
            d, grads = self.layers[index].backward(done.stashes.pop(), d, lora, done.batch, first=index == 0)
            parameters.add_gradients(index, grads)
