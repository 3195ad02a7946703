"""`python -m trainer` inside a limit of GPU memory: RETUNE_BENCH_CAP_GIB, empty for none.

The limit is on torch's allocator; the CUDA context (0.7 GiB on an H100) is outside it.
"""

import os
import sys

import torch

from trainer.__main__ import main

if __name__ == "__main__":
    cap = os.environ.get("RETUNE_BENCH_CAP_GIB")
    if cap:
        total = torch.cuda.get_device_properties(0).total_memory / 2**30
        torch.cuda.set_per_process_memory_fraction(float(cap) / total)
    sys.exit(main())
