"""The operations of `plain` on CUDA: Triton kernels, grouped GEMM, flash attention. Same functions, same results.

Nothing here waits for the GPU. Tile sizes are the fastest measured on an H100 at GPT-OSS's widths.
"""

import torch
import triton
from torch import Tensor

from .fused_attention import attention as attention
from .fused_attention import attention_backward as attention_backward
from .kernels import attention as attention_kernels
from .kernels import dropout, gradients, loss, norms, routing, weights
from .kernels import swiglu as swiglu_kernels
from .shape import Mask, Routing, Shape

MANY_ROWS = 16384
"""Rows of (token, expert) from which one program a tile of rows fills the GPU."""
ROUTE_BLOCK = 128


def _like(x: Tensor, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
    return torch.empty(shape, dtype=dtype or x.dtype, device=x.device)


def _power(number: int) -> int:
    return triton.next_power_of_2(number)


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """See plain."""
    y = torch.empty_like(x)
    rows, hidden = x.shape
    norms.rms_norm[(rows,)](x, x, weight, y, x, eps, hidden, _power(hidden), False, num_warps=8)
    return y


def add_rms_norm(h: Tensor, t: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """See plain."""
    y, total = torch.empty_like(h), torch.empty_like(h)
    rows, hidden = h.shape
    norms.rms_norm[(rows,)](h, t, weight, y, total, eps, hidden, _power(hidden), True, num_warps=8)
    return y, total


def rms_norm_backward(
    x: Tensor,
    weight: Tensor,
    dy: Tensor,
    eps: float,
    residual: Tensor | None = None,
    rows: Tensor | None = None,
    routing: Routing | None = None,
) -> Tensor:
    """See plain."""
    out = torch.empty_like(x)
    count, hidden = x.shape
    top_k = 0 if routing is None else routing.inverse.shape[1]
    # An operand that is switched off is never read.
    inverse = dy if routing is None else routing.inverse
    norms.rms_norm_backward[(count,)](
        x, weight, dy, dy if rows is None else rows, inverse, dy if residual is None else residual, out, eps,
        hidden, _power(hidden), top_k, residual is not None, num_warps=8,
    )  # fmt: skip
    return out


def combine(h: Tensor, rows: Tensor, routing: Routing, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """See plain."""
    total, y = torch.empty_like(h), torch.empty_like(h)
    count, hidden = h.shape
    norms.combine[(count,)](
        h, rows, routing.inverse, routing.weights, weight, total, y, eps,
        hidden, _power(hidden), routing.inverse.shape[1], num_warps=8,
    )  # fmt: skip
    return total, y


def rotate(qkv: Tensor, cos: Tensor, sin: Tensor, s: Shape) -> None:
    """See plain."""
    heads = s.heads + s.kv_heads
    attention_kernels.rotate[(len(qkv),)](qkv, cos, sin, qkv.stride(0), heads, _power(heads), s.head_dim // 2)


def rotate_backward(dq: Tensor, dk: Tensor, dv: Tensor, cos: Tensor, sin: Tensor, s: Shape) -> Tensor:
    """See plain."""
    out = _like(dq, len(dq), s.qkv)
    attention_kernels.rotate_backward[(len(dq),)](
        dq.contiguous(), dk.contiguous(), dv.contiguous(), out, cos, sin, s.qkv,
        s.heads, s.kv_heads, _power(s.heads), _power(s.kv_heads), s.head_dim // 2,
    )  # fmt: skip
    return out


def route(logits: Tensor, s: Shape) -> Routing:
    """See plain."""
    tokens, k, e = len(logits), s.top_k, s.experts
    blocks = triton.cdiv(tokens, ROUTE_BLOCK)
    i32, f32 = torch.int32, torch.float32
    experts, inverse = _like(logits, tokens, k, dtype=i32), _like(logits, tokens, k, dtype=i32)
    exps, weights_ = _like(logits, tokens, k, dtype=f32), _like(logits, tokens, k, dtype=f32)
    counts, first = _like(logits, blocks, e, dtype=i32), _like(logits, blocks, e, dtype=i32)
    offsets, row_weights = _like(logits, e, dtype=i32), _like(logits, tokens * k, dtype=f32)
    routing.choose[(blocks,)](logits, experts, exps, counts, tokens, e, k, ROUTE_BLOCK)
    routing.place[(1,)](counts, first, offsets, blocks, e, _power(blocks))
    routing.rank[(blocks,)](experts, exps, first, inverse, weights_, row_weights, tokens, e, k, ROUTE_BLOCK)
    return Routing(experts, weights_, inverse, row_weights, offsets)


def gather(x: Tensor, thin: Tensor, routing_: Routing, s: Shape, bias: bool) -> tuple[Tensor, Tensor]:
    """See plain."""
    rows = len(x) * s.top_k
    out, part = _like(x, rows, s.ld_hidden), _like(x, rows, s.r)
    routing.gather[(len(x),)](
        x, thin, routing_.inverse, routing_.experts, out, part, s.scale, thin.stride(0),
        s.hidden, s.ld_hidden, s.top_k, s.r, s.extra, bias, min(1024, _power(s.hidden)),
    )  # fmt: skip
    return out, part


def drop(x: Tensor, mask: Mask, s: Shape) -> Tensor:
    """See plain."""
    out = torch.empty_like(x)
    _drop(x, out, mask, s, 1.0, add=False)
    return out


def add_dropped(total: Tensor, x: Tensor, mask: Mask, s: Shape, factor: float) -> None:
    """See plain."""
    _drop(x, total, mask, s, factor, add=True)


def _drop(x: Tensor, out: Tensor, mask: Mask, s: Shape, factor: float, add: bool) -> None:
    rows, columns = x.shape
    block = min(1024, _power(columns))
    dropout.drop[(rows, triton.cdiv(columns, block))](
        x, out, mask.key, mask.part, s.dropout, factor / (1 - s.dropout), columns, x.stride(0), out.stride(0),
        add, block, num_warps=4,
    )  # fmt: skip


def _masked(mask: Mask | None, s: Shape, unused: Tensor) -> tuple[Tensor, int, float, float, bool]:
    """What kernels want of a mask; without one, its operands are never read."""
    if mask is None:
        return unused, 0, 0.0, 0.0, False
    return mask.key, mask.part, s.dropout, 1 / (1 - s.dropout), True


def grouped(x: Tensor, weight: Tensor, offsets: Tensor) -> Tensor:
    """See plain."""
    return torch._grouped_mm(x, weight, offs=offsets)


def product(a: Tensor, b: Tensor) -> Tensor:
    """See plain."""
    return torch.mm(a, b, out_dtype=torch.float32)


def swiglu(
    gate_up: Tensor, a: Tensor, routing_: Routing, s: Shape, mask: Mask | None = None
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """See plain."""
    rows = len(gate_up)
    out, thin = _like(gate_up, rows, s.ld_intermediate), _like(gate_up, rows, s.r)
    splits = _splits(rows, s)
    part = _like(gate_up, splits, rows, s.extra, dtype=torch.float32) if splits > 1 else thin
    swiglu_kernels.forward[(triton.cdiv(rows, 64) + s.experts, splits)](
        gate_up, out, thin, part, a, routing_.offsets, s.scale, rows, *_masked(mask, s, gate_up),
        s.intermediate, s.ld_intermediate, s.experts, s.r, s.extra, s.limit, s.gate_slope, 64, 64, splits,
        num_warps=4, num_stages=4,
    )  # fmt: skip
    if splits > 1:
        swiglu_kernels.finish_forward[(triton.cdiv(rows, 64),)](
            part, out, thin, s.scale, rows, s.intermediate, s.ld_intermediate, s.r, s.extra, 64, splits
        )
    return out, thin


def _splits(rows: int, s: Shape) -> int:
    """Parts of a row's width that programs of their own take, so that few rows fill the GPU too."""
    if rows >= MANY_ROWS:
        return 1
    return next(parts for parts in (5, 3, 1) if s.intermediate % (64 * parts) == 0)


def swiglu_backward(
    gate_up: Tensor, dact: Tensor, b: Tensor, routing_: Routing, s: Shape, mask: Mask | None = None,
    a: Tensor | None = None, thin: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """See plain."""
    rows = len(gate_up)
    out, dweight = _like(gate_up, rows, s.ld_gate_up), _like(gate_up, rows, dtype=torch.float32)
    splits = _splits(rows, s)
    part, dweights = out, dweight
    if splits > 1:
        part = _like(gate_up, splits, rows, s.extra, dtype=torch.float32)
        dweights = _like(gate_up, splits, rows, dtype=torch.float32)
    swiglu_kernels.backward[(triton.cdiv(rows, 16) + s.experts, splits)](
        gate_up, dact, out, part, routing_.row_weights, b, routing_.offsets, dweights, s.scale, rows,
        b if a is None else a, b if thin is None else thin, 0 if thin is None else thin.stride(0),
        *_masked(mask, s, gate_up),
        s.intermediate, s.ld_gate_up, s.experts, s.r, s.extra, s.limit, s.gate_slope, 16, 64, splits,
        num_warps=2, num_stages=3,
    )  # fmt: skip
    if splits > 1:
        swiglu_kernels.finish_backward[(triton.cdiv(rows, 64),)](
            part, dweights, out, dweight, s.scale, rows, s.intermediate, s.ld_gate_up, s.extra, 64, splits
        )
    return out, dweight


def expert_outer(rows: Tensor, thin: Tensor, routing_: Routing, width: int, s: Shape, weighted: bool) -> Tensor:
    """See plain."""
    out = _like(rows, s.experts, s.r, width, dtype=torch.float32)
    gradients.expert_outer[(width // 64, s.experts)](
        rows, thin, routing_.row_weights, routing_.offsets, out, rows.stride(0), thin.stride(0), width,
        s.r, s.extra, weighted, 128, 64, num_warps=4, num_stages=3,
    )  # fmt: skip
    return out


def token_gradients(
    dgate_up: Tensor, thin: Tensor, dweight: Tensor, d_bias: Tensor, routing_: Routing, s: Shape
) -> tuple[Tensor, Tensor, Tensor]:
    """See plain."""
    tokens = len(routing_.experts)
    first, second = _like(dgate_up, tokens, s.experts * s.r), _like(dgate_up, tokens, s.experts * s.r)
    router = _like(dgate_up, tokens, s.experts)
    gradients.token_gradients[(tokens,)](
        dgate_up, thin, dweight, d_bias, routing_.inverse, routing_.experts, routing_.weights, first, second, router,
        d_bias.stride(0), 2 * s.intermediate, s.ld_gate_up, s.experts, s.top_k, s.r, _power(s.r), num_warps=4,
    )  # fmt: skip
    return first, second, router


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """See plain."""
    nll = _like(logits, len(logits), dtype=torch.float32)
    vocabulary = logits.shape[1]
    tile = min(8192, _power(vocabulary))
    loss.cross_entropy[(len(logits),)](logits, targets, nll, vocabulary, tile, num_warps=8)
    return nll


def dequantise(blocks: Tensor, scales: Tensor, out: Tensor, interleaved: bool) -> None:
    """See plain; out is bf16."""
    experts, rows, groups, _ = blocks.shape
    count = rows * groups
    weights.dequantise[(triton.cdiv(count, 128), experts)](
        blocks, scales, out.view(torch.int32), count, out.stride(0) // 2,
        groups, rows, out.stride(1) // 2, interleaved, 128, blocks.is_cuda, num_warps=4,
    )  # fmt: skip


def put_lora(out: Tensor, a: Tensor, b: Tensor, bias: Tensor, s: Shape) -> None:
    """See plain."""
    n, k = b.shape[2], a.shape[2]
    weights.put_columns[(triton.cdiv(n, 128), len(b))](
        b, bias, out, out.stride(0), n, s.r, s.extra, out.stride(1), k, 128
    )
    out[:, n : n + s.r, :k].copy_(a)
