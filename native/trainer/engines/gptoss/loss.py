"""The head: negative log likelihood of the supervised rows only, in chunks, so that few logits exist at a time."""

from types import ModuleType

import torch
from torch import Tensor

CHUNK = 4096
"""Rows whose logits exist at once where memory allows: 1.6 GB in bf16 with GPT-OSS's vocabulary."""


def head_nll(x: Tensor, head: Tensor, targets: Tensor, ops: ModuleType, want_gradient: bool,
             chunk: int = CHUNK) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """(nats fp32 [S], gradient of each row's own nll [S, H] or None) of normed rows x [S, H]; head [V, H].

    The gradient is for a weight of one a row: it is linear in the row's weight, which the caller knows later.
    """
    nll = torch.empty(len(x), dtype=torch.float32, device=x.device)
    gradient = torch.empty_like(x) if want_gradient else None
    for start in range(0, len(x), chunk):
        rows = slice(start, start + chunk)
        logits = x[rows] @ head.t()
        nll[rows] = ops.cross_entropy(logits, targets[rows])
        if gradient is not None:
            torch.mm(logits, head, out=gradient[rows])
        del logits
    return nll, gradient
