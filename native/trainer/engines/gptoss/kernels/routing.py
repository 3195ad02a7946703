"""Top-k routing without a host synchronisation: three passes over blocks of BT tokens.

`choose` finds each token's experts and counts them by block, `place` turns counts into first rows, `rank` gives every
(token, choice) its row and weight. And `gather`, which copies tokens to their rows.
"""

import triton
import triton.language as tl


@triton.jit
def choose(logits, experts, exps, counts, T, E: tl.constexpr, K: tl.constexpr, BT: tl.constexpr):
    """experts int32 and exp(logit - largest) fp32 [T, K]; counts int32 [blocks, E]."""
    t = tl.program_id(0) * BT + tl.arange(0, BT)
    m = t < T
    e = tl.arange(0, E)[None, :]
    v = tl.load(logits + t[:, None] * E + e, mask=m[:, None], other=0).to(tl.float32)
    hit = tl.zeros([BT, E], tl.int32)
    top = tl.max(v, 1)
    for k in tl.static_range(K):
        best = tl.max(v, 1)
        at = tl.argmax(v, 1)
        on = e == at[:, None]
        tl.store(experts + t * K + k, at, mask=m)
        tl.store(exps + t * K + k, tl.exp(best - top), mask=m)
        hit += on.to(tl.int32)
        v = tl.where(on, float("-inf"), v)
    tl.store(counts + tl.program_id(0) * E + tl.arange(0, E), tl.sum(tl.where(m[:, None], hit, 0), 0))


@triton.jit
def place(counts, first, offsets, NB, E: tl.constexpr, BNB: tl.constexpr):
    """first int32 [blocks, E]: row of a block's first token for an expert; offsets int32 [E]: ends of experts."""
    b = tl.arange(0, BNB)[:, None]
    e = tl.arange(0, E)
    c = tl.load(counts + b * E + e[None, :], mask=b < NB, other=0)
    n = tl.sum(c, 0)
    end = tl.cumsum(n, 0)
    tl.store(offsets + e, end)
    tl.store(first + b * E + e[None, :], tl.cumsum(c, 0) - c + (end - n)[None, :], mask=b < NB)


@triton.jit
def rank(experts, exps, first, inverse, weights, row_weights, T, E: tl.constexpr, K: tl.constexpr, BT: tl.constexpr):
    """inverse int32 and weights fp32 [T, K], row_weights fp32 [R]."""
    t = tl.program_id(0) * BT + tl.arange(0, BT)
    m = t < T
    e = tl.arange(0, E)[None, :]
    hit = tl.zeros([BT, E], tl.int32)
    total = tl.zeros([BT], tl.float32)
    for k in tl.static_range(K):
        total += tl.load(exps + t * K + k, mask=m, other=1.0)
        hit += (e == tl.load(experts + t * K + k, mask=m, other=-1)[:, None]).to(tl.int32)
    row = tl.cumsum(hit, 0) - hit + tl.load(first + tl.program_id(0) * E + e)
    for k in tl.static_range(K):
        mine = e == tl.load(experts + t * K + k, mask=m, other=-1)[:, None]
        q = tl.sum(tl.where(mine, row, 0), 1)
        w = tl.load(exps + t * K + k, mask=m, other=0) / total
        tl.store(inverse + t * K + k, q, mask=m)
        tl.store(row_weights + q, w, mask=m)
        tl.store(weights + t * K + k, w, mask=m)


@triton.jit
def gather(
    x, thin, inverse, experts, out, thin_out, scale, LT,
    H: tl.constexpr, LD: tl.constexpr, K: tl.constexpr, R: tl.constexpr, X: tl.constexpr, BIAS: tl.constexpr,
    BC: tl.constexpr,
):  # fmt: skip
    """Copy a token's row to its K expert rows, then scale * thin[token, expert] and, with BIAS, a one (X columns)."""
    p = tl.program_id(0).to(tl.int64)
    for c0 in tl.static_range(0, H, BC):
        c = c0 + tl.arange(0, BC)
        v = tl.load(x + p * H + c, mask=c < H, other=0)
        for k in tl.static_range(K):
            r = tl.load(inverse + p * K + k).to(tl.int64)
            tl.store(out + r * LD + c, v, mask=c < H)
    c = tl.arange(0, X)
    for k in tl.static_range(K):
        r = tl.load(inverse + p * K + k).to(tl.int64)
        e = tl.load(experts + p * K + k)
        v = tl.load(thin + p * LT + e * R + c, mask=c < R, other=0).to(tl.float32) * scale
        tl.store(thin_out + r * R + c, v, mask=c < R)
        if BIAS:
            v = tl.where(c == R, 1.0, v)
        tl.store(out + r * LD + H + c, v)
