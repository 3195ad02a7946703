"""AdamW (Loshchilov and Hutter 2019) on fp32 parameters with its state in bf16 or 8 bits.

The same update as torch's, computed in fp32 a chunk at a time; only what is kept between steps is rounded, by draws
keyed by (seed, update, chunk), so that a resumed training has the bits of an undisturbed one. On a GPU a chunk is one
launch of kernels/compact_adamw.py, whose twin is the update in plain torch here.
"""

import importlib.util
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .quantise import BLOCK, decode, encode, table, to_bf16
from .random_bits import key_of, uniform

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

    def put(self, first: Tensor, second: Tensor, key: int) -> None:
        """Store both, rounded by draws of this key. In 8 bits the second moment's root is stored: it spans half the
        decades, so that a second moment cannot vanish beside a first one that has not.
        """
        # Once it is encoded nothing is allocated any more: a chunk is updated whole or not at all.
        for name, value in self._encoded(first, second, key).items():
            self.stored[name].copy_(value)

    def _encoded(self, first: Tensor, second: Tensor, key: int) -> dict[str, Tensor]:
        if self.kind == "fp32":
            return {"exp_avg": first, "exp_avg_sq": second}
        draws = [uniform(key, part, len(first) // BLOCK, BLOCK, first.device).flatten() for part in (0, 1)]
        if self.kind == "bf16":
            return {"exp_avg": to_bf16(first, draws[0]), "exp_avg_sq": to_bf16(second, draws[1])}
        new = {}
        for moment, value, signed, draw in (
            ("exp_avg", first, True, draws[0]),
            ("exp_avg_sq", second.sqrt_(), False, draws[1]),
        ):
            new[f"{moment}.codes"], new[f"{moment}.scales"] = encode(value, signed, draw)
        return new


class Numbers(NamedTuple):
    """What an update of step t needs beside its tensors: lr / (1 - beta1^t), 1 - lr * weight decay, and
    sqrt(1 - beta2^t).
    """

    step_size: float
    decay: float
    correction: float


class Chunk:
    """Parameters that are updated together; each begins on a block's border."""

    def __init__(self, kind: str, parameters: list[tuple[str, Tensor]]):
        self.parameters = parameters
        self.elements = sum(_padded(parameter) for _, parameter in parameters)
        self.device = parameters[0][1].device
        self.moments = Moments(kind, self.elements, self.device)
        self._known: tuple[list[int], list[int]] | None = None
        self._on_device: tuple[Tensor, ...] = ()

    def spans(self) -> Iterator[tuple[str, Tensor, slice]]:
        """(name, parameter, its place) of each."""
        start = 0
        for name, parameter in self.parameters:
            yield name, parameter, slice(start, start + parameter.numel())
            start += _padded(parameter)

    def update(self, numbers: Numbers, key: int) -> None:
        """One update in plain torch: the kernel's twin."""
        gradient = torch.zeros(self.elements, dtype=torch.float32, device=self.device)
        for _, parameter, span in self.spans():
            if parameter.grad is not None:
                gradient[span].view_as(parameter).copy_(parameter.grad)
        first, second = self.moments.get()
        first.lerp_(gradient, 1 - BETA1)
        second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        root = second.sqrt().div_(numbers.correction).add_(EPS)
        change = first.div(root).mul_(-numbers.step_size)
        self.moments.put(first, second, key)
        for _, parameter, span in self.spans():
            parameter.mul_(numbers.decay).add_(change[span].view_as(parameter))

    def update_at_once(self, numbers: Numbers, key: int) -> None:
        """The same in one launch, without temporaries."""
        from .kernels.compact_adamw import update

        stored, coded = self.moments.stored, self.moments.kind == "8bit"
        first, second = (stored[f"{moment}.codes" if coded else moment] for moment in ("exp_avg", "exp_avg_sq"))
        scales = [stored.get(f"{moment}.scales", first) for moment in ("exp_avg", "exp_avg_sq")]
        update[(self.elements // BLOCK,)](
            *self._addresses(), *self._places, first, second, *scales,
            *(table(signed, self.device) for signed in (True, False)), key, *numbers, 1 - BETA1, 1 - BETA2, BETA2,
            EPS,             CODED=coded, BLOCK=BLOCK, num_warps=2,
        )  # fmt: skip

    def _addresses(self) -> tuple[Tensor, ...]:
        """Of parameters and gradients, int64 [n] each; copied to the device when one has changed."""
        gradients = [p.grad for _, p in self.parameters]
        assert all(g is None or (g.is_contiguous() and g.dtype == torch.float32) for g in gradients)
        now = [p.data_ptr() for _, p in self.parameters], [0 if g is None else g.data_ptr() for g in gradients]
        if now != self._known:
            self._known = now
            self._on_device = tuple(torch.tensor(each, dtype=torch.int64, device=self.device) for each in now)
        return self._on_device

    @cached_property
    def _places(self) -> tuple[Tensor, Tensor, Tensor]:
        """Elements int64 [n] and first block int32 [n] of each parameter, and the parameter of each block int32."""
        sizes = torch.tensor([parameter.numel() for _, parameter in self.parameters])
        blocks = (sizes + BLOCK - 1) // BLOCK
        starts = (blocks.cumsum(0) - blocks).int()
        members = torch.arange(len(sizes), dtype=torch.int32).repeat_interleave(blocks)
        return sizes.to(self.device), starts.to(self.device), members.to(self.device)

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
        on_gpu = all(parameter.is_cuda and parameter.is_contiguous() for parameter in parameters.values())
        self.kernels = on_gpu and importlib.util.find_spec("triton") is not None
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
        numbers = Numbers(
            step_size=lr / (1 - BETA1**self.updates),
            decay=1 - lr * self.weight_decay,
            correction=(1 - BETA2**self.updates) ** 0.5,
        )
        while self._next < len(self.chunks):
            chunk, key = self.chunks[self._next], key_of(self.seed, "optimizer", self.updates, self._next)
            if self.kernels and chunk.moments.kind != "fp32":
                chunk.update_at_once(numbers, key)
            else:
                chunk.update(numbers, key)
            self._next += 1
        self._next = None

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
