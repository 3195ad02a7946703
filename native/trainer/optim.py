"""The optimiser by its settings, its rate by step, and AdamW with fp32 state."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw


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
    """torch's AdamW (Loshchilov and Hutter 2019; betas 0.9, 0.999) on fp32 parameters by name.

    The function, not the class: a class's step walks over its hundreds of parameters in Python, while a GPU waits.
    """

    def __init__(self, parameters: Mapping[str, Tensor], weight_decay: float):
        self.parameters, self.weight_decay = parameters, weight_decay
        # fused: one launch for many tensors on a GPU; it wants its step counts there too.
        self.fused = any(p.is_cuda for p in parameters.values())
        device = next(iter(parameters.values())).device if self.fused else None
        self.updates = torch.zeros(len(parameters), device=device)
        self.moments = {
            kind: {name: torch.zeros_like(parameter).detach() for name, parameter in parameters.items()}
            for kind in ("exp_avg", "exp_avg_sq")
        }

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """One update from the parameters' gradients. Fused, it takes no memory, so it cannot end half-way."""
        with_gradient = [(at, name) for at, (name, p) in enumerate(self.parameters.items()) if p.grad is not None]
        updates = self.updates.unbind()
        adamw(
            [self.parameters[name] for _, name in with_gradient],
            [self.parameters[name].grad for _, name in with_gradient],
            *([moments[name] for _, name in with_gradient] for moments in self.moments.values()),
            [],
            [updates[at] for at, _ in with_gradient],
            foreach=False, fused=self.fused, amsgrad=False, maximize=False,
            beta1=0.9, beta2=0.999, lr=lr, weight_decay=self.weight_decay, eps=1e-8,
        )  # fmt: skip

    def state(self) -> dict[str, Tensor]:
        """Both moments themselves, by "exp_avg:<parameter>" and "exp_avg_sq:<parameter>"."""
        return {f"{kind}:{name}": moment for kind, of_kind in self.moments.items() for name, moment in of_kind.items()}

    def restore(self, saved: Mapping[str, Tensor], updates: int) -> None:
        """Put saved moments back; `updates` is the number of updates that made them (bias correction)."""
        self.updates.fill_(updates)
        for name, moment in self.state().items():
            moment.copy_(saved[name])
