"""The operations of `plain` on CUDA: Triton kernels, grouped GEMM, flash attention. Same functions, same results.

Nothing here waits for the GPU. Tile sizes are the fastest measured on an H100 at GPT-OSS's widths.
"""

from functools import cache

import torch
import triton
from torch import Tensor

from .kernels import attention as attention_kernels
from .kernels import gradients, loss, norms, routing, weights
from .kernels import swiglu as swiglu_kernels
from .plain import split
from .shape import Documents, Routing, Shape

MANY_ROWS = 16384
"""Rows of (token, expert) from which one program a tile of rows fills the GPU."""
ROUTE_BLOCK = 128
BACKWARD_TILE = 64
"""Queries, and keys, at a time in attention's backward pass."""
LONG, LAUNCH = 2048, 2.0e6
"""Tokens of a document from which its attention outweighs launches; what a launch costs, in scores of a head."""
LOG2_E = 1.4426950408889634


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


def attention(qkv: Tensor, documents: Documents, window: int, sinks: Tensor, s: Shape) -> tuple[Tensor, Tensor]:
    """See plain. Beside the output: lse fp32 [heads, T], which counts the sink."""
    tokens = len(qkv)
    out, lse = _like(qkv, tokens, s.heads * s.head_dim), _like(qkv, s.heads, tokens, dtype=torch.float32)
    bm, warps, stages = (64, 4, 2) if window or documents.longest < LONG else (128, 8, 3)
    grid = (triton.cdiv(documents.longest, bm), s.heads, len(documents.bounds) - 1)
    attention_kernels.attend[grid](
        qkv, sinks, documents.bounds, out, lse, tokens, qkv.stride(0), s.head_dim**-0.5 * LOG2_E,
        window, s.heads, s.kv_heads, s.head_dim, bm, 64, num_warps=warps, num_stages=stages,
    )  # fmt: skip
    return out, lse


@cache
def _no_dropout(device: torch.device) -> tuple[Tensor, Tensor]:
    """The generator state that flash's backward wants and, without dropout, does not read."""
    return torch.zeros(2, dtype=torch.uint64, device=device), torch.empty(0, device=device)


def attention_backward(
    do: Tensor, qkv: Tensor, out: Tensor, saved: Tensor, documents: Documents, window: int, sinks: Tensor, s: Shape
) -> tuple[Tensor, Tensor, Tensor]:
    """See plain. With the sink inside out and lse, flash's own backward is exact for frozen sinks."""
    if window or documents.longest < LONG:
        return _short_backward(do, qkv, out, saved, documents, window, s)
    parts, start = [], 0
    for group in _groups(tuple(documents.lengths), s.heads, _multiprocessors(qkv.device)):
        lengths = documents.lengths[group]
        rows = slice(start, start + sum(lengths))
        start = rows.stop
        bounds, longest = documents.bounds[group.start : group.stop + 1] - documents.bounds[group.start], max(lengths)
        q, k, v = split(qkv[rows], s)
        given, made = (x[rows].unflatten(1, (-1, s.head_dim)) for x in (do, out))
        parts.append(
            torch.ops.aten._flash_attention_backward(
                given, q, k, v, made, saved[:, rows].contiguous(), bounds, bounds, longest, longest, 0.0, True,
                *_no_dropout(qkv.device), scale=s.head_dim**-0.5,
            )
        )  # fmt: skip
    if len(parts) == 1:
        return parts[0]
    dq, dk, dv = (torch.cat(part) for part in zip(*parts, strict=True))
    return dq, dk, dv


def _short_backward(
    do: Tensor, qkv: Tensor, out: Tensor, lse: Tensor, documents: Documents, window: int, s: Shape
) -> tuple[Tensor, Tensor, Tensor]:
    tokens, scale = len(qkv), s.head_dim**-0.5 * LOG2_E
    dq = _like(qkv, tokens, s.heads, s.head_dim)
    dk, dv = (_like(qkv, tokens, s.kv_heads, s.head_dim) for _ in range(2))
    delta = torch.empty_like(lse)
    shape = (window, s.heads, s.kv_heads, s.head_dim)
    blocks, count = triton.cdiv(documents.longest, BACKWARD_TILE), len(documents.bounds) - 1
    do = do.contiguous()
    attention_kernels.attend_backward_queries[(blocks, s.heads, count)](
        qkv, do, out, lse, documents.bounds, dq, delta, tokens, qkv.stride(0), scale,
        *shape, BACKWARD_TILE, BACKWARD_TILE // 2, num_warps=4, num_stages=2,
    )  # fmt: skip
    attention_kernels.attend_backward_keys[(blocks, s.kv_heads, count)](
        qkv, do, lse, documents.bounds, delta, dk, dv, tokens, qkv.stride(0), scale,
        *shape, BACKWARD_TILE, BACKWARD_TILE, num_warps=4, num_stages=1,
    )  # fmt: skip
    return dq, dk, dv


@cache
def _multiprocessors(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count


@cache
def _groups(lengths: tuple[int, ...], heads: int, multiprocessors: int) -> list[slice]:
    """Neighbouring documents to give to flash's backward pass at a time, so that it fills the GPU.

    Deterministic, it has one program a document, head and `splits`, of which a multiprocessor runs one at a time:
    three documents of 64 heads are 192 programs for 132 multiprocessors, two full rounds; two and one are 1.7.
    """

    def rounds(documents: int) -> float:
        splits = -(-multiprocessors // (documents * heads))
        return -(-documents * heads * splits // multiprocessors) / splits

    best: list[tuple[float, list[slice]]] = [(0.0, [])]
    for end in range(1, len(lengths) + 1):
        found = []
        for start in range(max(0, end - 8), end):
            cost = LAUNCH + rounds(end - start) * max(lengths[start:end]) ** 2
            found.append((best[start][0] + cost, start, [*best[start][1], slice(start, end)]))
        cost, _, groups = min(found, key=lambda option: option[:2])
        best.append((cost, groups))
    return best[-1][1]


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


def grouped(x: Tensor, weight: Tensor, offsets: Tensor) -> Tensor:
    """See plain."""
    return torch._grouped_mm(x, weight, offs=offsets)


def product(a: Tensor, b: Tensor) -> Tensor:
    """See plain."""
    return torch.mm(a, b, out_dtype=torch.float32)


def swiglu(gate_up: Tensor, a: Tensor, routing_: Routing, s: Shape) -> tuple[Tensor, Tensor]:
    """See plain."""
    rows = len(gate_up)
    out, thin = _like(gate_up, rows, s.ld_intermediate), _like(gate_up, rows, s.r)
    splits = _splits(rows, s)
    part = _like(gate_up, splits, rows, s.extra, dtype=torch.float32) if splits > 1 else thin
    swiglu_kernels.forward[(triton.cdiv(rows, 64) + s.experts, splits)](
        gate_up, out, thin, part, a, routing_.offsets, s.scale, rows,
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
    gate_up: Tensor, dact: Tensor, b: Tensor, routing_: Routing, s: Shape
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
