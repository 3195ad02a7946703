"""FLOPs of a training pass, against counts made by hand and by a plain loop."""

import pytest

from bench.random_gpt_oss import CONFIG
from trainer.engines.flops import cost_of, peak_flops, visible_keys

LORA = {"r": 8, "targets": "both"}


@pytest.mark.parametrize(("length", "window"), [(1, 0), (7, 0), (7, 3), (7, 7), (7, 9), (300, 128)])
def test_the_visible_keys_of_a_document_are_those_of_its_mask(length, window):
    seen = sum(min(place + 1, window or length) for place in range(length))
    assert visible_keys(length, window) == seen


def test_gpt_oss_20b_costs_four_operations_a_weight_that_a_token_meets():
    cost = cost_of(CONFIG, LORA)
    lora = cost.token - cost_of(CONFIG, {"r": 0, "targets": "both"}).token
    # 3.028 billion active weights in the layers (counted from the checkpoint), biases and norms aside.
    assert (cost.token - lora) / 4 == pytest.approx(3.028e9, rel=2e-3)
    assert cost.supervised_token / 4 == 201_088 * 2880
    attention, expert = 3_981_312, 88_473_600 // 32 * 4
    assert lora == 6 * (attention + expert)
    assert cost.windows == (128, 0) * 12


def test_a_step_costs_its_documents_and_its_supervised_tokens():
    cost = cost_of(CONFIG, LORA)
    assert cost.of([5, 9], 3) == cost.of([5], 3) + cost.of([9], 0)
    keys = 12 * (1000 * 1001 / 2 + 128 * 129 / 2 + 872 * 128)
    assert cost.of([1000], 0) == 1000 * cost.token + keys * 12 * 64 * 64


def test_a_dense_model_is_counted_by_its_own_shapes():
    dense = {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 4,
             "num_key_value_heads": 2, "vocab_size": 10, "model_type": "llama"}  # fmt: skip
    cost = cost_of(dense, {"r": 1, "targets": "attention"})
    attention, feed_forward = 8 * 8 + 2 * 8 * 4 + 8 * 8, 3 * 8 * 12
    assert cost.token == 2 * (4 * (attention + feed_forward) + 6 * (16 + 12 + 12 + 16))
    assert cost.windows == (0, 0)


def test_the_peak_is_the_data_sheets_or_unknown():
    assert peak_flops("NVIDIA H100 80GB HBM3") == 989.4e12
    assert peak_flops("NVIDIA H100 PCIe") == 756.5e12
    assert peak_flops("NVIDIA L40S") == 362e12
    assert peak_flops("NVIDIA GeForce GTX 1080") is None
