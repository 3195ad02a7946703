"""Dropout of LoRA A's inputs: which numbers are dropped is a function of the pass's key and the place."""

import triton
import triton.language as tl

from ....kernels.random_bits import column_bits, row_bits, uniform


@triton.jit
def kept(key, part, rows, columns, p):
    """Whether each of rows x columns stays; key: pointer to int64."""
    return uniform(row_bits(tl.load(key), part, rows), column_bits(columns)) >= p


@triton.jit
def drop(x, out, key, part, p, scale, COLUMNS, LX, LO, ADD: tl.constexpr, BLOCK: tl.constexpr):
    """out = scale * x where it stays, else 0; ADD: out += that. One row and BLOCK columns a program."""
    row = tl.program_id(0)
    c = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    m = c < COLUMNS
    v = tl.load(x + row.to(tl.int64) * LX + c, mask=m, other=0).to(tl.float32) * scale
    v = tl.where(kept(key, part, row, c, p), v, 0.0)
    at = out + row.to(tl.int64) * LO + c
    if ADD:
        v += tl.load(at, mask=m, other=0).to(tl.float32)
    tl.store(at, v, mask=m)
