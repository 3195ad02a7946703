"""Rotary position embedding with YaRN (Peng et al. 2023, "YaRN: Efficient Context Window Extension")."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def frequencies(rope: Mapping[str, Any], head_dim: int) -> tuple[Tensor, float]:
    """(inverse frequencies fp32 [D / 2], factor of cosine and sine), as GPT-OSS's config describes them."""
    base, factor = rope["rope_theta"], rope["factor"]
    original = rope["original_max_position_embeddings"]

    def dimension(rotations: float) -> float:
        return head_dim * math.log(original / (rotations * 2 * math.pi)) / (2 * math.log(base))

    low, high = dimension(rope.get("beta_fast", 32.0)), dimension(rope.get("beta_slow", 1.0))
    if rope.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, head_dim - 1)
    if low == high:
        high += 0.001
    power = base ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
    ramp = ((torch.arange(head_dim // 2, dtype=torch.float32) - low) / (high - low)).clamp(0, 1)
    # In transformers' order of rounding, so that both give the same bits.
    keep = 1 - ramp
    inverse = 1.0 / (factor * power) * (1 - keep) + 1.0 / power * keep
    return inverse, 0.1 * math.log(factor) + 1.0


def angles(positions: Tensor, inverse: Tensor, factor: float) -> tuple[Tensor, Tensor]:
    """Cosine and sine, fp32 [T, D / 2], of positions fp32 [T]."""
    turned = positions[:, None] * inverse
    return turned.cos() * factor, turned.sin() * factor
