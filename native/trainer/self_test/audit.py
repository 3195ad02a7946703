"""Which operation of the engine is at fault: each one beside its plain twin, on the inputs that it really gets."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor

BOUND = {torch.bfloat16: 0.03, torch.float32: 1e-4}
"""Largest relative distance of an operation's result from its twin's: both compute in fp32 and round once."""


def recording(ops: Any, chosen: list[Tensor]) -> Any:
    """`ops` that notes every choice of experts."""

    def route(*arguments: Any) -> Any:
        routing = ops.route(*arguments)
        chosen.append(routing.experts.long())
        return routing

    return SimpleNamespace(**{**_operations(ops), "route": route})


def audited(ops: Any, twins: ModuleType, dtype: torch.dtype, faults: dict[str, float]) -> Any:
    """`ops` that compares every call with the twin of the same name and notes the worst distance beyond the bound."""
    theirs = _operations(twins)

    def beside(name: str, mine: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            copies = [_copy(argument) for argument in arguments]
            copied = {key: _copy(value) for key, value in named.items()}
            result = mine(*arguments, **named)
            expected = theirs[name](*copies, **copied)
            # Some operations write into their inputs.
            pairs = zip(_tensors([result, arguments]), _tensors([expected, copies]), strict=False)
            worst = max((_distance(a, b) for a, b in pairs), default=0.0)
            if not worst <= BOUND[dtype]:
                faults[name] = max(worst, faults.get(name, 0.0))
            return result

        return call

    both = {name: beside(name, work) for name, work in _operations(ops).items() if name in theirs}
    return SimpleNamespace(**{**_operations(ops), **both})


def _operations(ops: Any) -> dict[str, Any]:
    return {name: work for name, work in vars(ops).items() if callable(work) and not name.startswith("_")}


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name))


def _distance(got: Tensor, expected: Tensor) -> float:
    """|got - expected| / |expected|; 0 for what is private to one side (other shapes) and for whole numbers."""
    if got.shape != expected.shape or not (got.is_floating_point() and expected.is_floating_point()) or not got.numel():
        return 0.0
    difference, size = (got.float() - expected.float()).norm(), expected.float().norm()
    return float(difference) if float(size) == 0 else float(difference / size)
