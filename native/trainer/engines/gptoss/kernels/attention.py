"""Attention over packed documents with sinks and windows, forward and backward, and rotation by position.

D2: half a head. Flash attention's own backward pass is used where it is faster (fused.py).
"""

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
def _scores(q, keys, m, n0, end, scale, WINDOW: tl.constexpr, BN: tl.constexpr, LD):
    """Scores in powers of two of a block of queries with BN keys from n0, -inf where the mask hides them."""
    n = n0 + tl.arange(0, BN)
    k = tl.load(keys + n[None, :].to(tl.int64) * LD, mask=n[None, :] < end, other=0)
    s = tl.dot(q, k, input_precision="ieee") * scale
    seen = n[None, :] <= m[:, None]
    if WINDOW > 0:
        seen = seen & (n[None, :] > m[:, None] - WINDOW)
    return tl.where(seen, s, float("-inf"))


@triton.jit
def _absorb(s, values, n0, end, acc, top, total, BN: tl.constexpr, LD):
    """One step of the online softmax (Milakov and Gimelshein 2018; Dao 2022)."""
    n = n0 + tl.arange(0, BN)
    higher = tl.maximum(top, tl.max(s, 1))
    shrink = tl.exp2(top - higher)
    p = tl.exp2(s - higher[:, None])
    v = tl.load(values + n[:, None].to(tl.int64) * LD, mask=n[:, None] < end, other=0)
    acc = tl.dot(p.to(v.dtype), v, acc * shrink[:, None], input_precision="ieee")
    return acc, higher, total * shrink + tl.sum(p, 1)


