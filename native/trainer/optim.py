"""AdamW on fp32 LoRA parameters, its rate by step, and its state by name."""

import math
from collections.abc import Mapping
from typing import Any


def learning_rate(step: int, steps: int, lr: float, warmup: int, schedule: str) -> float:
    """Rate of step 1..steps: linear warm-up that reaches lr at step `warmup`, then constant, linear or cosine to 0."""
    if step <= warmup:
        return lr * step / warmup
    done = (step - 1 - warmup) / max(1, steps - warmup)
    return lr * {"constant": 1.0, "linear": 1.0 - done, "cosine": 0.5 * (1.0 + math.cos(math.pi * done))}[schedule]


def create_adamw(parameters: Mapping[str, Any], lr: float, weight_decay: float) -> Any:
    """torch's AdamW (Loshchilov and Hutter 2019; betas 0.9, 0.999) whose moments exist from the start.

    They are part of what must fit in memory, and a step cannot fail half-way for them.
    """
    import torch

    # fused: one launch for many tensors on a GPU; it wants its step counts there too.
    on_gpu = any(p.is_cuda for p in parameters.values())
    optimizer = torch.optim.AdamW(
        parameters.values(), lr=lr, weight_decay=weight_decay, fused=on_gpu, foreach=None if on_gpu else False
    )
    for parameter in parameters.values():
        optimizer.state[parameter] = {
            "step": torch.tensor(0.0, device=parameter.device if on_gpu else None),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    return optimizer


def moments(optimizer: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Copies of both moments on the CPU, by "exp_avg:<parameter>" and "exp_avg_sq:<parameter>"."""
    return {
        f"{kind}:{name}": optimizer.state[parameter][kind].detach().to("cpu", copy=True)
        for kind in ("exp_avg", "exp_avg_sq")
        for name, parameter in parameters.items()
    }


def restore_moments(optimizer: Any, parameters: Mapping[str, Any], saved: Mapping[str, Any], updates: int) -> None:
    """Put saved moments back; `updates` is the number of updates that made them (AdamW's bias correction)."""
    for name, parameter in parameters.items():
        state = optimizer.state[parameter]
        state["step"].fill_(updates)
        for kind in ("exp_avg", "exp_avg_sq"):
            state[kind].copy_(saved[f"{kind}:{name}"])
