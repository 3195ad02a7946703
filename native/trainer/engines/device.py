"""Where a model runs, in which number format, with how many threads; every operation deterministic."""

import os
import resource
import sys
from pathlib import Path

import torch

from ..errors import TrainerError


def resolve_device(device: str) -> torch.device:
    """`auto` is the GPU when there is one. Raises ConfigMissing when CUDA is asked for and absent."""
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainerError(
            "ConfigMissing",
            "device is cuda, and torch sees no GPU here",
            "run on a machine with a GPU, or set device to cpu for a small model",
        )
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """`auto`: bf16 on a GPU and on CPUs with instructions for it, else fp32 (other CPUs emulate bf16, slowly)."""
    if dtype == "auto":
        fast = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return torch.bfloat16 if fast else torch.float32
    return {"bf16": torch.bfloat16, "fp32": torch.float32}[dtype]


def set_threads_and_determinism(device: torch.device) -> None:
    """Every operation deterministic; on the CPU one core stays free for the parent, unless OMP_NUM_THREADS is set."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Determinism also fills every new tensor, a help to debuggers that costs bandwidth.
    torch.utils.deterministic.fill_uninitialized_memory = False
    if device.type == "cpu" and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) - 1))


def free_memory(device: torch.device) -> int:
    """Bytes that a new tensor may take: on the GPU what driver and allocator hold free, else available RAM."""
    if device.type == "cuda":
        reserved = torch.cuda.memory_reserved(device)
        free, total = torch.cuda.mem_get_info(device)
        # The process may be held to a part of the card (torch.cuda.set_per_process_memory_fraction).
        index = torch.cuda.current_device() if device.index is None else device.index
        allowed = torch.cuda.get_per_process_memory_fraction(index) * total - reserved
        return int(min(free, allowed)) + reserved - torch.cuda.memory_allocated(device)
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def peak_memory(device: torch.device) -> int:
    """Bytes that this process held at most: reserved on the GPU, resident on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
