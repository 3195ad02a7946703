"""Whether the engine's kernels run on this card: asked of the card, with small tensors, against the plain twins."""

import importlib.util
from collections.abc import Mapping
from typing import Any

import torch

from . import plain
from .shape import Documents, Shape

LARGEST_R = 127
"""A kernel's tile holds r + 1 extra columns, to a power of two; more than 128 were not measured."""

BOUND = 0.02
"""Distance of a bf16 result from the twin's, relative: rounding is 0.3 %, a wrong layout 100 %."""


def unfit(s: Shape, device: torch.device, dtype: torch.dtype) -> str | None:
    """Why the kernels cannot take this model, or None: CUDA and bf16, Triton, and widths that fill their tiles."""
    if device.type != "cuda" or dtype != torch.bfloat16:
        return "its kernels need a GPU and bf16"
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    if s.hidden % 64 or s.intermediate % 64 or s.head_dim not in (16, 32, 64, 128) or s.experts & (s.experts - 1):
        return "its kernels need widths that are multiples of 64 and a power of two of experts"
    return None


def refusal(s: Shape, lora: Mapping[str, Any], device: torch.device, dtype: torch.dtype) -> str | None:
    """Why engine gptoss cannot train this LoRA on this card, or None after its parts ran and were right."""
    if lora["r"] > LARGEST_R:
        return f"it takes lora.r up to {LARGEST_R}"
    return unfit(s, device, dtype) or _try(s, device)


def _try(s: Shape, device: torch.device) -> str | None:
    from . import fused

    generator = torch.Generator(device).manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device, generator=generator).to(torch.bfloat16)

    try:
        offsets = torch.tensor([24, 24, 40, 64], dtype=torch.int32, device=device)
        x, w = draw(64, 64), draw(4, 64, 64)
        pairs = {"grouped GEMM": (fused.grouped(x, w, offsets), plain.grouped(x, w, offsets))}
        norm = draw(64)
        pairs["Triton kernels"] = fused.rms_norm(x, norm, s.eps), plain.rms_norm(x, norm, s.eps)
        documents = Documents(torch.tensor([0, 20, 64], dtype=torch.int32, device=device), 44, [20, 44])
        qkv, sinks = draw(64, s.qkv), draw(s.heads)
        pairs["flash attention"] = tuple(ops.attention(qkv, documents, 8, sinks, s)[0] for ops in (fused, plain))
    except (RuntimeError, NotImplementedError, AttributeError, TypeError) as error:
        return f"a part of it does not run on this card ({str(error).splitlines()[0][:120]})"
    for part, (got, expected) in pairs.items():
        if not float((got.float() - expected.float()).norm()) <= BOUND * float(expected.float().norm()):
            return f"its {part} gives wrong numbers on this card"
    return None
