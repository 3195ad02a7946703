"""Each kernel on the GPU in bf16 against its plain twin in fp32 on the same numbers."""

import pytest
import torch
from gptoss_operations import CASES, operands, shape_of_rank

from trainer.compact_adamw import CompactAdamW
from trainer.engines.gptoss import fused, plain, probe
from trainer.engines.gptoss.shape import Documents

BOUND = 6e-3
"""bf16 rounds to 0.2-0.4 %; sums over a few rounded factors stay below this."""


def relative(mine, theirs) -> float:
    return float((mine.double() - theirs.double()).norm() / theirs.double().norm())


def widened(operands):
    """The same numbers in fp32."""
    for name, value in vars(operands).items():
        if isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16:
            setattr(operands, name, value.float())
    return operands


@pytest.mark.parametrize(
    ("r", "hidden", "intermediate"),
    [(8, 2880, 2880), (3, 128, 192), (17, 192, 128), (32, 192, 128), (64, 2880, 2880), (127, 128, 192)],
)
@pytest.mark.parametrize("case", sorted(CASES))
def test_a_kernel_in_bf16_is_as_near_as_rounding_to_its_twin_in_fp32(case, r, hidden, intermediate):
    s = shape_of_rank(r, hidden, intermediate)
    expected = CASES[case](plain, widened(operands(s, torch.bfloat16, "cuda", tokens=1000)), s)
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.use_deterministic_algorithms(True)
    try:
        got = CASES[case](fused, operands(s, torch.bfloat16, "cuda", tokens=1000), s)
        again = CASES[case](fused, operands(s, torch.bfloat16, "cuda", tokens=1000), s)
    finally:
        torch.use_deterministic_algorithms(False)
        torch.utils.deterministic.fill_uninitialized_memory = False
    for mine, repeat, theirs in zip(got, again, expected, strict=True):
        assert torch.equal(mine, repeat)
        if case == "dequantise" or mine.dtype == torch.int32:
            assert torch.equal(mine, theirs)
        else:
            assert relative(mine, theirs) < BOUND


@pytest.mark.parametrize("window", [0, 128])
def test_attention_over_ragged_documents_with_sinks_equals_its_twin(window):
    s = probe_shape()
    lengths = [512, 300, 129, 1, 83, 700]
    bounds = torch.tensor([0, *lengths], dtype=torch.int32, device="cuda").cumsum(0, dtype=torch.int32)
    documents = Documents(bounds, max(lengths), lengths)
    torch.manual_seed(0)
    qkv, do = (torch.randn(sum(lengths), n, device="cuda").bfloat16() for n in (s.qkv, s.heads * s.head_dim))
    sinks = torch.randn(s.heads, device="cuda").bfloat16()
    out, lse = fused.attention(qkv, documents, window, sinks, s)
    grads = fused.attention_backward(do, qkv, out, lse, documents, window, sinks, s)
    wide = [x.float() for x in (qkv, do, sinks)]
    expected, saved = plain.attention(wide[0], documents, window, wide[2], s)
    wanted = plain.attention_backward(wide[1], wide[0], expected, saved, documents, window, wide[2], s)
    assert relative(out, expected) < BOUND
    assert max(relative(mine, theirs) for mine, theirs in zip(grads, wanted, strict=True)) < BOUND


@pytest.mark.parametrize("empty", [False, True])
def test_the_grouped_product_equals_its_twin_also_with_experts_without_rows(empty):
    ends = torch.tensor([0, 0, 70, 70, 300] if empty else [10, 60, 70, 200, 300], dtype=torch.int32, device="cuda")
    torch.manual_seed(0)
    x, w = torch.randn(300, 128, device="cuda").bfloat16(), torch.randn(5, 128, 256, device="cuda").bfloat16()
    assert relative(fused.grouped(x, w, ends), plain.grouped(x.float(), w.float(), ends)) < BOUND


def probe_shape():
    from dataclasses import replace

    return replace(shape_of_rank(8, 2880, 2880), heads=64, kv_heads=8, head_dim=64)


def test_the_probe_accepts_this_card_and_names_a_part_that_is_wrong(monkeypatch):
    lora = {"r": 8, "dropout": 0.0}
    card = torch.device("cuda")
    assert probe.refusal(probe_shape(), lora, card, torch.bfloat16) is None
    assert "bf16" in probe.refusal(probe_shape(), lora, card, torch.float32)
    real = fused.grouped
    monkeypatch.setattr(fused, "grouped", lambda *given: real(*given) * 1.1)
    assert (
        probe.refusal(probe_shape(), lora, card, torch.bfloat16) == "its grouped GEMM gives wrong numbers on this card"
    )


@pytest.mark.parametrize("state", ["bf16", "8bit"])
def test_a_compact_update_in_one_launch_has_the_numbers_of_its_twin_and_the_same_bits_again(state):
    def trained(kernels: bool) -> tuple[dict, dict]:
        generator = torch.Generator("cuda").manual_seed(2)
        parameters = {
            str(at): torch.nn.Parameter(torch.randn(size, device="cuda", generator=generator))
            for at, size in enumerate((5000, 3_000_000, 2_000_001))
        }
        optimizer = CompactAdamW(parameters, 0.01, state, seed=1)
        assert optimizer.kernels
        optimizer.kernels = kernels
        for _ in range(5):
            for parameter in parameters.values():
                parameter.grad = torch.randn(parameter.shape, device="cuda", generator=generator)
            optimizer.step(1e-2)
        return parameters, optimizer.state()

    (plain_, states), (fused_, fused_states), (again, again_states) = trained(False), trained(True), trained(True)
    for name, parameter in plain_.items():
        assert torch.equal(fused_[name], again[name])
        # A moment's last bit may fall on the other side of a draw, and the next update shows it.
        assert relative(fused_[name].detach(), parameter.detach()) < 1e-5
    for name, stored in states.items():
        assert torch.equal(fused_states[name], again_states[name])
        assert stored.any() and (stored != fused_states[name]).float().mean() < (1e-2 if "scales" not in name else 1.0)
