"""Attention of `fused`: our own kernels, and flash attention's backward pass where documents are long."""

from functools import cache

import torch
import triton
from torch import Tensor

from .kernels import attention as kernels
from .plain_attention import split
from .shape import Documents, Shape

BACKWARD_TILE = 64
"""Queries, and keys, at a time in attention's backward pass."""
LONG, LAUNCH = 2048, 2.0e6
"""Tokens of a document from which its attention outweighs launches; what a launch costs, in scores of a head."""
LOG2_E = 1.4426950408889634


def attention(qkv: Tensor, documents: Documents, window: int, sinks: Tensor, s: Shape) -> tuple[Tensor, Tensor]:
    """See plain. Beside the output: lse fp32 [heads, T], which counts the sink."""
    tokens = len(qkv)
    out, lse = qkv.new_empty(tokens, s.heads * s.head_dim), qkv.new_empty(s.heads, tokens, dtype=torch.float32)
    bm, warps, stages = (64, 4, 2) if window or documents.longest < LONG else (128, 8, 3)
    grid = (triton.cdiv(documents.longest, bm), s.heads, len(documents.bounds) - 1)
    kernels.attend[grid](
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
    for group in _groups_of(documents, s.heads, qkv.device):
        lengths = documents.lengths[group]
        rows = slice(start, start + sum(lengths))
        start = rows.stop
        bounds, longest = documents.bounds[group.start : group.stop + 1] - documents.bounds[group.start], max(lengths)
        if not documents.lasting:
            bounds, longest, rows = documents.bounds, documents.longest, slice(None)
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
    dq = qkv.new_empty(tokens, s.heads, s.head_dim)
    dk, dv = (qkv.new_empty(tokens, s.kv_heads, s.head_dim) for _ in range(2))
    delta = torch.empty_like(lse)
    shape = (window, s.heads, s.kv_heads, s.head_dim)
    blocks, count = triton.cdiv(documents.longest, BACKWARD_TILE), len(documents.bounds) - 1
    do = do.contiguous()
    kernels.attend_backward_queries[(blocks, s.heads, count)](
        qkv, do, out, lse, documents.bounds, dq, delta, tokens, qkv.stride(0), scale,
        *shape, BACKWARD_TILE, BACKWARD_TILE // 2, num_warps=4, num_stages=2,
    )  # fmt: skip
    kernels.attend_backward_keys[(blocks, s.kv_heads, count)](
        qkv, do, lse, documents.bounds, delta, dk, dv, tokens, qkv.stride(0), scale,
        *shape, BACKWARD_TILE, BACKWARD_TILE, num_warps=4, num_stages=1,
    )  # fmt: skip
    return dq, dk, dv


def _groups_of(documents: Documents, heads: int, device: torch.device) -> list[slice]:
    if not documents.lasting:
        return [slice(0, len(documents.lengths))]
    return _groups(tuple(documents.lengths), heads, _multiprocessors(device))


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
