"""LoRA gradients of the experts, without atomics: every sum has one owner, so every run has the same bits."""

import triton
import triton.language as tl


@triton.jit
def expert_outer(
    x, thin, row_weights, offsets, out, LX, LT, C,
    R: tl.constexpr, X: tl.constexpr, WEIGHTED: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """out[e] = thin_e^T x_e, fp32 [R, C]: one expert and BN columns a program. C must be a multiple of BN."""
    c = tl.program_id(0) * BN + tl.arange(0, BN)
    e = tl.program_id(1)
    end = tl.load(offsets + e)
    begin = tl.load(offsets + e - 1, mask=e > 0, other=0)
    q = tl.arange(0, X)[None, :]
    acc = tl.zeros([BN, X], tl.float32)
    for r0 in range(begin, end, BM):
        r = r0 + tl.arange(0, BM)
        m = (r < end)[:, None]
        rl = r.to(tl.int64)[:, None]
        v = tl.load(x + rl * LX + c[None, :], mask=m, other=0)
        t = tl.load(thin + rl * LT + q, mask=m & (q < R), other=0)
        if WEIGHTED:
            w = tl.load(row_weights + r, mask=r < end, other=0.0)[:, None]
            t = (t.to(tl.float32) * w).to(t.dtype)
        acc = tl.dot(tl.trans(v), t, acc, input_precision="ieee")
    tl.store(out + e.to(tl.int64) * R * C + q * C + c[:, None], acc, mask=q < R)


@triton.jit
def token_gradients(
    dgate_up, thin, dweight, d_bias, inverse, experts, weights, first, second, router, LB,
    I2: tl.constexpr, LDG: tl.constexpr, E: tl.constexpr, K: tl.constexpr, R: tl.constexpr, BR: tl.constexpr,
):  # fmt: skip
    """From a token's K rows: what gate_up's A and down's B get of it [E * R], and the router's gradient [E].

    BR: R's next power of two; a tile is [E, BR].
    """
    p = tl.program_id(0).to(tl.int64)
    e = tl.arange(0, E)
    q = tl.arange(0, BR)[None, :]
    x = tl.zeros([E, BR], tl.float32)
    z = tl.zeros([E, BR], tl.float32)
    total = 0.0
    g = tl.zeros([E], tl.float32)
    ws = tl.zeros([E], tl.float32)
    for k in tl.static_range(K):
        chosen = tl.load(experts + p * K + k)
        r = tl.load(inverse + p * K + k).to(tl.int64)
        w = tl.load(weights + p * K + k)
        hit = (e == chosen)[:, None] & (q < R)
        x += tl.load(dgate_up + r * LDG + I2 + q, mask=hit, other=0).to(tl.float32)
        z += w * tl.load(thin + r * R + q, mask=hit, other=0).to(tl.float32)
        # The second part is the bias of down.
        d = tl.load(dweight + r) + tl.load(d_bias + p * LB + chosen).to(tl.float32)
        total += w * d
        g += tl.where(e == chosen, w * d, 0.0)
        ws += tl.where(e == chosen, w, 0.0)
    at = p * E * R + e[:, None] * R + q
    tl.store(first + at, x, mask=q < R)
    tl.store(second + at, z, mask=q < R)
    # Backward of a softmax over the chosen experts.
    tl.store(router + p * E + e, g - ws * total)
