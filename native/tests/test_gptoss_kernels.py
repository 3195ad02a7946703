"""Each Triton kernel against its plain twin, on the CPU in Triton's interpreter (fp32, small widths)."""

import importlib.util
import os

import pytest
import torch

if importlib.util.find_spec("triton") is None:
    pytest.skip("triton is not installed", allow_module_level=True)
if os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("conftest sets TRITON_INTERPRET unless the environment says otherwise", allow_module_level=True)

from gptoss_operations import CASES, operands, shape_of_rank

from trainer.engines.gptoss import fused, plain


@pytest.mark.parametrize(("r", "intermediate"), [(3, 128), (17, 192), (40, 128)])
@pytest.mark.parametrize("case", sorted(CASES))
def test_a_kernel_equals_its_plain_twin(case, r, intermediate):
    s = shape_of_rank(r, intermediate=intermediate)
    expected = CASES[case](plain, operands(s, torch.float32, "cpu"), s)
    got = CASES[case](fused, operands(s, torch.float32, "cpu"), s)
    assert len(got) == len(expected)
    for mine, theirs in zip(got, expected, strict=True):
        assert mine.shape == theirs.shape
        if theirs.dtype in (torch.int32, torch.int64, torch.bfloat16):
            assert torch.equal(mine, theirs)
        else:
            assert float((mine - theirs).norm()) <= 1e-6 * float(theirs.norm())
