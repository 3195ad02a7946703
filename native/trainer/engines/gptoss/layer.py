"""One transformer layer, forward and backward, over explicit stashes: what is kept is a field, nothing is hidden."""

from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from .experts import ExpertBank
from .lora import LayerLora
from .shape import Documents, Mask, Routing, Shape
from .weights import Layer

QUERY, KEY, VALUE, OUT, GATE_UP, DOWN = range(6)
"""The A of a layer whose inputs have dropout masks of their own."""
PARTS = 8
"""Numbers of masks that a layer has to itself."""


@dataclass
class Batch:
    """What every layer needs of a micro-batch: documents, cosine and sine fp32 [T, D / 2] of the positions, and
    dropout's key int64 [1], None: no dropout.
    """

    documents: Documents
    cos: Tensor
    sin: Tensor
    key: Tensor | None


@dataclass
class Attended:
    """Kept from the first half of a layer: qkv after rotation, attention's output with what its backward wants,
    the residual after it, the routing, and the thin rows of both expert projections."""

    qkv: Tensor
    out: Tensor
    lse: Tensor
    h2: Tensor
    routing: Routing
    thin1: Tensor
    thin2: Tensor
    gate_up: Tensor | None
    """[R, 2I], three quarters of a layer's stash; None in mode `moe`, which computes it again."""


@dataclass
class Stash:
    """A layer's input and, unless mode `full` computes the layer again, the rest."""

    h: Tensor
    attended: Attended | None


