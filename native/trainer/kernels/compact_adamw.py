"""One update of compact_adamw.Chunk in one launch: a program takes one block of one parameter."""

import triton
import triton.language as tl

from .random_bits import column_bits, row_bits, uniform


@triton.jit
def find(table, share):
    """Index of the largest of 256 ascending numbers that is not above `share`; 0 where all are, and 254 at most."""
    low = tl.zeros(share.shape, tl.int32)
    for power in tl.static_range(7, -1, -1):
        higher = low + (1 << power)
        low = tl.where(tl.load(table + higher) <= share, higher, low)
    return tl.minimum(low, 254)


@triton.jit
def encoded(x, table, draw, SIGNED: tl.constexpr):
    """(codes int32, scale) of a block; quantise.encode."""
    scale = tl.max(tl.abs(x), 0)
    share = tl.div_rn(x, tl.where(scale > 0, scale, 1.0))
    low = find(table, share)
    below, above = tl.load(table + low), tl.load(table + low + 1)
    code = low + (draw * (above - below) < share - below).to(tl.int32)
    if not SIGNED:
        code = tl.where(share > 0, tl.maximum(code, 1), code)
    return code, scale


@triton.jit
def rounded(x, draw):
    """bf16 above or below x by the draw; quantise.to_bf16."""
    noise = (draw * 65536.0).to(tl.int32)
    return ((x.to(tl.int32, bitcast=True) + noise) & -65536).to(tl.float32, bitcast=True).to(tl.bfloat16)


@triton.jit(do_not_specialize=["key"])
def update(
    parameters, gradients, sizes, starts, members, first, second, first_scales, second_scales, signed, unsigned, key,
    step_size, decay, correction, rate1, rate2, beta2, eps, CODED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """parameters and gradients: addresses int64 [n] of fp32 tensors (0: no gradient); sizes int64 [n] and starts int32
    [n]: their elements and first block; members int32 [blocks]: whose a block is. first, second: the moments, bf16 or
    (CODED) codes with a scale a block. step_size = lr / (1 - beta1^t), decay = 1 - lr * weight_decay, correction =
    sqrt(1 - beta2^t), rate1 and rate2 = 1 - beta1 and 1 - beta2.
    """
    block = tl.program_id(0)
    member = tl.load(members + block)
    at = tl.arange(0, BLOCK)
    place = (block - tl.load(starts + member)).to(tl.int64) * BLOCK + at
    inside = place < tl.load(sizes + member)
    p = tl.load(parameters + member).to(tl.pointer_type(tl.float32)) + place
    address = tl.load(gradients + member)
    g = tl.load(address.to(tl.pointer_type(tl.float32)) + place, mask=inside & (address != 0), other=0.0)
    stored = block.to(tl.int64) * BLOCK + at
    column = column_bits(at)
    draw1, draw2 = uniform(row_bits(key, 0, block), column), uniform(row_bits(key, 1, block), column)
    if CODED:
        m = tl.load(signed + tl.load(first + stored).to(tl.int32)) * tl.load(first_scales + block)
        root = tl.load(unsigned + tl.load(second + stored).to(tl.int32)) * tl.load(second_scales + block)
        v = root * root
    else:
        m = tl.load(first + stored).to(tl.float32)
        v = tl.load(second + stored).to(tl.float32)
    m = m + rate1 * (g - m)
    v = v * beta2 + rate2 * g * g
    root = tl.sqrt_rn(v)
    value = tl.load(p, mask=inside, other=0.0) * decay
    value -= step_size * tl.div_rn(m, tl.div_rn(root, correction) + eps)
    tl.store(p, value, mask=inside)
    if CODED:
        code, scale = encoded(m, signed, draw1, True)
        tl.store(first + stored, code.to(tl.uint8))
        tl.store(first_scales + block, scale)
        code, scale = encoded(root, unsigned, draw2, False)
        tl.store(second + stored, code.to(tl.uint8))
        tl.store(second_scales + block, scale)
    else:
        tl.store(first + stored, rounded(m, draw1))
        tl.store(second + stored, rounded(v, draw2))
