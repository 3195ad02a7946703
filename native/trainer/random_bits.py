"""Random bits by counter: a pure function of a key and a place, the same on every device (kernels/random_bits.py).

Nothing is drawn in order, so what is computed again, or after a resume, meets the same bits; and a kernel needs no
memory for them. MurmurHash3's finaliser (Appleby, public domain), whose every output bit depends on every input bit,
mixes row and column: enough for masks and rounding, and a fifth of the arithmetic of ten rounds of Philox.
"""

import hashlib

import torch
from torch import Tensor

MASK = 0xFFFFFFFF
FIRST, SECOND = 0x85EBCA6B, 0xC2B2AE35
"""MurmurHash3's multipliers."""
GOLDEN = 0x9E3779B9


def key_of(*parts: object) -> int:
    """A key of 63 bits from anything that has a text."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _mixed(x: Tensor) -> Tensor:
    """MurmurHash3's finaliser of 32-bit numbers, held in int64."""
    x = (x ^ (x >> 16)) * FIRST & MASK
    x = (x ^ (x >> 13)) * SECOND & MASK
    return x ^ (x >> 16)


def uniform(key: int | Tensor, part: int, rows: int, columns: int, device: torch.device | str = "cpu") -> Tensor:
    """fp32 [rows, columns], multiples of 2^-24 in [0, 1).

    key: up to 63 bits, also as int64 [1]; part tells apart the draws of one key, below 2^31.
    """
    row, column = (torch.arange(count, device=device) for count in (rows, columns))
    low, high = key & MASK, (key >> 32) & MASK
    row = _mixed(_mixed((row ^ low) & MASK) + high + part * GOLDEN & MASK)
    column = _mixed((column + 1) * GOLDEN & MASK)
    return (_mixed(row[:, None] ^ column) >> 8).float() * 2.0**-24
