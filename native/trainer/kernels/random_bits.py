"""random_bits.py for kernels: the same bits from the same key and place."""

import triton
import triton.language as tl


@triton.jit
def mixed(x):
    """MurmurHash3's finaliser of uint32."""
    x = x ^ (x >> 16)
    x = x * tl.full((), 0x85EBCA6B, tl.uint32)
    x = x ^ (x >> 13)
    x = x * tl.full((), 0xC2B2AE35, tl.uint32)
    return x ^ (x >> 16)


@triton.jit
def row_bits(key, part, rows):
    """What `uniform` wants of the rows; key int64, rows int [...]."""
    low, high = (key & 0xFFFFFFFF).to(tl.uint32), (key >> 32).to(tl.uint32)
    golden = tl.full((), 0x9E3779B9, tl.uint32)
    return mixed(mixed(rows.to(tl.uint32) ^ low) + (high + tl.cast(part, tl.uint32) * golden))


@triton.jit
def column_bits(columns):
    """What `uniform` wants of the columns, int [...]."""
    return mixed((columns.to(tl.uint32) + 1) * tl.full((), 0x9E3779B9, tl.uint32))


@triton.jit
def uniform(row, column):
    """fp32 in [0, 1) from row_bits and column_bits, broadcast."""
    return (mixed(row ^ column) >> 8).to(tl.float32) * (1.0 / 16777216)
