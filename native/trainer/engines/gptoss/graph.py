"""CUDA graphs of a small micro-batch's forward and backward pass: its kernels are launched at once, not one by one.

Below a few thousand tokens the GPU is done before Python has named the next kernel. A shape's first pass runs as any
other; the second is captured, all later ones are replays. Captured or not, a pass has the same operations on the same
padded shape, so the same bits: whether a graph is used may differ from run to run.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .batch import Inputs
from .lora import LayerLora, LoraParameters
from .model import Model, Pass

LARGEST = 4096
"""Padded tokens of a pass; above, the GPU is the slower part anyway."""
MOST = 32
"""Shapes that are captured; passes of further ones run as before."""


@dataclass
class Captured:
    """Both passes of one shape, with the tensors that a replay reads and writes. All graphs share one pool."""

    inputs: Inputs
    weight: Tensor
    nll: Tensor
    loras: list[LayerLora]
    """Empty: tells the expert bank whose LoRA weights it holds."""
    forward: torch.cuda.CUDAGraph
    backward: torch.cuda.CUDAGraph


@dataclass(eq=False)
class Replay:
    """One pass that was replayed: its graph, and its own inputs should another pass come before its backward."""

    captured: Captured
    inputs: Inputs


class Graphs:
    """Runs passes of one model and adapter, captured where their shape was seen before."""

    def __init__(self, model: Model, parameters: LoraParameters, fits: Callable[[int], bool], why_not: str):
        """fits(tokens): whether memory is left for a pass beside what runs as before; why_not: "" or why never."""
        self.model, self.parameters, self.fits, self.why_not = model, parameters, fits, why_not
        self._seen: set[tuple[object, ...]] = set()
        self._captured: dict[tuple[object, ...], Captured] = {}
        self._pool: tuple[int, int] | None = None
        self._version = model.bank.version
        self._latest: object = None
        """The pass whose stashes are in the pool."""

    def forward(self, inputs: Inputs) -> tuple[Tensor, Replay | Pass]:
        """(nats fp32 [S], what `backward` takes)."""
        if self.model.bank.version != self._version:
            # Graphs hold addresses.
            self._drop()
            self._seen.clear()
            self._version = self.model.bank.version
        key = (*inputs.shape, self.model.mode)
        small, new = inputs.shape[0] <= LARGEST, key not in self._captured
        if small and new and key in self._seen and not self.why_not and len(self._captured) < MOST:
            self._capture(key, inputs)
        self._seen.add(key)
        captured = self._captured.get(key)
        if captured is None:
            nll, done = self.model.forward(inputs, self.parameters, keep=True)
            assert done is not None
            return nll, done
        replay = Replay(captured, inputs)
        self._load(replay)
        return captured.nll.clone(), replay

    def backward(self, done: Replay | Pass, weight: Tensor) -> None:
        """Add the gradients of sum(weight * nll)."""
        if isinstance(done, Pass):
            self.model.backward(done, weight, self.parameters)
            return
        # Another pass came between: its stashes, or its adapter in the experts' weights, are in the way.
        if self._latest is not done or self.model.bank.loras is not done.captured.loras:
            self._load(done)
        done.captured.weight.copy_(weight)
        done.captured.backward.replay()
        self._latest = None

    def _load(self, replay: Replay) -> None:
        captured = replay.captured
        for static, given in zip(captured.inputs.tensors(), replay.inputs.tensors(), strict=True):
            static.copy_(given)
        captured.forward.replay()
        self.model.bank.loras = captured.loras
        self._latest = replay

    def release(self) -> None:
        """Give the memory of all graphs back; none is captured from here on."""
        self.why_not = self.why_not or "memory ran out"
        self._drop()

    def _drop(self) -> None:
        # A pool that its last graph has left takes no new one.
        self._captured.clear()
        self._latest = self._pool = None

    def _capture(self, key: tuple[object, ...], inputs: Inputs) -> None:
        # The pool takes new memory: what the first pass left cached is given back for it.
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        if not self.fits(len(inputs.ids)):
            self.why_not = "memory is short"
            return
        self.parameters.make_gradients()
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        bank, forward, backward = self.model.bank, torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        weight = torch.zeros(len(inputs.rows), device=inputs.ids.device)
        inputs = inputs.copy()
        # The checkpoint's thread may use the GPU meanwhile.
        options = {"pool": self._pool, "capture_error_mode": "thread_local"}
        try:
            with torch.cuda.graph(forward, **options):
                nll, done = self.model.forward(inputs, self.parameters, keep=True)
            assert done is not None
            with torch.cuda.graph(backward, **options):
                self.model.backward(done, weight, self.parameters)
            self._captured[key] = Captured(inputs, weight, nll, [], forward, backward)
        except RuntimeError as error:
            self.why_not = f"capture failed ({str(error).splitlines()[0][:120]})"
        # Nothing was computed yet, whatever the bank was told; and the pool may use the working copies' memory again.
        bank.use([])
