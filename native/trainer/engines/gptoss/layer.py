"""One transformer layer, forward and backward, over explicit stashes: what is kept is a field, nothing is hidden."""

from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from .experts import ExpertBank
from .lora import LayerLora
from .shape import Documents, Routing, Shape
from .weights import Layer


@dataclass
class Batch:
    """What every layer needs of a micro-batch: documents, and cosine and sine fp32 [T, D / 2] of the positions."""

    documents: Documents
    cos: Tensor
    sin: Tensor


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
        act, kept.thin2 = self.ops.swiglu(kept.gate_up, lora.down_a, kept.routing, self.s)
        if mode != "none":
            kept.gate_up = None
        rows = self.bank.product(self.index, "down", act, kept.routing, backward=False)
        del act
        out, out_normed = self.ops.combine(kept.h2, rows, kept.routing, next_norm, self.s.eps)
        return out, out_normed, Stash(h, kept if mode in ("none", "moe") else None)

    def _attend_and_route(self, h: Tensor, xn: Tensor, lora: LayerLora, batch: Batch) -> Attended:
        w, s, ops = self.w, self.s, self.ops
        qkv = torch.addmm(w.qkv_bias, xn, w.qkv.t())
        qkv.addmm_(xn @ lora.qkv_a.t(), lora.qkv_b, alpha=s.scale)
        ops.rotate(qkv, batch.cos, batch.sin, s)
        out, lse = ops.attention(qkv, batch.documents, s.windows[self.index], w.sinks, s)
        t = torch.addmm(w.out_bias, out, w.out.t())
        t.addmm_(out @ lora.out_a.t(), lora.out_b, alpha=s.scale)
        xn2, h2 = ops.add_rms_norm(h, t, w.norm2, s.eps)
        routing = ops.route(torch.addmm(w.router_bias, xn2, w.router.t()), s)
        gate_up, thin1 = self._gate_up(xn2, lora, routing)
        return Attended(qkv, out, lse, h2, routing, thin1, thin1, gate_up)

    def _gate_up(self, xn2: Tensor, lora: LayerLora, routing: Routing) -> tuple[Tensor, Tensor]:
        s = self.s
        thin = xn2 @ lora.gate_up_a.flatten(0, 1).t()
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
            act, kept.thin2 = ops.swiglu(kept.gate_up, lora.down_a, kept.routing, s)
            del act
        xn2 = ops.rms_norm(kept.h2, w.norm2, s.eps)
        if kept.gate_up is None:
            kept.gate_up, _ = self._gate_up(xn2, lora, kept.routing)
        d2, gate_up_a, gate_up_b, down_a, down_b = self._experts_backward(kept, xn2, d, lora)
        del d, xn2

        # Attention's output projection.
        d_thin = d2 @ lora.out_b.t()
        d_out = d2 @ w.out
        d_out.addmm_(d_thin, lora.out_a, alpha=s.scale)
        out_b = ops.product((kept.out @ lora.out_a.t()).t(), d2).mul_(s.scale)
        out_a = ops.product(d_thin.t(), kept.out).mul_(s.scale)
        dq, dk, dv = ops.attention_backward(
            d_out, kept.qkv, kept.out, kept.lse, batch.documents, s.windows[self.index], w.sinks, s
        )
        del d_out, kept
        dqkv = ops.rotate_backward(dq, dk, dv, batch.cos, batch.sin, s)
        del dq, dk, dv

        # Its input projections.
        qkv_b = ops.product((xn @ lora.qkv_a.t()).t(), dqkv).mul_(s.scale)
        d_thin = dqkv @ lora.qkv_b.t()
        qkv_a = ops.product(d_thin.t(), xn).mul_(s.scale)
        grads = LayerLora(qkv_a, qkv_b, out_a, out_b, gate_up_a, gate_up_b, down_a, down_b)
        if first:
            return None, grads
        dxn = dqkv @ w.qkv
        dxn.addmm_(d_thin, lora.qkv_a, alpha=s.scale)
        return ops.rms_norm_backward(h, w.norm1, dxn, s.eps, residual=d2), grads

    def _experts_backward(self, kept: Attended, xn2: Tensor, d: Tensor, lora: LayerLora) -> tuple[Tensor, ...]:
        """(gradient of the residual before the experts, then of gate_up's A and B and down's A and B)."""
        w, s, ops, routing = self.w, self.s, self.ops, kept.routing
        by_expert = (s.experts, s.r, -1)
        # What d gives to each expert's B, and to each expert's bias: the bias is a part of the routing's gradient.
        thin = d @ torch.cat((lora.down_b.flatten(0, 1), w.down.bias)).t()
        rows, _ = ops.gather(d, thin, routing, s, bias=False)
        dact = self.bank.product(self.index, "down", rows, routing, backward=True)
        dgate_up, dweight = ops.swiglu_backward(kept.gate_up, dact, lora.gate_up_b, routing, s)
        kept.gate_up = None
        act = dact  # replaced in place
        gate_up_b = ops.expert_outer(dgate_up, kept.thin1, routing, 2 * s.intermediate, s, weighted=False)
        down_a = ops.expert_outer(act, rows[:, s.hidden :], routing, s.intermediate, s, weighted=True)
        del dact, act, rows
        first, second, router = ops.token_gradients(
            dgate_up, kept.thin2, dweight, thin[:, s.experts * s.r :], routing, s
        )
        dx = self.bank.product(self.index, "gate_up", dgate_up, routing, backward=True)
        del dgate_up
        gate_up_a = ops.product(first.t(), xn2).view(by_expert)
        down_b = ops.product(second.t(), d).view(by_expert)
        d2 = ops.rms_norm_backward(kept.h2, w.norm2, router @ w.router, s.eps, residual=d, rows=dx, routing=routing)
        return d2, gate_up_a, gate_up_b, down_a, down_b
