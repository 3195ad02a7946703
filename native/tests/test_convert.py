"""merge.py, proof.py and convert.py: right artefacts are proven, planted faults are found and named."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import save_tokens
from safetensors.torch import load_file
from test_evaluate import LORA, save_random_adapter
from test_tokenize import Recorder

from trainer import convert, merge, proof
from trainer.errors import TrainerError
from trainer.weights import save_safetensors

FAMILIES = ("chat", "gpt-oss")


def strong_adapter(base, folder, lora=LORA):
    """Random, so that a lost part is a large difference."""
    return save_random_adapter(base, folder, lora, scale=0.3)


def save_probe(folder, base):
    return save_tokens(folder / "probe.safetensors", base, examples=60)


@pytest.fixture(scope="module", params=FAMILIES)
def trained(request, bases, tmp_path_factory):
    """A family's (base, folder of a random adapter, token file)."""
    folder = tmp_path_factory.mktemp("trained")
    base = bases[request.param]
    return base, strong_adapter(base, folder / "adapter"), save_probe(folder, base)


def convert_config(base, adapter, tokens, out, formats=("adapter", "merged")):
    return {"base": base, "adapter": adapter, "probe": [str(tokens)], "out": str(out), "formats": list(formats),
            "minProbeTokens": 300, "device": "cpu", "dtype": "fp32"}  # fmt: skip


def run(base, adapter, tokens, out, **options):
    events = Recorder()
    convert.run(convert_config(base, adapter, tokens, out, **options), events)
    return events.result


def test_right_artefacts_are_proven_and_load_alone(trained, tmp_path):
    from transformers import AutoModelForCausalLM

    base, adapter, tokens = trained
    result = run(base, adapter, tokens, tmp_path)
    for form, record in result["metrics"]["proofs"].items():
        assert record["verdict"] == "proven", (form, record)
        assert 300 <= record["tokens"] < 330 and record["e"] > 5 * record["floor"] > 0
    names = {entry["name"] for entry in result["files"]}
    assert {"proof.json", "adapter/adapter_model.safetensors", "merged/model.safetensors"} <= names
    assert all((tmp_path / name).is_file() for name in names)
    model, report = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", output_loading_info=True)
    assert not any(report.values()) and model.dtype == torch.bfloat16
    assert json.loads((tmp_path / "proof.json").read_text())["formats"] == result["metrics"]["proofs"]


def test_its_progress_rises_to_its_total(trained, tmp_path):
    base, adapter, tokens = trained
    events = Recorder()
    convert.run(convert_config(base, adapter, tokens, tmp_path, formats=("adapter",)), events)
    shown = [(event["done"], event["total"]) for event in events.events if event["type"] == "progress"]
    examples = json.loads((tmp_path / "proof.json").read_text())["examples"]
    assert [done for done, _ in shown] == sorted(done for done, _ in shown)
    assert shown[-1] == (4 * examples, 4 * examples), "trained, base, other rounding and one artefact"


def test_a_merge_is_peft_s_own_merge_rounded_to_16_bit(trained, tmp_path):
    import peft
    from transformers import AutoModelForCausalLM

    base, adapter, _ = trained
    merge.merge(Path(base["folder"]), Path(adapter), tmp_path / "merged", lambda done, total: None)
    model = AutoModelForCausalLM.from_pretrained(base["folder"], dtype=torch.float32)
    reference = peft.PeftModel.from_pretrained(model, adapter).merge_and_unload().state_dict()
    mine = load_file(tmp_path / "merged/model.safetensors")
    assert set(mine) == set(reference)
    for name, tensor in mine.items():
        assert torch.allclose(tensor.float(), reference[name], rtol=2**-8, atol=1e-6), name


def test_the_same_merge_has_the_same_bytes_and_no_path_of_this_machine(trained, tmp_path):
    base, adapter, _ = trained
    for name in ("one", "two"):
        merge.merge(Path(base["folder"]), Path(adapter), tmp_path / name, lambda done, total: None)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert base["folder"].encode() not in (tmp_path / "one/config.json").read_bytes()


def without(deltas, part):
    return {name: delta for name, delta in deltas.items() if part not in name}


def columns(deltas, part, order):
    """B's rows (the delta's out features) of the named parameters, in another order."""
    return {
        name: replace(delta, B=delta.B[order(delta.B.shape[0])]) if part in name else delta
        for name, delta in deltas.items()
    }


