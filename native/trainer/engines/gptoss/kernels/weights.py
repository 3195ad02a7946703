"""Scratch weights: MXFP4 decoded into them, LoRA and bias put around them."""

import triton
import triton.language as tl


@triton.jit
def dequantise(
    blocks, scales, out, GROUPS, OUT_EXPERT,
    KG: tl.constexpr, N: tl.constexpr, LDW: tl.constexpr, INTERLEAVED: tl.constexpr,
    BG: tl.constexpr, PTX: tl.constexpr,
):  # fmt: skip
    """MXFP4 to bf16, two values to a 32-bit store; interleaved rows g0 u0 g1 u1 become gate, then up.

    blocks and scales of one projection; out as int32, LDW words a row, OUT_EXPERT words an expert; GROUPS = N * KG
    groups of 32 values an expert, KG a row. PTX: use the packed multiply of Hopper; else the exponent is added.
    """
    e = tl.program_id(1).to(tl.int64)
    g = tl.program_id(0) * BG + tl.arange(0, BG)
    m = g < GROUPS
    j = tl.arange(0, 16)[None, :]
    b = tl.load(blocks + (e * GROUPS + g)[:, None] * 16 + j, mask=m[:, None], other=0).to(tl.int32)
    s = tl.load(scales + e * GROUPS + g, mask=m, other=127).to(tl.int32)[:, None]
    row = g // KG
    column = g % KG
    if INTERLEAVED:
        row = row // 2 + (row % 2) * (N // 2)
    q = out + e * OUT_EXPERT + (row * LDW + column * 16)[:, None] + j
    w = (b | (b << 12)) & 0x000F000F
    if PTX:
        # E2M1's bits put into a bf16 are the value times 2^-126; one packed multiply restores the scale.
        x = ((w & 0x00070007) << 6) | ((w & 0x00080008) << 12)
        f = (s + 126) << 7
        f = f | (f << 16)
        x = tl.inline_asm_elementwise(
            "mul.rn.bf16x2 $0, $1, $2;", "=r,r,r", [x, tl.broadcast_to(f, x.shape)],
            dtype=tl.int32, is_pure=True, pack=1,
        )  # fmt: skip
    else:
        low = w & 7
        high = (w >> 16) & 7
        f = (s - 127) << 7
        low = tl.where(low == 0, 0, 0x3F00 + low * 64 - tl.where(low == 1, 64, 0) + f)
        high = tl.where(high == 0, 0, 0x3F00 + high * 64 - tl.where(high == 1, 64, 0) + f)
        x = low | (high << 16) | ((w & 0x00080008) << 12)
    tl.store(q, x, mask=m[:, None])


@triton.jit
def put_columns(
    b, bias, out, OUT_EXPERT,
    N: tl.constexpr, R: tl.constexpr, X: tl.constexpr, LD: tl.constexpr, K: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    """out[e, n, K:K + X] = (b[e, :, n], bias[e, n], zeros); b [E, R, N]."""
    e = tl.program_id(1).to(tl.int64)
    n = (tl.program_id(0) * BN + tl.arange(0, BN))[:, None]
    c = tl.arange(0, X)[None, :]
    v = tl.load(b + e * R * N + c * N + n, mask=(c < R) & (n < N), other=0).to(tl.float32)
    v = tl.where(c == R, tl.load(bias + e * N + n, mask=n < N, other=0).to(tl.float32), v)
    tl.store(out + e * OUT_EXPERT + n * LD + K + c, v, mask=n < N)
