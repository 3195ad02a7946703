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


def test_long_documents_go_to_flash_in_groups_that_fill_the_gpu_and_none_is_left_out():
    from trainer.engines.gptoss.fused_attention import _groups

    def sizes(*lengths: int) -> list[int]:
        groups = _groups(lengths, 64, 132)
        assert [at for group in groups for at in range(group.start, group.stop)] == list(range(len(lengths)))
        return [group.stop - group.start for group in groups]

    # 64 heads a document, 132 multiprocessors: two documents in two parts each fill them, four in one part too.
    assert sorted(sizes(8192, 8192, 8192)) == [1, 2]
    assert sizes(8192, 8192) == [2] and sizes(8192) == [1]
    assert sizes(8192, 8192, 8192, 8192) == [4]


def test_a_pass_whose_lengths_change_under_a_captured_graph_is_not_grouped_by_them():
    import numpy as np

    from trainer.data import MicroBatch
    from trainer.engines.gptoss.batch import inputs_of
    from trainer.engines.gptoss.fused_attention import _groups_of

    batch = MicroBatch(np.zeros(5000, np.int32), np.ones(5000, np.uint8), [2600, 2400])
    padded = inputs_of(batch, torch.device("cpu"), padded=True).documents
    assert not padded.lasting and padded.longest == 4096 and len(padded.bounds) == 17
    assert _groups_of(padded, 64, torch.device("cpu")) == [slice(0, 16)]
    assert inputs_of(batch, torch.device("cpu"), padded=False).documents.lasting
