"""These tests need a GPU and real widths; run them by hand: python -m pytest gpu_tests."""

import os
import sys
from pathlib import Path

import pytest

# As the trainer's entry does, before CUDA starts.
os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
import torch

NATIVE = Path(__file__).resolve().parents[1]
# The cases of the CPU tests run here in bf16, and the bench's random model stands for the real one.
sys.path[:0] = [str(NATIVE), str(NATIVE / "tests")]

collect_ignore = [] if torch.cuda.is_available() else ["test_kernels.py", "test_engine.py", "test_training.py"]


@pytest.fixture(scope="session")
def two_layers(tmp_path_factory) -> dict:
    """BaseFolder of a random gpt-oss of real widths: one windowed layer, one full."""
    from bench.random_gpt_oss import write_random

    return write_random(tmp_path_factory.mktemp("two-layers"), layers=2)