def rank_and_expert_swapped(deltas):
    changed = {}
    for name, delta in deltas.items():
        if delta.experts is not None:
            out, rank = delta.B.shape[0], delta.A.shape[0] // delta.experts
            delta = replace(delta, B=delta.B.reshape(out, delta.experts, rank).transpose(1, 2).reshape(out, -1))
        changed[name] = delta
    return changed


def halves_instead_of_pairs(size):
    return torch.arange(size).reshape(2, -1).T.reshape(-1)


def transposed(deltas):
    """B read as if its file held the transpose, where that fits: square out x r never does, so by reshaping."""
    return {name: replace(delta, B=delta.B.T.reshape(delta.B.shape)) for name, delta in deltas.items()}


FAULTS = {
    "experts dropped": (("gpt-oss",), lambda deltas: without(deltas, ".experts."), "layers.0.mlp"),
    "feed-forward dropped": (("chat",), lambda deltas: without(deltas, ".mlp."), "layers.0.mlp"),
    "last layer dropped": (("chat",), lambda deltas: without(deltas, "layers.1."), "layers.1.self_attn"),
    "layer 2 dropped": (("gpt-oss",), lambda deltas: without(deltas, "layers.2."), "layers.2.self_attn"),
    "B transposed": (FAMILIES, transposed, "layers.0.self_attn"),
    "gate and up not interleaved": (
        ("gpt-oss",), lambda deltas: columns(deltas, "gate_up_proj", halves_instead_of_pairs), "layers.0.mlp"
    ),
    "expert columns of B expert-major": (("gpt-oss",), rank_and_expert_swapped, "layers.0.mlp"),
    "alpha / r wrong": (
        FAMILIES, lambda deltas: {n: replace(d, scaling=d.scaling / 2) for n, d in deltas.items()}, "layers.0.self_attn"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("trained", "fault"),
    [(family, fault) for fault, (families, _, _) in FAULTS.items() for family in families],
    indirect=["trained"],
)
def test_a_planted_fault_fails_the_proof_and_names_the_first_differing_layer(trained, tmp_path, monkeypatch, fault):
    _, damage, place = FAULTS[fault]
    base, adapter, tokens = trained
    read = merge.read_deltas
    monkeypatch.setattr(merge, "read_deltas", lambda *arguments: damage(read(*arguments)))
    with pytest.raises(TrainerError, match=f"merged: differs .* first in model.{place}"):
        run(base, adapter, tokens, tmp_path, formats=["merged"])
    record = json.loads((tmp_path / "proof.json").read_text())["formats"]["merged"]
    assert record["verdict"] == "failed" and record["firstDifferingLayer"] == f"model.{place}"


def test_a_model_too_large_for_fp32_is_proven_in_16_bit_where_a_fault_still_fails(trained, tmp_path, monkeypatch):
    from trainer.engines import device

    monkeypatch.setattr(device, "free_memory", lambda _: 1000)
    base, adapter, tokens = trained
    result = run(base, adapter, tokens, tmp_path / "right")
    assert result["metrics"]["precision"] == "bf16"
    assert {record["verdict"] for record in result["metrics"]["proofs"].values()} == {"proven"}
    read = merge.read_deltas
    monkeypatch.setattr(merge, "read_deltas", lambda *arguments: without(read(*arguments), "mlp"))
    with pytest.raises(TrainerError, match=r"first in model.layers.0.mlp"):
        run(base, adapter, tokens, tmp_path / "wrong", formats=["merged"])


def test_an_adapter_that_does_almost_nothing_is_not_called_proven(bases, tmp_path):
    base = bases["chat"]
    adapter = save_random_adapter(base, tmp_path / "adapter", scale=0.002)
    tokens = save_probe(tmp_path, base)
    proofs = run(base, adapter, tokens, tmp_path / "out")["metrics"]["proofs"]
    assert {record["verdict"] for record in proofs.values()} == {"adapter too weak to prove"}


def test_rslora_scaling_is_that_of_peft(bases, tmp_path):
    base = bases["chat"]
    adapter = strong_adapter(base, tmp_path / "adapter", {**LORA, "r": 4, "rslora": True})
    tokens = save_probe(tmp_path, base)
    assert run(base, adapter, tokens, tmp_path / "out")["metrics"]["proofs"]["merged"]["verdict"] == "proven"


def test_an_adapter_file_that_lacks_a_tensor_is_refused(trained, tmp_path):
    base, adapter, tokens = trained
    folder = tmp_path / "adapter"
    folder.mkdir()
    state = load_file(Path(adapter) / "adapter_model.safetensors")
    state.pop(sorted(state)[0])
    save_safetensors(folder / "adapter_model.safetensors", state)
    (folder / "adapter_config.json").write_bytes((Path(adapter) / "adapter_config.json").read_bytes())
    with pytest.raises(TrainerError, match=r"only one of A and B|does not fit") as caught:
        run(base, str(folder), tokens, tmp_path / "out")
    assert caught.value.code == "ArtifactCorrupt"
    with pytest.raises(TrainerError, match="PEFT"):
        convert.reload_adapter(convert_config(base, str(folder), tokens, tmp_path), folder, "fp32")


@pytest.fixture(scope="module")
def mxfp4_base(tmp_path_factory):
    """(BaseFolder in gpt-oss-20b's shipped layout, two shards; the same weights as state dict)."""
    from transformers import GptOssConfig, GptOssForCausalLM
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    folder = tmp_path_factory.mktemp("mxfp4")
    torch.manual_seed(3)
    config = GptOssConfig(
        vocab_size=512, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, num_local_experts=4, num_experts_per_tok=2, sliding_window=8,
        max_position_embeddings=256,
    )  # fmt: skip
    state = {name: torch.randn(tensor.shape).mul(0.15).bfloat16() for name, tensor in
             GptOssForCausalLM(config).state_dict().items()}  # fmt: skip
    shards: tuple[dict, dict] = ({}, {})
    for name, tensor in dict(state).items():
        shard = shards["layers.1" in name]
        if name.endswith(("gate_up_proj", "down_proj")) and "experts" in name:
            experts, width, out = tensor.shape
            blocks = torch.randint(0, 256, (experts, out, width // 32, 16), dtype=torch.uint8)
            scales = torch.randint(120, 126, (experts, out, width // 32), dtype=torch.uint8)
            state[name] = convert_moe_packed_tensors(blocks.clone(), scales.clone())
            shard |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
        else:
            shard[name] = tensor
    for at, shard in enumerate(shards, 1):
        save_safetensors(folder / f"model-0000{at}-of-00002.safetensors", shard)
    weight_map = {name: f"model-0000{at}-of-00002.safetensors" for at, shard in enumerate(shards, 1) for name in shard}
    (folder / merge.INDEX).write_text(json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map}))
    quantised = {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"]}
    spelled = {**config.to_dict(), "architectures": ["GptOssForCausalLM"], "quantization_config": quantised}
    (folder / "config.json").write_text(json.dumps(spelled))
    (folder / "tokenizer.json").write_text("{}")
    return {
        "folder": str(folder),
        "family": "gpt-oss",
        "id": "base",
        "revision": None,
        "weightsDigest": "0" * 64,
    }, state


def test_mxfp4_experts_are_read_as_transformers_reads_them_and_merge_to_a_proven_16_bit_model(mxfp4_base, tmp_path):
    base, state = mxfp4_base
    adapter = strong_adapter(base, tmp_path / "adapter")
    outputs = dict((name, read) for name, _, (_, read) in merge._outputs(Path(base["folder"])))
    assert set(outputs) == set(state)
    for name, read in outputs.items():
        assert torch.equal(read(None).to(torch.bfloat16), state[name]), name
        if name.endswith("experts.down_proj"):
            assert torch.equal(read(2), state[name][2])
    tokens = save_probe(tmp_path, base)
    result = run(base, adapter, tokens, tmp_path / "out")
    assert {p["verdict"] for p in result["metrics"]["proofs"].values()} == {"proven"}, result["metrics"]
    index = json.loads((tmp_path / "out/merged" / merge.INDEX).read_text())["weight_map"]
    assert set(index) == set(state) and len(set(index.values())) == 2
    assert "quantization_config" not in json.loads((tmp_path / "out/merged/config.json").read_text())


def test_a_lost_adapter_a_right_one_and_an_unresolvable_one_are_told_apart_by_the_figures_alone():
    generator = np.random.default_rng(0)
    trained = generator.gamma(2.0, size=2000)
    reference = proof.Reference(trained, trained + 0.5, trained + generator.normal(0, 0.01, 2000))
    assert proof.judge(trained + generator.normal(0, 0.01, 2000), reference)["verdict"] == "proven"
    assert proof.judge(reference.base, reference)["verdict"] == "failed"
    assert proof.judge(trained + 0.04, reference)["verdict"] == "failed", "a shift within 0.1 e but 2 % of the loss"
    weak = replace(reference, base=trained + generator.normal(0, 0.012, 2000))
    assert proof.judge(trained, weak)["verdict"] == "adapter too weak to prove"
    assert proof.judge(trained + generator.normal(0, 0.1, 2000), weak)["verdict"] == "failed"
