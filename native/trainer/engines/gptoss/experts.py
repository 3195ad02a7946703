"""Expert weights as the grouped GEMM reads them: 16-bit (or fp32) scratch that holds one layer at a time.

Scratch [E, N + extra_rows, ld]: the weight, with B^T and the bias in extra columns and A in extra rows.
"""

from collections.abc import Callable
from types import ModuleType

import torch
from torch import Tensor

from .lora import LayerLora
from .shape import Routing, Shape
from .weights import Experts, Layer


class ExpertBank:
    """Scratch weights of every layer's experts: de-quantised on demand, or resident where memory allows."""

    def __init__(self, layers: list[Layer], s: Shape, ops: ModuleType, dtype: torch.dtype, device: torch.device,
                 at_a_time: int | None = None):  # fmt: skip
        self.layers, self.s, self.ops, self.dtype, self.device = layers, s, ops, dtype, device
        self.at_a_time = at_a_time or s.experts
        """Experts whose scratch weights exist at once: fewer take less memory, and one wait for the GPU a layer."""
        self.shared: dict[str, Tensor] = {}
        self.resident: dict[tuple[int, str], Tensor] = {}
        self.loras: list[LayerLora] = []
        self.filled: dict[str, int] = {}
        self.fresh: set[tuple[int, str]] = set()
        self.version = 0
        """Changes whenever weights move in memory."""

    def use(self, loras: list[LayerLora]) -> None:
        """From here on the scratch weights carry these LoRA weights, one entry a layer."""
        self.loras = loras
        self.filled.clear()
        self.fresh.clear()

    def keep(self, layer: int) -> None:
        """Keep a layer's scratch weights for good, and drop their compressed source."""
        self.version += 1
        for which in ("gate_up", "down"):
            if (layer, which) not in self.resident:
                source: Experts = getattr(self.layers[layer], which)
                scratch = self._empty(which)
                self._put_weights(source, scratch)
                self.resident[layer, which] = scratch
                source.blocks = source.scales = source.dense = None
        if self.resident_layers == len(self.layers):
            self.shared.clear()

    def release(self, read: Callable[[int, str], Experts]) -> None:
        """Give back what `keep` took; read(layer, which) brings the source anew."""
        self.version += 1
        for layer, which in list(self.resident):
            # First: memory is short.
            del self.resident[layer, which]
            source: Experts = getattr(self.layers[layer], which)
            again = read(layer, which)
            source.blocks, source.scales, source.dense = again.blocks, again.scales, again.dense
        self.filled.clear()
        self.fresh.clear()

    @property
    def resident_layers(self) -> int:
        """Number of layers that are kept."""
        return len({layer for layer, _ in self.resident})

    def cost_of_keeping(self, layer: int) -> int:
        """Bytes that `keep` takes: the scratch weights, less the source that it drops."""
        freed = 0
        for which in ("gate_up", "down"):
            source: Experts = getattr(self.layers[layer], which)
            for tensor in (source.blocks, source.scales, source.dense):
                freed += 0 if tensor is None else tensor.nbytes
        return self.layer_bytes() - freed

    def layer_bytes(self) -> int:
        """Bytes that one resident layer takes."""
        return sum(self._size(which) for which in ("gate_up", "down")) * self.dtype.itemsize

    def product(self, layer: int, which: str, rows: Tensor, routing: Routing, backward: bool, through_a: bool = True
                ) -> Tensor:  # fmt: skip
        """Each row by its expert's weight. Forward: rows [R, >= k + extra] to [R, N]; backward: [R, >= N + extra_rows]
        to the input's gradient [R, k], of which A's part is left out unless `through_a`. Wider rows are cut.
        """
        s = self.s
        n, k = (2 * s.intermediate, s.hidden) if which == "gate_up" else (s.hidden, s.intermediate)
        back = n + s.extra_rows if through_a else n
        rows = rows[:, : back if backward else k + s.extra]

        def lay_out(scratch: Tensor) -> Tensor:
            return scratch[:, :back, :k] if backward else scratch[:, :n, : k + s.extra].transpose(1, 2)

        if self.at_a_time >= s.experts or (layer, which) in self.resident:
            return self.ops.grouped(rows, lay_out(self._scratch(layer, which)), routing.offsets)
        out = torch.empty(len(rows), k if backward else n, dtype=rows.dtype, device=rows.device)
        scratch, ends = self._part(which), [0, *routing.ends]
        for first in range(0, s.experts, self.at_a_time):
            last = min(first + self.at_a_time, s.experts)
            begin, end = ends[first], ends[last]
            if begin < end:
                self._put(layer, which, scratch, first, last)
                offsets = routing.offsets[first:last] - begin
                out[begin:end] = self.ops.grouped(rows[begin:end], lay_out(scratch[: last - first]), offsets)
        return out

    def _part(self, which: str) -> Tensor:
        if which not in self.shared:
            self.shared[which] = self._empty(which, self.at_a_time)
        return self.shared[which]

    def _put(self, layer: int, which: str, scratch: Tensor, first: int, last: int) -> None:
        """Weights and LoRA of experts first to last - 1."""
        source: Experts = getattr(self.layers[layer], which)
        part = source.part(first, last)
        self._put_weights(part, scratch[: last - first])
        self._put_lora(layer, which, part, scratch[: last - first], first, last)

    def _scratch(self, layer: int, which: str) -> Tensor:
        source: Experts = getattr(self.layers[layer], which)
        if (layer, which) in self.resident:
            scratch = self.resident[layer, which]
            if (layer, which) not in self.fresh:
                self._put_lora(layer, which, source, scratch, 0, self.s.experts)
                self.fresh.add((layer, which))
            return scratch
        if which not in self.shared:
            self.shared[which] = self._empty(which)
        if self.filled.get(which) != layer:
            self._put(layer, which, self.shared[which], 0, self.s.experts)
            self.filled[which] = layer
        return self.shared[which]

    def _shape(self, which: str) -> tuple[int, int, int]:
        s = self.s
        if which == "gate_up":
            return s.experts, 2 * s.intermediate + s.extra_rows, s.ld_hidden
        return s.experts, s.hidden + s.extra_rows, s.ld_intermediate

    def _size(self, which: str) -> int:
        experts, rows, width = self._shape(which)
        return experts * rows * width

    def _empty(self, which: str, experts: int | None = None) -> Tensor:
        # Zeros: what lies between LoRA and the row's end is multiplied too.
        every, *rest = self._shape(which)
        return torch.zeros(experts or every, *rest, dtype=self.dtype, device=self.device)

    def _put_weights(self, source: Experts, scratch: Tensor) -> None:
        if source.dense is not None:
            scratch[:, : source.dense.shape[1], : source.dense.shape[2]].copy_(source.dense)
        else:
            self.ops.dequantise(source.blocks, source.scales, scratch, source.interleaved)

    def _put_lora(self, layer: int, which: str, source: Experts, scratch: Tensor, first: int, last: int) -> None:
        lora = self.loras[layer]
        a, b = (lora.gate_up_a, lora.gate_up_b) if which == "gate_up" else (lora.down_a, lora.down_b)
        self.ops.put_lora(scratch, a[first:last], b[first:last], source.bias, self.s)
