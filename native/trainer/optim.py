"""The optimiser by its settings, its rate by step, and AdamW with fp32 state."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def learning_rate(step: int, steps: int, lr: float, warmup: int, schedule: str) -> float:
    """Rate of step 1..steps: linear warm-up that reaches lr at step `warmup`, then constant, linear or cosine to 0."""
    if step <= warmup:
        return lr * step / warmup
    done = (step - 1 - warmup) / max(1, steps - warmup)
    return lr * {"constant": 1.0, "linear": 1.0 - done, "cosine": 0.5 * (1.0 + math.cos(math.pi * done))}[schedule]


def create_optimizer(parameters: Mapping[str, Tensor], settings: Mapping[str, Any], seed: int) -> Any:
    """AdamW with the state that `settings` (TrainConfig.optimizer) names; its moments exist from the start.

    They are part of what must fit in memory, and a step cannot fail half-way for them.
    """
    if settings["state"] == "fp32":
        return Adamw(parameters, settings["weightDecay"])
    from .compact_adamw import CompactAdamW

    return CompactAdamW(parameters, settings["weightDecay"], settings["state"], seed)


class Adamw:
    """torch's AdamW (Loshchilov and Hutter 2019; betas 0.9, 0.999) on fp32 parameters by name."""

    def __init__(self, parameters: Mapping[str, Tensor], weight_decay: float):
        self.parameters = parameters
        # fused: one launch for many tensors on a GPU; it wants its step counts there too.
        on_gpu = any(p.is_cuda for p in parameters.values())
        self.torch = torch.optim.AdamW(
            parameters.values(), lr=0.0, weight_decay=weight_decay, fused=on_gpu, foreach=None if on_gpu else False
        )
        for parameter in parameters.values():
            self.torch.state[parameter] = {
                "step": torch.tensor(0.0, device=parameter.device if on_gpu else None),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }

    def step(self, lr: float) -> None:
        """One update from the parameters' gradients."""
        self.torch.param_groups[0]["lr"] = lr
        self.torch.step()

    def state(self) -> dict[str, Tensor]:
        """Both moments themselves, by "exp_avg:<parameter>" and "exp_avg_sq:<parameter>"."""
        return {
            f"{kind}:{name}": self.torch.state[parameter][kind].detach()
            for kind in ("exp_avg", "exp_avg_sq")
            for name, parameter in self.parameters.items()
        }

    def restore(self, saved: Mapping[str, Tensor], updates: int) -> None:
        """Put saved moments back; `updates` is the number of updates that made them (bias correction)."""
        for name, parameter in self.parameters.items():
            state = self.torch.state[parameter]
            state["step"].fill_(updates)
            for kind in ("exp_avg", "exp_avg_sq"):
                state[kind].copy_(saved[f"{kind}:{name}"])
