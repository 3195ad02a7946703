"""AdamW (Loshchilov and Hutter 2019) on fp32 parameters with its state in bf16 or 8 bits.

The same update as torch's, computed in fp32 a chunk at a time; only what is kept between steps is rounded, by draws
keyed by (seed, update, chunk), so that a resumed training has the bits of an undisturbed one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from .quantise import BLOCK, decode, encode, to_bf16

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
SMALLEST = 4096
"""Tensors of fewer elements keep fp32 state: they cost nothing, and norms and biases are sensitive."""
CHUNK = 2**22
"""Elements that are computed at a time: 16 MiB a temporary, some ten of them."""


class Moments:
    """Both moments of `elements` (a multiple of BLOCK) numbers, as stored. kind: fp32, bf16 or 8bit."""

    def __init__(self, kind: str, elements: int, device: torch.device):
        self.kind = kind
        if kind == "8bit":
            self.stored = {
                f"{moment}.{part}": torch.zeros(size, dtype=dtype, device=device)
                for moment in ("exp_avg", "exp_avg_sq")
                for part, size, dtype in (
                    ("codes", elements, torch.uint8),
                    ("scales", elements // BLOCK, torch.float32),
                )
            }
        else:
            dtype = torch.bfloat16 if kind == "bf16" else torch.float32
            self.stored = {m: torch.zeros(elements, dtype=dtype, device=device) for m in ("exp_avg", "exp_avg_sq")}

    def get(self) -> tuple[Tensor, Tensor]:
        """First and second moment, fp32, to be changed in place and given to `put`."""
        s = self.stored
        if self.kind != "8bit":
            return s["exp_avg"].to(torch.float32, copy=True), s["exp_avg_sq"].to(torch.float32, copy=True)
        root = decode(s["exp_avg_sq.codes"], s["exp_avg_sq.scales"], signed=False)
        return decode(s["exp_avg.codes"], s["exp_avg.scales"], signed=True), root.square_()

    def put(self, first: Tensor, second: Tensor, generator: torch.Generator) -> None:
        """Store both. In 8 bits the second moment's root is stored: it spans half the decades, so that a second
        moment cannot vanish beside a first one that has not.
        """
        # Once it is encoded nothing is allocated any more: a chunk is updated whole or not at all.
        for key, value in self._encoded(first, second, generator).items():
            self.stored[key].copy_(value)

    def _encoded(self, first: Tensor, second: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        if self.kind == "fp32":
            return {"exp_avg": first, "exp_avg_sq": second}
        if self.kind == "bf16":
            return {"exp_avg": to_bf16(first, generator), "exp_avg_sq": to_bf16(second, generator)}
        new = {}
        for moment, value, signed in (("exp_avg", first, True), ("exp_avg_sq", second.sqrt_(), False)):
            new[f"{moment}.codes"], new[f"{moment}.scales"] = encode(value, signed, generator)
        return new


class Chunk:
    """Parameters that are updated together; each begins on a block's border."""

    def __init__(self, kind: str, parameters: list[tuple[str, Tensor]]):
        self.parameters = parameters
        self.elements = sum(_padded(parameter) for _, parameter in parameters)
        self.device = parameters[0][1].device
        self.moments = Moments(kind, self.elements, self.device)

    def spans(self) -> Iterator[tuple[str, Tensor, slice]]:
        """(name, parameter, its place) of each."""
        start = 0
        for name, parameter in self.parameters:
            yield name, parameter, slice(start, start + parameter.numel())
            start += _padded(parameter)

    def parts(self) -> Iterator[tuple[str, Tensor]]:
        """Views of the stored moments by "<moment>[.<part>]:<parameter>"."""
        for key, stored in self.moments.stored.items():
            unit = BLOCK if key.endswith(".scales") else 1
            start = 0
            for name, parameter in self.parameters:
                end = start + _padded(parameter) // unit
                yield f"{key}:{name}", stored[start:end]
                start = end


class CompactAdamW:
    """The interface of optim.Adamw."""

    def __init__(self, parameters: Mapping[str, Tensor], weight_decay: float, kind: str, seed: int):
        """kind: bf16 or 8bit."""
        self.weight_decay, self.seed, self.updates = weight_decay, seed, 0
        self._next: int | None = None
        """The chunk at which an update that ran out of memory goes on; None between updates."""
        self.chunks: list[Chunk] = []
        small = [(name, p) for name, p in parameters.items() if p.numel() < SMALLEST]
        large = [(name, p) for name, p in parameters.items() if p.numel() >= SMALLEST]
        for format, members in (("fp32", small), (kind, large)):
            self.chunks += [Chunk(format, group) for group in _grouped(members)]

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """One update from the parameters' gradients. After torch.OutOfMemoryError a second call ends what it began."""
        if self._next is None:
            self.updates += 1
            self._next = 0
        while self._next < len(self.chunks):
            index, chunk = self._next, self.chunks[self._next]
            gradient = torch.zeros(chunk.elements, dtype=torch.float32, device=chunk.device)
            for _, parameter, span in chunk.spans():
                if parameter.grad is not None:
                    gradient[span].view_as(parameter).copy_(parameter.grad)
            first, second = chunk.moments.get()
            first.lerp_(gradient, 1 - BETA1)
            second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
            root = second.sqrt().div_((1 - BETA2**self.updates) ** 0.5).add_(EPS)
            change = first.div(root).mul_(-lr / (1 - BETA1**self.updates))
            chunk.moments.put(first, second, self._generator(index, chunk.device))
            for _, parameter, span in chunk.spans():
                parameter.mul_(1 - lr * self.weight_decay).add_(change[span].view_as(parameter))
            self._next += 1
        self._next = None

    def _generator(self, chunk: int, device: torch.device) -> torch.Generator:
        key = hashlib.sha256(f"{self.seed}:optimizer:{self.updates}:{chunk}".encode()).digest()
        return torch.Generator(device).manual_seed(int.from_bytes(key[:8], "big") >> 1)

    def state(self) -> dict[str, Tensor]:
        """The state itself, as stored, by name."""
        return {name: part for chunk in self.chunks for name, part in chunk.parts()}

    def restore(self, saved: Mapping[str, Any], updates: int) -> None:
        """Put a saved state back, made by `updates` updates."""
        self.updates = updates
        for chunk in self.chunks:
            for name, part in chunk.parts():
                part.copy_(saved[name])


def _padded(parameter: Tensor) -> int:
    return -(-parameter.numel() // BLOCK) * BLOCK


def _grouped(members: list[tuple[str, Tensor]]) -> Iterator[list[tuple[str, Tensor]]]:
    """In order, as many to a group as make CHUNK elements, at least one."""
    group: list[tuple[str, Tensor]] = []
    total = 0
    for name, parameter in members:
        if group and total + _padded(parameter) > CHUNK:
            yield group
            group, total = [], 0
        group.append((name, parameter))
        total += _padded(parameter)
    if group:
        yield group