class LayerRunner:
    """Runs layer `index`; all layers share the bank of expert weights."""

    def __init__(self, index: int, weights: Layer, s: Shape, ops: ModuleType, bank: ExpertBank):
        self.index, self.w, self.s, self.ops, self.bank = index, weights, s, ops, bank

    def forward(self, h: Tensor, xn: Tensor, lora: LayerLora, batch: Batch, next_norm: Tensor, mode: str
                ) -> tuple[Tensor, Tensor, Stash]:  # fmt: skip
        """(output [T, H], the next layer's normed input, stash). xn: h normed. mode: none, moe, full or forget."""
        kept = self._attend_and_route(h, xn, lora, batch)
        assert kept.gate_up is not None
        act, kept.thin2 = self.ops.swiglu(kept.gate_up, lora.down_a, kept.routing, self.s, self._mask(batch, DOWN))
        if mode != "none":
            kept.gate_up = None
        rows = self.bank.product(self.index, "down", act, kept.routing, backward=False)
        del act
        out, out_normed = self.ops.combine(kept.h2, rows, kept.routing, next_norm, self.s.eps)
        return out, out_normed, Stash(h, kept if mode in ("none", "moe") else None)

    def _mask(self, batch: Batch, part: int) -> Mask | None:
        return None if batch.key is None else Mask(batch.key, self.index * PARTS + part)

    def _dropped(self, x: Tensor, batch: Batch, part: int) -> Tensor:
        """The input of an A: x, or what dropout leaves of it."""
        mask = self._mask(batch, part)
        return x if mask is None else self.ops.drop(x, mask, self.s)

    def _add_back(self, total: Tensor, d_thin: Tensor, a: Tensor, scale: float, batch: Batch, part: int) -> None:
        """total += scale * d_thin a, what an A's input gets back."""
        mask = self._mask(batch, part)
        if mask is None:
            total.addmm_(d_thin, a, alpha=scale)
        else:
            self.ops.add_dropped(total, d_thin @ a, mask, self.s, scale)

    def _inputs(self, batch: Batch) -> tuple[int, ...]:
        """Parts of q, k and v's A together: they share an input, unless dropout makes three of it."""
        return (QUERY,) if batch.key is None else (QUERY, KEY, VALUE)

    def _thin_qkv(self, xn: Tensor, lora: LayerLora, batch: Batch) -> Tensor:
        """[T, 3r]."""
        parts = self._inputs(batch)
        pairs = zip(parts, lora.qkv_a.chunk(len(parts)), strict=True)
        return torch.cat([self._dropped(xn, batch, part) @ a.t() for part, a in pairs], 1)

    def _attend_and_route(self, h: Tensor, xn: Tensor, lora: LayerLora, batch: Batch) -> Attended:
        w, s, ops = self.w, self.s, self.ops
        qkv = torch.addmm(w.qkv_bias, xn, w.qkv.t())
        qkv.addmm_(self._thin_qkv(xn, lora, batch), lora.qkv_b, alpha=s.scale)
        ops.rotate(qkv, batch.cos, batch.sin, s)
        out, lse = ops.attention(qkv, batch.documents, s.windows[self.index], w.sinks, s)
        t = torch.addmm(w.out_bias, out, w.out.t())
        t.addmm_(self._dropped(out, batch, OUT) @ lora.out_a.t(), lora.out_b, alpha=s.scale)
        xn2, h2 = ops.add_rms_norm(h, t, w.norm2, s.eps)
        routing = ops.route(torch.addmm(w.router_bias, xn2, w.router.t()), s)
        gate_up, thin1 = self._gate_up(xn2, lora, routing, batch)
        return Attended(qkv, out, lse, h2, routing, thin1, thin1, gate_up)

    def _gate_up(self, xn2: Tensor, lora: LayerLora, routing: Routing, batch: Batch) -> tuple[Tensor, Tensor]:
        s = self.s
        thin = self._dropped(xn2, batch, GATE_UP) @ lora.gate_up_a.flatten(0, 1).t()
        rows, thin_rows = self.ops.gather(xn2, thin, routing, s, bias=True)
        return self.bank.product(self.index, "gate_up", rows, routing, backward=False), thin_rows

    def backward(self, stash: Stash, d: Tensor, lora: LayerLora, batch: Batch, first: bool
                 ) -> tuple[Tensor | None, LayerLora]:  # fmt: skip
        """(gradient of the layer's input, of its LoRA in fp32) from the output's d [T, H].

        first: nothing before this layer is trained, so its input has no gradient (None). Empties the stash.
        """
        w, s, ops = self.w, self.s, self.ops
        h, kept = stash.h, stash.attended
        stash.attended = None
        xn = ops.rms_norm(h, w.norm1, s.eps)
        if kept is None:
            kept = self._attend_and_route(h, xn, lora, batch)
            act, kept.thin2 = ops.swiglu(kept.gate_up, lora.down_a, kept.routing, s, self._mask(batch, DOWN))
            del act
        xn2 = ops.rms_norm(kept.h2, w.norm2, s.eps)
        if kept.gate_up is None:
            kept.gate_up, _ = self._gate_up(xn2, lora, kept.routing, batch)
        d2, gate_up_a, gate_up_b, down_a, down_b = self._experts_backward(kept, xn2, d, lora, batch)
        del d, xn2

        # Attention's output projection.
        d_thin = d2 @ lora.out_b.t()
        d_out = d2 @ w.out
        self._add_back(d_out, d_thin, lora.out_a, s.scale, batch, OUT)
        dropped = self._dropped(kept.out, batch, OUT)
        out_b = ops.product((dropped @ lora.out_a.t()).t(), d2).mul_(s.scale)
        out_a = ops.product(d_thin.t(), dropped).mul_(s.scale)
        del dropped
        dq, dk, dv = ops.attention_backward(
            d_out, kept.qkv, kept.out, kept.lse, batch.documents, s.windows[self.index], w.sinks, s
        )
        del d_out, kept
        dqkv = ops.rotate_backward(dq, dk, dv, batch.cos, batch.sin, s)
        del dq, dk, dv

        # Its input projections.
        qkv_b = ops.product(self._thin_qkv(xn, lora, batch).t(), dqkv).mul_(s.scale)
        inputs = self._inputs(batch)
        d_thins = (dqkv @ lora.qkv_b.t()).chunk(len(inputs), 1)
        pairs = zip(inputs, d_thins, strict=True)
        qkv_a = torch.cat([ops.product(d_thin.t(), self._dropped(xn, batch, part)) for part, d_thin in pairs])
        qkv_a.mul_(s.scale)
        grads = LayerLora(qkv_a, qkv_b, out_a, out_b, gate_up_a, gate_up_b, down_a, down_b)
        if first:
            return None, grads
        dxn = dqkv @ w.qkv
        for part, d_thin, a in zip(inputs, d_thins, lora.qkv_a.chunk(len(inputs)), strict=True):
            self._add_back(dxn, d_thin, a, s.scale, batch, part)
        return ops.rms_norm_backward(h, w.norm1, dxn, s.eps, residual=d2), grads

    def _experts_backward(self, kept: Attended, xn2: Tensor, d: Tensor, lora: LayerLora, batch: Batch
                          ) -> tuple[Tensor, ...]:  # fmt: skip
        """(gradient of the residual before the experts, then of gate_up's A and B and down's A and B)."""
        w, s, ops, routing = self.w, self.s, self.ops, kept.routing
        by_expert = (s.experts, s.r, -1)
        # What d gives to each expert's B, and to each expert's bias: the bias is a part of the routing's gradient.
        thin = d @ torch.cat((lora.down_b.flatten(0, 1), w.down.bias)).t()
        rows, thin_rows = ops.gather(d, thin, routing, s, bias=False)
        # What dropout changes on its way back through an A cannot ride inside the expert GEMM.
        whole = batch.key is None
        dact = self.bank.product(self.index, "down", rows, routing, backward=True, through_a=whole)
        del rows
        dgate_up, dweight = ops.swiglu_backward(
            kept.gate_up, dact, lora.gate_up_b, routing, s, self._mask(batch, DOWN), lora.down_a, thin_rows
        )
        kept.gate_up = None
        act = dact  # replaced in place
        gate_up_b = ops.expert_outer(dgate_up, kept.thin1, routing, 2 * s.intermediate, s, weighted=False)
        down_a = ops.expert_outer(act, thin_rows, routing, s.intermediate, s, weighted=True)
        del dact, act
        first, second, router = ops.token_gradients(
            dgate_up, kept.thin2, dweight, thin[:, s.experts * s.r :], routing, s
        )
        dx = self.bank.product(self.index, "gate_up", dgate_up, routing, backward=True, through_a=whole)
        del dgate_up
        gate_up_a = ops.product(first.t(), self._dropped(xn2, batch, GATE_UP)).view(by_expert)
        down_b = ops.product(second.t(), d).view(by_expert)
        dxn2 = router @ w.router
        if not whole:
            self._add_back(dxn2, first, lora.gate_up_a.flatten(0, 1), 1.0, batch, GATE_UP)
        d2 = ops.rms_norm_backward(kept.h2, w.norm2, dxn2, s.eps, residual=d, rows=dx, routing=routing)
        return d2, gate_up_a, gate_up_b, down_a, down_b
