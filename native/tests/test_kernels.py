"""The trainer's own Triton kernels against their twins, on the CPU in Triton's interpreter."""

import importlib.util

import pytest
import torch

if importlib.util.find_spec("triton") is None:
    pytest.skip("triton is not installed", allow_module_level=True)

import triton
import triton.language as tl

from trainer.compact_adamw import CompactAdamW
from trainer.kernels.random_bits import column_bits, row_bits
from trainer.kernels.random_bits import uniform as uniform_in_a_kernel
from trainer.random_bits import key_of, uniform


@triton.jit
def fill(out, key, part, WIDTH: tl.constexpr):
    row, column = tl.program_id(0), tl.arange(0, WIDTH)
    tl.store(out + row * WIDTH + column, uniform_in_a_kernel(row_bits(key, part, row), column_bits(column)))


def test_random_bits_are_those_of_the_twin():
    out, key = torch.empty(40, 64), key_of("kernel")
    fill[(40,)](out, key, 7, 64)
    assert torch.equal(out, uniform(key, 7, 40, 64))


@pytest.mark.parametrize("state", ["bf16", "8bit"])
def test_a_chunk_in_one_launch_has_the_numbers_of_its_twin(state):
    """In Triton's interpreter. A parameter without gradient moves by its moments and its decay."""
    twins = []
    for kernels in (False, True):
        generator = torch.Generator().manual_seed(2)
        parameters = {
            str(at): torch.nn.Parameter(torch.randn(size, generator=generator)) for at, size in enumerate((4100, 5000))
        }
        optimizer = CompactAdamW(parameters, 0.01, state, seed=1)
        assert not optimizer.kernels
        optimizer.kernels = kernels
        for step in range(4):
            for at, parameter in enumerate(parameters.values()):
                parameter.grad = torch.randn(parameter.shape, generator=generator) if (at, step) != (1, 2) else None
            optimizer.step(1e-2)
        twins.append((parameters, optimizer.state()))
    (plain, states), (fused, fused_states) = twins
    for name, parameter in plain.items():
        assert torch.allclose(fused[name], parameter, rtol=1e-5, atol=1e-6)
    for name, stored in states.items():
        assert stored.any()
        same = (
            (fused_states[name] == stored)
            if stored.dtype != torch.float32
            else (fused_states[name] / stored - 1 < 1e-5)
        )
        # A last bit may fall on the other side of a draw.
        assert same.float().mean() > 0.999, name
