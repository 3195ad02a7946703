"""The operations that have a Triton kernel, each as a case that runs on either module with the same operands."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.engines.gptoss import plain
from trainer.engines.gptoss.plain_attention import split
from trainer.engines.gptoss.shape import Documents, Mask, Routing, Shape


@dataclass
class Operands:
    """Random tensors of one micro-batch; ragged enough that experts end inside tiles and one has no row."""

    h: Tensor
    t: Tensor
    norm: Tensor
    logits: Tensor
    routing: Routing
    rows: Tensor
    thin_tokens: Tensor
    gate_up: Tensor
    dact: Tensor
    dgate_up: Tensor
    thin_rows: Tensor
    d_bias: Tensor
    a: Tensor
    b: Tensor
    bias: Tensor
    qkv: Tensor
    cos: Tensor
    sin: Tensor
    sinks: Tensor
    vocabulary: Tensor
    targets: Tensor
    blocks: Tensor
    scales: Tensor


def shape_of_rank(r: int, hidden: int = 64, intermediate: int = 128) -> Shape:
    return Shape(
        hidden=hidden, intermediate=intermediate, experts=8, top_k=2, heads=4, kv_heads=2, head_dim=16, vocabulary=300,
        windows=(8, 0), eps=1e-5, limit=7.0, rope={}, r=r, scale=2.0, dropout=0.3,
    )  # fmt: skip


def operands(s: Shape, dtype: torch.dtype, device: str, tokens: int = 150) -> Operands:
    generator = torch.Generator().manual_seed(5)

    def draw(*shape: int, std: float = 1.0, wide: bool = False) -> Tensor:
        value = std * torch.randn(shape, generator=generator)
        return value.to(device, torch.float32 if wide else dtype)

    # Without ties also in bf16: which of two equal experts is chosen is not promised.
    logits = torch.rand(tokens, s.experts, generator=generator).argsort(1).div(2).to(device, dtype)
    logits[:, 3] = -30.0
    routing = plain.route(logits, s)
    rows = tokens * s.top_k
    angle = 3 * draw(tokens, s.head_dim // 2, wide=True)
    blocks = torch.randint(0, 256, (s.experts, 2 * s.intermediate, s.hidden // 32, 16), generator=generator)
    scales = torch.randint(100, 129, (s.experts, 2 * s.intermediate, s.hidden // 32), generator=generator)
    return Operands(
        h=draw(tokens, s.hidden),
        t=draw(tokens, s.hidden),
        norm=draw(s.hidden),
        logits=logits,
        routing=routing,
        rows=draw(rows, s.hidden),
        thin_tokens=draw(tokens, s.experts * s.r),
        gate_up=draw(rows, 2 * s.intermediate, std=5.0),
        dact=draw(rows, s.intermediate),
        dgate_up=draw(rows, s.ld_gate_up),
        thin_rows=draw(rows, s.r),
        d_bias=draw(tokens, s.experts * s.r + s.experts)[:, s.experts * s.r :],
        a=draw(s.experts, s.r, s.intermediate),
        b=draw(s.experts, s.r, 2 * s.intermediate),
        bias=draw(s.experts, 2 * s.intermediate),
        qkv=draw(tokens, s.qkv),
        cos=angle.cos(),
        sin=angle.sin(),
        sinks=draw(s.heads),
        vocabulary=draw(tokens, s.vocabulary, std=3.0),
        targets=torch.randint(0, s.vocabulary, (tokens,), generator=generator).to(device),
        blocks=blocks.to(device, torch.uint8),
        scales=scales.to(device, torch.uint8),
    )


def _route(ops, o, s):
    routing = ops.route(o.logits, s)
    return routing.experts, routing.weights, routing.inverse, routing.row_weights, routing.offsets


def _gather(ops, o, s, bias):
    rows, thin = ops.gather(o.h, o.thin_tokens, o.routing, s, bias)
    return rows[:, : s.hidden + s.extra], thin


def _mask(o):
    return Mask(torch.tensor([12345678901234567], device=o.h.device), 11)


def _drop(ops, o, s):
    wide = o.qkv[:, : 3 * s.head_dim]
    return ops.drop(o.h, _mask(o), s), ops.drop(wide.contiguous(), _mask(o), s)


def _add_dropped(ops, o, s):
    total = o.t.clone()
    ops.add_dropped(total, o.h, _mask(o), s, 3.0)
    return (total,)


def _swiglu(ops, o, s, dropped=False):
    act, thin = ops.swiglu(o.gate_up, o.a, o.routing, s, _mask(o) if dropped else None)
    return act[:, : s.intermediate + s.extra], thin


def _swiglu_backward(ops, o, s, dropped=False):
    dact = o.dact.clone()
    more = (_mask(o), o.a, o.thin_rows) if dropped else ()
    rows, dweight = ops.swiglu_backward(o.gate_up, dact, o.b, o.routing, s, *more)
    return rows[:, : 2 * s.intermediate + s.extra_rows], dweight, dact


def _rotate(ops, o, s):
    qkv = o.qkv.clone()
    ops.rotate(qkv, o.cos, o.sin, s)
    return (qkv,)


def _rotate_backward(ops, o, s):
    return (ops.rotate_backward(*split(o.qkv, s), o.cos, o.sin, s),)


def _attention(ops, o, s, window):
    lengths = [70, 1, 0, len(o.qkv) - 71]
    bounds = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32).to(o.qkv.device)
    documents = Documents(bounds, max(lengths), lengths)
    out, saved = ops.attention(o.qkv, documents, window, o.sinks, s)
    grads = ops.attention_backward(out.flip(1).contiguous(), o.qkv, out, saved, documents, window, o.sinks, s)
    return (out, *grads)


def _cross_entropy(ops, o, s):
    logits = o.vocabulary.clone()
    return ops.cross_entropy(logits, o.targets), logits


def _dequantise(ops, o, s):
    out = []
    for interleaved in (False, True):
        scratch = torch.zeros(s.experts, 2 * s.intermediate + s.extra_rows, s.ld_hidden, dtype=torch.bfloat16,
                              device=o.blocks.device)  # fmt: skip
        ops.dequantise(o.blocks, o.scales, scratch, interleaved)
        out.append(scratch)
    return tuple(out)


def _put_lora(ops, o, s):
    scratch = torch.zeros(s.experts, 2 * s.intermediate + s.extra_rows, s.ld_hidden, dtype=o.b.dtype,
                          device=o.b.device)  # fmt: skip
    ops.put_lora(scratch, o.a[..., : s.hidden].contiguous(), o.b, o.bias, s)
    return (scratch,)


CASES = {
    "rms_norm": lambda ops, o, s: (ops.rms_norm(o.h, o.norm, s.eps),),
    "add_rms_norm": lambda ops, o, s: ops.add_rms_norm(o.h, o.t, o.norm, s.eps),
    "rms_norm_backward": lambda ops, o, s: (ops.rms_norm_backward(o.h, o.norm, o.t, s.eps),),
    "rms_norm_backward with expert rows": lambda ops, o, s: (
        ops.rms_norm_backward(o.h, o.norm, o.t, s.eps, o.h, o.rows, o.routing),
    ),
    "combine": lambda ops, o, s: ops.combine(o.h, o.rows, o.routing, o.norm, s.eps),
    "rotate": _rotate,
    "rotate_backward": _rotate_backward,
    "attention": lambda ops, o, s: _attention(ops, o, s, 0),
    "attention in a window": lambda ops, o, s: _attention(ops, o, s, 9),
    "route": _route,
    "gather with bias": lambda ops, o, s: _gather(ops, o, s, True),
    "gather without bias": lambda ops, o, s: _gather(ops, o, s, False),
    "drop": _drop,
    "add_dropped": _add_dropped,
    "swiglu": _swiglu,
    "swiglu with dropout": lambda ops, o, s: _swiglu(ops, o, s, dropped=True),
    "swiglu_backward": _swiglu_backward,
    "swiglu_backward with dropout": lambda ops, o, s: _swiglu_backward(ops, o, s, dropped=True),
    "expert_outer": lambda ops, o, s: (
        ops.expert_outer(o.dgate_up, o.thin_rows, o.routing, 2 * s.intermediate, s, weighted=False),
    ),
    "expert_outer weighted": lambda ops, o, s: (
        ops.expert_outer(o.dact, o.rows[:, s.hidden - s.r :], o.routing, s.intermediate, s, weighted=True),
    ),
    "token_gradients": lambda ops, o, s: ops.token_gradients(
        o.dgate_up, o.thin_rows, o.routing.row_weights, o.d_bias, o.routing, s
    ),
    "cross_entropy": _cross_entropy,
    "dequantise": _dequantise,
    "put_lora": _put_lora,
}
