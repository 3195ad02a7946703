"""GPT-OSS's clamped SwiGLU over expert rows, with down's LoRA on the way in and gate_up's on the way back.

A program takes BM rows of one expert; programs past the last tile of the last expert do nothing. X: extra columns.
With SPLITS > 1 it takes a part of their width, and `finish_*` adds the parts up, in order.
"""

import triton
import triton.language as tl

from .dropout import kept


@triton.jit
def tile_of(program, offsets, E: tl.constexpr, BM: tl.constexpr):
    """(expert, first row, end of the expert's rows) of a tile; expert E past the last one."""
    e = tl.arange(0, E)
    end = tl.load(offsets + e)
    begin = tl.load(offsets + e - 1, mask=e > 0, other=0)
    tiles = (end - begin + BM - 1) // BM
    last = tl.cumsum(tiles, 0)
    expert = tl.sum((last <= program).to(tl.int32), 0)
    on = e == expert
    first = tl.sum(tl.where(on, last - tiles, 0), 0)
    return expert, tl.sum(tl.where(on, begin, 0), 0) + (program - first) * BM, tl.sum(tl.where(on, end, 0), 0)


@triton.jit
def forward(
    gate_up, act, thin, part, a, offsets, scale, ROWS, key, mask, p, keep_scale, DROP: tl.constexpr,
    INNER: tl.constexpr, LD: tl.constexpr, E: tl.constexpr, R: tl.constexpr, X: tl.constexpr,
    LIMIT: tl.constexpr, SLOPE: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """act row = (activation, scale * activation A^T, one); thin: its middle part. SPLITS * BN must divide INNER.
    DROP: A's input is dropped by the mask (dropout.kept) first."""
    e, r0, end = tile_of(tl.program_id(0), offsets, E, BM)
    if e < E:
        r = r0 + tl.arange(0, BM)
        m = (r < end)[:, None]
        r = r.to(tl.int64)[:, None]
        q = tl.arange(0, X)[None, :]
        acc = tl.zeros([BM, X], tl.float32)
        j = tl.program_id(1)
        for n0 in range(j * (INNER // SPLITS), (j + 1) * (INNER // SPLITS), BN):
            c = n0 + tl.arange(0, BN)[None, :]
            g = tl.minimum(tl.load(gate_up + r * 2 * INNER + c, mask=m, other=0).to(tl.float32), LIMIT)
            u = tl.load(gate_up + r * 2 * INNER + INNER + c, mask=m, other=0).to(tl.float32)
            u = tl.minimum(tl.maximum(u, -LIMIT), LIMIT)
            v = ((u + 1) * g * tl.sigmoid(g * SLOPE)).to(act.dtype.element_ty)
            tl.store(act + r * LD + c, v, mask=m)
            if DROP:
                v = tl.where(kept(key, mask, r, c, p), v.to(tl.float32) * keep_scale, 0.0).to(v.dtype)
            w = tl.load(a + e * R * INNER + q * INNER + n0 + tl.arange(0, BN)[:, None], mask=q < R, other=0)
            acc = tl.dot(v, w, acc, input_precision="ieee")
        if SPLITS == 1:
            acc = acc * scale
            tl.store(thin + r * R + q, acc, mask=m & (q < R))
            tl.store(act + r * LD + INNER + q, tl.where(q < R, acc, tl.where(q == R, 1.0, 0.0)), mask=m)
        else:
            tl.store(part + (j.to(tl.int64) * ROWS + r) * X + q, acc, mask=m)


@triton.jit
def finish_forward(
    part, act, thin, scale, ROWS,
    INNER: tl.constexpr, LD: tl.constexpr, R: tl.constexpr, X: tl.constexpr, BM: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """thin and act's extra columns from the parts fp32 [SPLITS, ROWS, X]."""
    r = (tl.program_id(0) * BM + tl.arange(0, BM)).to(tl.int64)[:, None]
    m = r < ROWS
    q = tl.arange(0, X)[None, :]
    acc = tl.zeros([BM, X], tl.float32)
    for j in tl.static_range(SPLITS):
        acc += tl.load(part + (j * ROWS + r) * X + q, mask=m, other=0.0)
    acc = acc * scale
    tl.store(thin + r * R + q, acc, mask=m & (q < R))
    tl.store(act + r * LD + INNER + q, tl.where(q < R, acc, tl.where(q == R, 1.0, 0.0)), mask=m)


@triton.jit
def backward(
    gate_up, dact, out, part, row_weights, b, offsets, dweight, scale, ROWS, a, thin, LT,
    key, mask, p, keep_scale, DROP: tl.constexpr,
    INNER: tl.constexpr, LDG: tl.constexpr, E: tl.constexpr, R: tl.constexpr, X: tl.constexpr,
    LIMIT: tl.constexpr, SLOPE: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """out row = (d gate, d up, scale * those by B); dweight: the routing weight's gradient; dact becomes the act.

    DROP: what comes through down's A, from thin, is not in dact yet, and the act is stored as dropped.
    """
    e, r0, end = tile_of(tl.program_id(0), offsets, E, BM)
    if e < E:
        r = r0 + tl.arange(0, BM)
        rm = r < end
        m = rm[:, None]
        rl = r.to(tl.int64)[:, None]
        q = tl.arange(0, X)
        dt = out.dtype.element_ty
        acc = tl.zeros([BM, X], tl.float32)
        sums = tl.zeros([BM, BN], tl.float32)
        w = tl.load(row_weights + r, mask=rm, other=0.0)[:, None]
        if DROP:
            t = tl.load(thin + rl * LT + q[None, :], mask=m & (q[None, :] < R), other=0)
        j = tl.program_id(1)
        for n0 in range(j * (INNER // SPLITS), (j + 1) * (INNER // SPLITS), BN):
            c = n0 + tl.arange(0, BN)
            bp = b + e * R * 2 * INNER + q[None, :] * 2 * INNER + c[:, None]
            bm = q[None, :] < R
            c = c[None, :]
            g0 = tl.load(gate_up + rl * 2 * INNER + c, mask=m, other=0).to(tl.float32)
            u0 = tl.load(gate_up + rl * 2 * INNER + INNER + c, mask=m, other=0).to(tl.float32)
            d = tl.load(dact + rl * INNER + c, mask=m, other=0).to(tl.float32)
            bg = tl.load(bp, mask=bm, other=0)
            bu = tl.load(bp + INNER, mask=bm, other=0)
            g = tl.minimum(g0, LIMIT)
            u = tl.minimum(tl.maximum(u0, -LIMIT), LIMIT)
            s = tl.sigmoid(g * SLOPE)
            gs = g * s
            act = (u + 1) * gs
            if DROP:
                stays = kept(key, mask, rl, c, p)
                ap = tl.load(a + e * R * INNER + q[:, None] * INNER + c, mask=q[:, None] < R, other=0)
                d += tl.where(stays, tl.dot(t, ap, input_precision="ieee") * keep_scale, 0.0)
            sums += d * act
            d = d * w
            if DROP:
                act = tl.where(stays, act * keep_scale, 0.0)
            tl.store(dact + rl * INNER + c, act, mask=m)
            dg = tl.where(g0 <= LIMIT, d * (u + 1) * (s + SLOPE * gs * (1 - s)), 0.0).to(dt)
            du = tl.where((u0 >= -LIMIT) & (u0 <= LIMIT), d * gs, 0.0).to(dt)
            tl.store(out + rl * LDG + c, dg, mask=m)
            tl.store(out + rl * LDG + INNER + c, du, mask=m)
            acc = tl.dot(dg, bg, acc, input_precision="ieee")
            acc = tl.dot(du, bu, acc, input_precision="ieee")
        tl.store(dweight + j * ROWS + r, tl.sum(sums, 1), mask=rm)
        if SPLITS == 1:
            # All X columns: the next product reads past r, up to 16 bytes' end.
            tl.store(out + rl * LDG + 2 * INNER + q[None, :], acc * scale, mask=m)
        else:
            tl.store(part + (j.to(tl.int64) * ROWS + rl) * X + q[None, :], acc, mask=m)


@triton.jit
def finish_backward(
    part, dweights, out, dweight, scale, ROWS,
    INNER: tl.constexpr, LDG: tl.constexpr, X: tl.constexpr, BM: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    """out's last columns and dweight from the parts fp32 [SPLITS, ROWS, X] and [SPLITS, ROWS]."""
    r = tl.program_id(0) * BM + tl.arange(0, BM)
    rl = r.to(tl.int64)[:, None]
    q = tl.arange(0, X)[None, :]
    acc = tl.zeros([BM, X], tl.float32)
    total = tl.zeros([BM], tl.float32)
    for j in tl.static_range(SPLITS):
        acc += tl.load(part + (j * ROWS + rl) * X + q, mask=rl < ROWS, other=0.0)
        total += tl.load(dweights + j * ROWS + r, mask=r < ROWS, other=0.0)
    tl.store(out + rl * LDG + 2 * INNER + q, acc * scale, mask=rl < ROWS)
    tl.store(dweight + r, total, mask=r < ROWS)
