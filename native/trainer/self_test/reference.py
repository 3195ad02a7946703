"""Two layers and the head of GPT-OSS in plain torch with autograd, in fp32: what the engine's passes must agree with.

It shares nothing with the engine's operations but the frozen weights, the rotary angles, dropout's masks and the choice
of experts (near ties would flip in bf16, and a flipped expert says nothing of a kernel).

Shape letters: T tokens, H hidden, I intermediate, E experts, K experts a token, D head size, r LoRA rank.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..engines.gptoss import plain
from ..engines.gptoss.layer import DOWN, GATE_UP, KEY, OUT, QUERY, VALUE
from ..engines.gptoss.lora import LayerLora
from ..engines.gptoss.rope import angles
from ..engines.gptoss.shape import Shape
from ..engines.gptoss.weights import Experts, Layer, Weights

Weight = Callable[[], Tensor]
"""Gives a frozen weight [out, in] in fp32, anew each time: two layers of a 20B model in fp32 are 6 GB."""
Kept = Callable[[int, int, int], Tensor]
"""(part, rows, columns): what dropout multiplies the input of that A of a layer by (engines/gptoss/layer.py)."""


class _Frozen(torch.autograd.Function):
    """x @ weight()^T; the weight has no gradient and is not kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Weight) -> Tensor:
        ctx.weight = weight
        return x @ weight().t()

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None]:
        return above @ ctx.weight(), None


def nll(weights: Weights, s: Shape, loras: list[LayerLora], chosen: list[Tensor], ids: Tensor, lengths: list[int],
        rows: Tensor, targets: Tensor, inverse: Tensor, factor: float, kept: list[Kept]) -> Tensor:  # fmt: skip
    """Nats fp32 [S] of `targets` predicted at `rows`; chosen: a layer's experts int64 [T, K] of every token; kept: by
    layer.
    """
    device = rows.device

    def frozen(weight: Tensor) -> Weight:
        return lambda: weight.to(device, torch.float32)

    positions = torch.cat([torch.arange(length, dtype=torch.float32) for length in lengths]).to(device)
    cos, sin = (part.to(device) for part in angles(positions, inverse, factor))
    h = weights.embedding[ids.to(weights.embedding.device)].to(device, torch.float32)
    for layer, lora, window, experts, keep in zip(weights.layers, loras, s.windows, chosen, kept, strict=True):
        h = h + _attention(_norm(h, layer.norm1, s.eps), layer, lora, window, lengths, cos, sin, s, frozen, keep)
        h = h + _mixture(_norm(h, layer.norm2, s.eps), layer, lora, experts, s, frozen, keep)
    hidden = _norm(h[rows], weights.norm, s.eps)
    logits = _Frozen.apply(hidden, frozen(weights.head))
    return nn.functional.cross_entropy(logits, targets, reduction="none")


def _norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return nn.functional.rms_norm(x, (x.shape[-1],), weight.to(x.device, torch.float32), eps)


def _attention(x: Tensor, layer: Layer, lora: LayerLora, window: int, lengths: list[int], cos: Tensor, sin: Tensor,
               s: Shape, frozen: Callable[[Tensor], Weight], kept: Kept) -> Tensor:  # fmt: skip
    qkv = _Frozen.apply(x, frozen(layer.qkv)) + frozen(layer.qkv_bias)()
    parts = zip((QUERY, KEY, VALUE), lora.qkv_a.chunk(3), strict=True)
    qkv = qkv + s.scale * torch.cat([(x * kept(part, *x.shape)) @ a.t() for part, a in parts], 1) @ lora.qkv_b
    heads = qkv.view(len(x), -1, s.head_dim)
    q, k, v = heads.split((s.heads, s.kv_heads, s.kv_heads), 1)
    q, k = (_turn(part, cos, sin) for part in (q, k))
    group, sinks, outputs, start = s.heads // s.kv_heads, frozen(layer.sinks)(), [], 0
    for length in lengths:
        span = slice(start, start + length)
        start += length
        keys, values = (part[span].repeat_interleave(group, 1) for part in (k, v))
        scores = torch.einsum("qhd,khd->hqk", q[span], keys) / s.head_dim**0.5
        place = torch.arange(length, device=x.device)
        distance = place[:, None] - place[None]
        hidden = (distance < 0) | (distance >= (window or length))
        scores = scores.masked_fill(hidden, -torch.inf)
        # The sink is one more key, whose value is nothing.
        total = torch.logaddexp(scores.logsumexp(-1), sinks[:, None])
        outputs.append(torch.einsum("hqk,khd->qhd", (scores - total[..., None]).exp(), values))
    out = torch.cat(outputs).flatten(1)
    dropped = out * kept(OUT, *out.shape)
    through = s.scale * (dropped @ lora.out_a.t()) @ lora.out_b
    return _Frozen.apply(out, frozen(layer.out)) + frozen(layer.out_bias)() + through


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding of x [T, heads, D] in halves."""
    first, second = x.chunk(2, -1)
    c, n = cos[:, None], sin[:, None]
    return torch.cat((first * c - second * n, second * c + first * n), -1)


def _mixture(x: Tensor, layer: Layer, lora: LayerLora, chosen: Tensor, s: Shape, frozen: Callable[[Tensor], Weight],
             kept: Kept) -> Tensor:  # fmt: skip
    logits = _Frozen.apply(x, frozen(layer.router)) + frozen(layer.router_bias)()
    shares = logits.gather(1, chosen).softmax(-1)
    dropped = x * kept(GATE_UP, *x.shape)
    # Rows are grouped by expert, in token order inside one.
    keep, row = kept(DOWN, chosen.numel(), s.intermediate), 0
    out = torch.zeros_like(x)
    for expert in chosen.unique().tolist():
        token, place = torch.where(chosen == expert)
        rows = slice(row, row + len(token))
        row = rows.stop
        a, b = lora.gate_up_a[expert], lora.gate_up_b[expert]
        gate_up = _expert(x[token], dropped[token], layer.gate_up, expert, a, b, s)
        gate, up = gate_up.chunk(2, -1)
        gate, up = gate.clamp(max=s.limit), up.clamp(-s.limit, s.limit)
        act = (up + 1) * gate * torch.sigmoid(gate * s.gate_slope)
        down = _expert(act, act * keep[rows], layer.down, expert, lora.down_a[expert], lora.down_b[expert], s)
        out = out.index_add(0, token, down * shares[token, place][:, None])
    return out


def _expert(x: Tensor, dropped: Tensor, experts: Experts, expert: int, a: Tensor, b: Tensor, s: Shape) -> Tensor:
    def weight() -> Tensor:
        return _weight(experts, expert).to(x.device)

    bias = experts.bias[expert].to(x.device, torch.float32)
    return _Frozen.apply(x, weight) + bias + s.scale * (dropped @ a.t()) @ b


def _weight(experts: Experts, expert: int) -> Tensor:
    """One expert's weight [N, k] fp32, gate before up."""
    if experts.dense is not None:
        return experts.dense[expert].float()
    assert experts.blocks is not None and experts.scales is not None
    one = slice(expert, expert + 1)
    rows, groups = experts.blocks.shape[1:3]
    out = torch.empty(1, rows, groups * 32, dtype=torch.float32, device=experts.blocks.device)
    plain.dequantise(experts.blocks[one], experts.scales[one], out, experts.interleaved)
    return out[0]
