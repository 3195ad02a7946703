"""Copies of GPU tensors in host memory that is kept from one checkpoint to the next.

The memory is page-locked: the GPU writes it by itself at the bus's speed, some 25 ms for a gigabyte, where a copy into
fresh memory takes half a second of page faults, all of it a stall of the training.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

ALIGNMENT = 64


class HostCopy:
    """Memory for one set of tensors. What `take` returned is overwritten by the next `take`."""

    def __init__(self) -> None:
        self._views: dict[str, Tensor] = {}

    def take(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Copies on the CPU, by name; they are whole when this returns."""
        if {n: (v.shape, v.dtype) for n, v in self._views.items()} != {
            n: (t.shape, t.dtype) for n, t in tensors.items()
        }:
            self._views = _allocate(tensors)
        streams = {tensor.device for tensor in tensors.values() if tensor.is_cuda}
        for name, tensor in tensors.items():
            self._views[name].copy_(tensor.detach(), non_blocking=True)
        for device in streams:
            torch.cuda.current_stream(device).synchronize()
        return dict(self._views)


def _allocate(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    starts, total = {}, 0
    for name, tensor in tensors.items():
        starts[name] = total
        total += -(-tensor.nbytes // ALIGNMENT) * ALIGNMENT
    pinned = any(tensor.is_cuda for tensor in tensors.values())
    memory = torch.empty(total, dtype=torch.uint8, pin_memory=pinned)
    return {
        name: memory[starts[name] : starts[name] + tensor.nbytes].view(tensor.dtype).view(tensor.shape)
        for name, tensor in tensors.items()
    }
