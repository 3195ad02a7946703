"""What stands around flash attention: rotation by position, its backward, and the sink. D2: half a head."""

import triton
import triton.language as tl


@triton.jit
def rotate(qkv, cos, sin, LD, N: tl.constexpr, BN: tl.constexpr, D2: tl.constexpr):
    """Turn the first N heads (queries and keys) of a token in place; BN: N's next power of two."""
    p = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, BN)[:, None]
    j = tl.arange(0, D2)[None, :]
    m = head < N
    c = tl.load(cos + p * D2 + j)
    s = tl.load(sin + p * D2 + j)
    q = qkv + p * LD + head * 2 * D2 + j
    x = tl.load(q, mask=m, other=0).to(tl.float32)
    z = tl.load(q + D2, mask=m, other=0).to(tl.float32)
    tl.store(q, x * c - z * s, mask=m)
    tl.store(q + D2, z * c + x * s, mask=m)


@triton.jit
def _turn_back(source, target, head, n, c, s, j, D2: tl.constexpr):
    m = head < n
    i = source + head * 2 * D2 + j
    o = target + head * 2 * D2 + j
    x = tl.load(i, mask=m, other=0).to(tl.float32)
    z = tl.load(i + D2, mask=m, other=0).to(tl.float32)
    tl.store(o, x * c + z * s, mask=m)
    tl.store(o + D2, z * c - x * s, mask=m)


@triton.jit
def rotate_backward(
    dq, dk, dv, out, cos, sin, LD,
    NH: tl.constexpr, NKV: tl.constexpr, BNH: tl.constexpr, BNKV: tl.constexpr, D2: tl.constexpr,
):  # fmt: skip
    """Join the gradients of a token's queries, keys and values, turned back, into one row."""
    p = tl.program_id(0).to(tl.int64)
    j = tl.arange(0, D2)[None, :]
    c = tl.load(cos + p * D2 + j)
    s = tl.load(sin + p * D2 + j)
    row = out + p * LD
    _turn_back(dq + p * NH * 2 * D2, row, tl.arange(0, BNH)[:, None], NH, c, s, j, D2)
    _turn_back(dk + p * NKV * 2 * D2, row + NH * 2 * D2, tl.arange(0, BNKV)[:, None], NKV, c, s, j, D2)
    n = tl.arange(0, BNKV * 2 * D2)
    m = n < NKV * 2 * D2
    v = tl.load(dv + p * NKV * 2 * D2 + n, mask=m, other=0)
    tl.store(row + (NH + NKV) * 2 * D2 + n, v, mask=m)


@triton.jit
def fold_sink(o, lse, lse_out, sinks, T, NH: tl.constexpr, D: tl.constexpr, BT: tl.constexpr):
    """o *= exp(lse - lse'), lse' = log(exp(lse) + exp(sink)), for one head and BT tokens; lse fp32 [heads, T].

    lse_out is not lse: a 1-D tile is replicated over warps, so an update in place is a race.
    """
    h = tl.program_id(1)
    t = tl.program_id(0) * BT + tl.arange(0, BT)
    m = t < T
    before = tl.load(lse + h * T + t, mask=m, other=0.0)
    s = tl.load(sinks + h).to(tl.float32)
    top = tl.maximum(before, s)
    after = top + tl.log(tl.exp(before - top) + tl.exp(s - top))
    tl.store(lse_out + h * T + t, after, mask=m)
    q = o + t[:, None].to(tl.int64) * (NH * D) + h * D + tl.arange(0, D)[None, :]
    v = tl.load(q, mask=m[:, None], other=0).to(tl.float32)
    tl.store(q, v * tl.exp(before - after)[:, None], mask=m[:, None])
