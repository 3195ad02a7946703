"""The transformers engine: isolation of packed documents, LoRA layout, refusals."""

import numpy as np
import pytest
import torch
from conftest import FAMILIES

from trainer.data import micro_batch, read_tokens
from trainer.engines import transformers as engine_module
from trainer.errors import OutOfMemory, TrainerError

LORA = {"r": 4, "alpha": 8, "dropout": 0.0, "rslora": False, "targets": "both"}


def with_random_adapter(base: dict):
    """An engine whose adapter really changes the model: A and B both non-zero."""
    engine = engine_module.load(base, "cpu", "fp32")
    engine.add_lora(LORA, seed=3)
    torch.manual_seed(11)
    engine.load_adapter({name: 0.2 * torch.randn(p.shape) for name, p in engine.trainable.items()})
    return engine


@pytest.fixture(scope="module")
def engines(bases):
    return {family: with_random_adapter(bases[family]) for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_packed_example_has_the_loss_that_it_has_alone(engines, token_path, family):
    engine, tokens = engines[family], read_tokens(token_path)
    assert engine.packing == (True, "")
    with torch.no_grad():
        packed = engine.nll(micro_batch(tokens, range(8)))
        alone = torch.cat([engine.nll(micro_batch(tokens, [index])) for index in range(8)])
    assert (packed - alone).abs().max() < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_a_document_alone_has_the_loss_that_plain_transformers_computes(bases, token_path, family):
    engine, tokens = engine_module.load(bases[family], "cpu", "fp32"), read_tokens(token_path)
    ids, role = tokens.row(0)
    with torch.no_grad():
        logits = engine.model(torch.from_numpy(ids).long()[None]).logits[0]
        expected = torch.nn.functional.cross_entropy(logits[:-1], torch.from_numpy(ids[1:]).long(), reduction="none")
        mine = engine.nll(micro_batch(tokens, [0]))
    assert torch.allclose(mine, expected[torch.from_numpy(role[1:] > 0)], atol=1e-5)


def test_a_model_that_ignores_the_mask_is_not_packed(bases, token_path, monkeypatch):
    engine, tokens = engine_module.load(bases["gpt-oss"], "cpu", "fp32"), read_tokens(token_path)
    real = engine.model.forward
    # What transformers itself does for GPT-OSS with restarting position_ids and no mask.
    monkeypatch.setattr(engine.model, "forward", lambda **given: real(**{**given, "attention_mask": None}))
    allowed, reason = engine.packing
    assert not allowed and "see each other" in reason
    with torch.no_grad():
        together = engine.nll(micro_batch(tokens, [0, 1]))
        alone = torch.cat([engine.nll(micro_batch(tokens, [index])) for index in (0, 1)])
    assert torch.equal(together, alone)


def test_the_expert_adapter_of_gpt_oss_has_the_names_and_shapes_that_peft_loads(engines):
    state = engines["gpt-oss"].adapter_state()
    layer = "base_model.model.model.layers.1."
    shapes = {name.removeprefix(layer): tuple(t.shape) for name, t in state.items() if name.startswith(layer)}
    experts, r, hidden, intermediate = 4, 4, 64, 40
    assert shapes["mlp.experts.base_layer.lora_A.weight"] == (experts * r, hidden)  # gate_up_proj
    assert shapes["mlp.experts.base_layer.lora_B.weight"] == (2 * intermediate, experts * r)
    assert shapes["mlp.experts.lora_A.weight"] == (experts * r, intermediate)  # down_proj
    assert shapes["mlp.experts.lora_B.weight"] == (hidden, experts * r)
    assert sorted(name for name in shapes if "q_proj" in name) == [
        "self_attn.q_proj.lora_A.weight",
        "self_attn.q_proj.lora_B.weight",
    ]
    assert list(state) == sorted(state)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_its_adapter_the_engine_is_the_base_model(bases, engines, token_path, family):
    tokens = read_tokens(token_path)
    batch = micro_batch(tokens, range(4))
    with torch.no_grad():
        with engines[family].without_adapter():
            bare = engines[family].nll(batch)
        assert torch.equal(bare, engine_module.load(bases[family], "cpu", "fp32").nll(batch))
        assert not torch.allclose(bare, engines[family].nll(batch), atol=1e-2)


def test_a_fresh_adapter_depends_on_the_seed_and_changes_nothing_yet(bases, token_path):
    batch = micro_batch(read_tokens(token_path), range(4))
    states = []
    for seed in (1, 1, 2):
        engine = engine_module.load(bases["chat"], "cpu", "fp32")
        with torch.no_grad():
            before = engine.nll(batch)
            engine.add_lora(LORA, seed)
            assert torch.equal(engine.nll(batch), before)
        states.append(engine.adapter_state())
    same = [all(torch.equal(states[0][name], other[name]) for name in states[0]) for other in states[1:]]
    assert same == [True, False]


def test_dropout_on_experts_is_refused_with_the_field_named(bases):
    engine = engine_module.load(bases["gpt-oss"], "cpu", "fp32")
    with pytest.raises(TrainerError, match=r"lora\.dropout") as caught:
        engine.add_lora({**LORA, "dropout": 0.1}, seed=0)
    assert caught.value.exit == 2


def test_targets_choose_attention_or_the_feed_forward_layers(bases):
    for family, targets, kinds in (
        ("chat", "attention", {"self_attn"}),
        ("chat", "mlp", {"mlp"}),
        ("gpt-oss", "attention", {"self_attn"}),
        ("gpt-oss", "mlp", {"mlp"}),
    ):
        engine = engine_module.load(bases[family], "cpu", "fp32")
        engine.add_lora({**LORA, "targets": targets}, seed=0)
        assert {name.split(".layers.")[1].split(".")[1] for name in engine.trainable} == kinds


def test_a_checkpoint_with_a_missing_tensor_is_refused(bases, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(bases["chat"]["folder"], tmp_path / "base")
    path = tmp_path / "base" / "model.safetensors"
    weights = load_file(path)
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(TrainerError, match=r"missing keys: model\.layers\.1\.mlp\.up_proj") as caught:
        engine_module.load({**bases["chat"], "folder": str(tmp_path / "base")}, "cpu", "fp32")
    assert caught.value.code == "ArtifactCorrupt"


def test_an_adapter_of_another_shape_is_refused_by_name(engines):
    state = engines["chat"].adapter_state()
    name = sorted(state)[0]
    with pytest.raises(TrainerError, match=name):
        engines["chat"].load_adapter({key: value for key, value in state.items() if key != name})


def test_a_simulated_limit_is_out_of_memory_and_checkpointing_widens_it(bases, token_path):
    engine, tokens = engine_module.load(bases["chat"], "cpu", "fp32"), read_tokens(token_path)
    batch = micro_batch(tokens, range(3))
    engine.simulated_limit = len(batch.ids) - 1
    with pytest.raises(OutOfMemory):
        engine.nll(batch)
    engine.set_checkpointing("full")
    assert np.isfinite(engine.nll(batch).detach().numpy()).all()


def test_a_gpt_oss_checkpoint_in_the_shipped_mxfp4_layout_loads_with_its_exact_values(tmp_path):
    """Blocks of 32 values: uint8 [E, out, in / 32, 16] of 4-bit pairs, and a power of two for each."""
    import json

    from safetensors.torch import load_file, save_file
    from transformers import GptOssConfig, GptOssForCausalLM
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    config = GptOssConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        num_local_experts=4,
        num_experts_per_tok=2,
        sliding_window=8,
    )
    torch.manual_seed(0)
    GptOssForCausalLM(config).to(torch.bfloat16).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    expected = {}
    for name in [name for name in weights if name.endswith(("gate_up_proj", "down_proj"))]:
        experts, inner, outer = weights.pop(name).shape
        blocks = torch.randint(0, 256, (experts, outer, inner // 32, 16), dtype=torch.uint8)
        scales = torch.randint(118, 124, (experts, outer, inner // 32), dtype=torch.uint8)
        weights[f"{name}_blocks"], weights[f"{name}_scales"] = blocks, scales
        expected[name] = convert_moe_packed_tensors(blocks, scales, dtype=torch.bfloat16)
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    raw = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**raw, "quantization_config": {"quant_method": "mxfp4"}}))

    base = {"folder": str(tmp_path), "family": "gpt-oss", "id": "base", "revision": None, "weightsDigest": "ab" * 32}
    engine = engine_module.load(base, "cpu", "bf16")
    loaded = dict(engine.model.named_parameters())
    assert len(expected) == 4
    for name, value in expected.items():
        assert torch.equal(loaded[name], value)
    assert engine.packing == (True, "")
    engine.add_lora(LORA, seed=1)
    assert any("experts" in name for name in engine.trainable)
