"""`python -m trainer` inside a limit of GPU memory: RETUNE_BENCH_CAP_GIB, empty for none.

The limit is on torch's allocator; the CUDA context (0.7 GiB on an H100) is outside it.
"""

import os
import sys
from typing import Any

from trainer import __main__ as entry

run = entry._run


def capped(*arguments: Any) -> int:
    # Not before: the entry chooses the allocator's settings, which count from torch's first use of the GPU.
    cap = os.environ.get("RETUNE_BENCH_CAP_GIB")
    if cap:
        import torch

        total = torch.cuda.get_device_properties(0).total_memory / 2**30
        torch.cuda.set_per_process_memory_fraction(float(cap) / total)
    return run(*arguments)


if __name__ == "__main__":
    entry._run = capped
    sys.exit(entry.main())
