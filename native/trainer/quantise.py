"""Numbers of an optimiser's state in fewer bits: bf16, and 8 bits a number with one scale a block.

Rounding is stochastic: a moment that changes by less than half a step of its format, as a second moment with beta
0.999 does, would never change with rounding to nearest. The draws, uniform in [0, 1), are the caller's.
"""

from functools import cache

import torch
from torch import Tensor

BLOCK = 256
"""Numbers that share a scale."""


def to_bf16(x: Tensor, draw: Tensor) -> Tensor:
    """fp32 to bf16, up or down with the probability that keeps the mean."""
    noise = (draw * 2**16).int()
    return ((x.view(torch.int32) + noise) & -(1 << 16)).view(torch.float32).to(torch.bfloat16)


@cache
def dynamic_code(signed: bool) -> tuple[float, ...]:
    """The 256 values of dynamic quantisation in ascending order, largest 1 (Dettmers et al. 2022, "8-bit Optimizers
    via Block-wise Quantization"): seven decades, each with twice the values of the one below it.
    """
    values = [0.0, 1.0]
    for decade in range(7):
        count = 2**decade if signed else 2 ** (decade + 1)
        for at in range(count):
            middle = 0.1 + 0.9 * (at + 0.5) / count
            value = middle * 10.0 ** (decade - 6)
            values += [value, -value] if signed else [value]
    return tuple(sorted(values))


@cache
def table(signed: bool, device: torch.device) -> Tensor:
    """`dynamic_code` on the device."""
    return torch.tensor(dynamic_code(signed), dtype=torch.float32, device=device)


def encode(x: Tensor, signed: bool, draw: Tensor) -> tuple[Tensor, Tensor]:
    """(codes uint8 [n], scales fp32 [n / BLOCK]) of x fp32 [n], n a multiple of BLOCK; not signed: x >= 0.

    A number that is not 0 never becomes 0 where x is not signed: it is what an update is divided by.
    """
    code = table(signed, x.device)
    blocks = x.view(-1, BLOCK)
    scales = blocks.abs().amax(1)
    share = (blocks / torch.where(scales > 0, scales, 1.0)[:, None]).flatten()
    low = torch.searchsorted(code, share, right=True, out_int32=True).sub_(1).clamp_(0, 254)
    below, above = code[low], code[low + 1]
    codes = low + (draw * (above - below) < share - below)
    if not signed:
        codes = torch.where(share > 0, codes.clamp_min(1), codes)
    return codes.to(torch.uint8), scales


def decode(codes: Tensor, scales: Tensor, signed: bool) -> Tensor:
    """fp32 [n] of what `encode` gave."""
    values = table(signed, codes.device)[codes.int()]
    return (values.view(-1, BLOCK) * scales[:, None]).flatten()