@triton.jit
def attend(
    qkv, sinks, bounds, out, lse, T, LD, scale,
    WINDOW: tl.constexpr, NH: tl.constexpr, NKV: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Causal attention of BM queries of one head and document; the softmax starts from the sink, which is free.

    out [T, NH * D]; lse fp32 [NH, T], natural, with the sink; scale: of the scores, times log2(e). WINDOW 0: none.
    Blocks of keys that the window hides are not visited. BM must be a multiple of BN.
    """
    # The longest rows first: the last programs to start are short ones.
    block = tl.num_programs(0) - 1 - tl.program_id(0)
    h = tl.program_id(1)
    begin = tl.load(bounds + tl.program_id(2))
    length = tl.load(bounds + tl.program_id(2) + 1) - begin
    m0 = block * BM
    if m0 < length:
        m = m0 + tl.arange(0, BM)
        d = tl.arange(0, D)
        document = qkv + begin.to(tl.int64) * LD
        q = tl.load(document + m[:, None].to(tl.int64) * LD + h * D + d[None, :], mask=m[:, None] < length, other=0)
        keys = document + (NH + h // (NH // NKV)) * D + d[:, None]
        values = document + (NH + NKV + h // (NH // NKV)) * D + d[None, :]
        sink = tl.load(sinks + h).to(tl.float32) * 1.4426950408889634
        top = tl.zeros([BM], tl.float32) + sink
        total = tl.full([BM], 1.0, tl.float32)
        acc = tl.zeros([BM, D], tl.float32)
        first = 0
        if WINDOW > 0:
            first = tl.maximum(m0 - WINDOW + 1, 0) // BN * BN
        else:
            for n0 in range(0, m0, BN):
                k = tl.load(keys + (n0 + tl.arange(0, BN))[None, :].to(tl.int64) * LD)
                s = tl.dot(q, k, input_precision="ieee") * scale
                acc, top, total = _absorb(s, values, n0, length, acc, top, total, BN, LD)
            first = m0
        for n0 in range(first, tl.minimum(m0 + BM, length), BN):
            s = _scores(q, keys, m, n0, length, scale, WINDOW, BN, LD)
            acc, top, total = _absorb(s, values, n0, length, acc, top, total, BN, LD)
        row = (begin + m).to(tl.int64)
        tl.store(lse + h * T + row, (top + tl.log2(total)) * 0.6931471805599453, mask=m < length)
        o = acc / total[:, None]
        tl.store(out + row[:, None] * (NH * D) + h * D + d[None, :], o, mask=m[:, None] < length)


@triton.jit
def attend_backward_queries(
    qkv, do, out, lse, bounds, dq, delta, T, LD, scale,
    WINDOW: tl.constexpr, NH: tl.constexpr, NKV: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Gradient of BM queries of one head and document, and for the keys' turn delta = sum(do * out), fp32 [NH, T].

    lse counts the sink, and its value is zero: the formulas are those of attention without one (Dao 2022). dq is
    [T, NH * D]. BM must be a multiple of BN.
    """
    block = tl.num_programs(0) - 1 - tl.program_id(0)
    h = tl.program_id(1)
    begin = tl.load(bounds + tl.program_id(2))
    length = tl.load(bounds + tl.program_id(2) + 1) - begin
    m0 = block * BM
    if m0 < length:
        m = m0 + tl.arange(0, BM)
        d = tl.arange(0, D)
        inside = m[:, None] < length
        document = qkv + begin.to(tl.int64) * LD
        q = tl.load(document + m[:, None].to(tl.int64) * LD + h * D + d[None, :], mask=inside, other=0)
        row = (begin + m).to(tl.int64)
        place = row[:, None] * (NH * D) + h * D + d[None, :]
        g = tl.load(do + place, mask=inside, other=0)
        share = tl.sum(g.to(tl.float32) * tl.load(out + place, mask=inside, other=0).to(tl.float32), 1)
        tl.store(delta + h * T + row, share, mask=m < length)
        log_sum = tl.load(lse + h * T + row, mask=m < length, other=0.0) * 1.4426950408889634
        keys = document + (NH + h // (NH // NKV)) * D + d[:, None]
        values = document + (NH + NKV + h // (NH // NKV)) * D + d[:, None]
        acc = tl.zeros([BM, D], tl.float32)
        first = 0
        if WINDOW > 0:
            first = tl.maximum(m0 - WINDOW + 1, 0) // BN * BN
        for n0 in range(first, tl.minimum(m0 + BM, length), BN):
            n = n0 + tl.arange(0, BN)
            p = tl.exp2(_scores(q, keys, m, n0, length, scale, WINDOW, BN, LD) - log_sum[:, None])
            k = tl.load(keys + n[None, :].to(tl.int64) * LD, mask=n[None, :] < length, other=0)
            v = tl.load(values + n[None, :].to(tl.int64) * LD, mask=n[None, :] < length, other=0)
            ds = p * (tl.dot(g, v, input_precision="ieee") - share[:, None])
            acc = tl.dot(ds.to(k.dtype), tl.trans(k), acc, input_precision="ieee")
        tl.store(dq + place, acc * (scale * 0.6931471805599453), mask=inside)


@triton.jit
def attend_backward_keys(
    qkv, do, lse, bounds, delta, dk, dv, T, LD, scale,
    WINDOW: tl.constexpr, NH: tl.constexpr, NKV: tl.constexpr, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """Gradients of BN keys and values of one document, over all heads that read them: one owner, so no atomics.

    dk and dv are [T, NKV * D]. BN must be a multiple of BM.
    """
    n0 = tl.program_id(0) * BN
    kv = tl.program_id(1)
    begin = tl.load(bounds + tl.program_id(2))
    length = tl.load(bounds + tl.program_id(2) + 1) - begin
    if n0 < length:
        n = n0 + tl.arange(0, BN)
        d = tl.arange(0, D)
        inside = n[:, None] < length
        document = qkv + begin.to(tl.int64) * LD
        k = tl.load(document + n[:, None].to(tl.int64) * LD + (NH + kv) * D + d[None, :], mask=inside, other=0)
        v = tl.load(document + n[:, None].to(tl.int64) * LD + (NH + NKV + kv) * D + d[None, :], mask=inside, other=0)
        acc_k = tl.zeros([BN, D], tl.float32)
        acc_v = tl.zeros([BN, D], tl.float32)
        end = length
        if WINDOW > 0:
            end = tl.minimum(length, n0 + BN + WINDOW - 1)
        for head in range(NH // NKV):
            h = kv * (NH // NKV) + head
            for m0 in range(n0, end, BM):
                m = m0 + tl.arange(0, BM)
                row = (begin + m).to(tl.int64)
                q = tl.load(document + m[:, None].to(tl.int64) * LD + h * D + d[None, :],
                            mask=m[:, None] < length, other=0)  # fmt: skip
                g = tl.load(do + row[:, None] * (NH * D) + h * D + d[None, :], mask=m[:, None] < length, other=0)
                log_sum = tl.load(lse + h * T + row, mask=m < length, other=0.0) * 1.4426950408889634
                share = tl.load(delta + h * T + row, mask=m < length, other=0.0)
                s = tl.dot(k, tl.trans(q), input_precision="ieee") * scale
                seen = (n[:, None] <= m[None, :]) & (m[None, :] < length)
                if WINDOW > 0:
                    seen = seen & (n[:, None] > m[None, :] - WINDOW)
                p = tl.where(seen, tl.exp2(s - log_sum[None, :]), 0.0)
                acc_v = tl.dot(p.to(g.dtype), g, acc_v, input_precision="ieee")
                ds = p * (tl.dot(v, tl.trans(g), input_precision="ieee") - share[None, :])
                acc_k = tl.dot(ds.to(q.dtype), q, acc_k, input_precision="ieee")
        place = (begin + n[:, None]).to(tl.int64) * (NKV * D) + kv * D + d[None, :]
        tl.store(dk + place, acc_k * (scale * 0.6931471805599453), mask=inside)
        tl.store(dv + place, acc_v, mask=inside)
