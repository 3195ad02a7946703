"""RMS norm with what stands beside it, one program a token. BH: the hidden size's next power of two."""

import triton
import triton.language as tl


@triton.jit
def rms_norm(x, t, weight, y, total, eps, H: tl.constexpr, BH: tl.constexpr, ADD: tl.constexpr):
    """y = norm(x), or with ADD total = x + t and y = norm(total)."""
    p = tl.program_id(0).to(tl.int64)
    c = tl.arange(0, BH)
    m = c < H
    v = tl.load(x + p * H + c, mask=m, other=0).to(tl.float32)
    if ADD:
        v = (v + tl.load(t + p * H + c, mask=m, other=0).to(tl.float32)).to(total.dtype.element_ty)
        tl.store(total + p * H + c, v, mask=m)
        v = v.to(tl.float32)
    inverse = 1.0 / tl.sqrt(tl.sum(v * v, 0) / H + eps)
    tl.store(y + p * H + c, v * inverse * tl.load(weight + c, mask=m, other=0).to(tl.float32), mask=m)


@triton.jit
def rms_norm_backward(
    x, weight, dy, rows, inverse_rows, residual, out, eps,
    H: tl.constexpr, BH: tl.constexpr, K: tl.constexpr, ADD: tl.constexpr,
):  # fmt: skip
    """Gradient of x; dy is first increased by the token's K expert rows (K = 0: none), the result by the residual."""
    p = tl.program_id(0).to(tl.int64)
    c = tl.arange(0, BH)
    m = c < H
    d = tl.load(dy + p * H + c, mask=m, other=0).to(tl.float32)
    for k in tl.static_range(K):
        r = tl.load(inverse_rows + p * K + k).to(tl.int64)
        d += tl.load(rows + r * H + c, mask=m, other=0).to(tl.float32)
    v = tl.load(x + p * H + c, mask=m, other=0).to(tl.float32)
    inverse = 1.0 / tl.sqrt(tl.sum(v * v, 0) / H + eps)
    unit = v * inverse
    g = d * tl.load(weight + c, mask=m, other=0).to(tl.float32)
    o = inverse * (g - unit * (tl.sum(g * unit, 0) / H))
    if ADD:
        o += tl.load(residual + p * H + c, mask=m, other=0).to(tl.float32)
    tl.store(out + p * H + c, o, mask=m)


@triton.jit
def combine(h, rows, inverse_rows, weights, norm, total, y, eps, H: tl.constexpr, BH: tl.constexpr, K: tl.constexpr):
    """total = h + the token's weighted expert rows; y = norm(total), the next layer's input, while the row is here."""
    p = tl.program_id(0).to(tl.int64)
    c = tl.arange(0, BH)
    m = c < H
    v = tl.load(h + p * H + c, mask=m, other=0).to(tl.float32)
    for k in tl.static_range(K):
        r = tl.load(inverse_rows + p * K + k).to(tl.int64)
        v += tl.load(weights + p * K + k) * tl.load(rows + r * H + c, mask=m, other=0).to(tl.float32)
    v = v.to(total.dtype.element_ty)
    tl.store(total + p * H + c, v, mask=m)
    v = v.to(tl.float32)
    inverse = 1.0 / tl.sqrt(tl.sum(v * v, 0) / H + eps)
    tl.store(y + p * H + c, v * inverse * tl.load(norm + c, mask=m, other=0).to(tl.float32), mask=m)
