"""Our GPT-OSS engine against transformers and PEFT in fp32: loss, every LoRA gradient, packing, modes, refusals."""

import copy
import json

import numpy as np
import pytest
import torch
from gptoss_base import VOCABULARY, random_adapter, readable_by_transformers, save_gpt_oss

from trainer.data import MicroBatch
from trainer.engines import transformers as reference_engine
from trainer.engines.gptoss import engine as gptoss
from trainer.errors import OutOfMemory, TrainerError

LORA = {"r": 4, "alpha": 8, "dropout": 0.0, "rslora": False, "targets": "both"}
LAYOUTS = {"bf16": False, "mxfp4": True}


@pytest.fixture(scope="module", params=sorted(LAYOUTS))
def base(request, tmp_path_factory):
    return save_gpt_oss(tmp_path_factory.mktemp(request.param), LAYOUTS[request.param])


def documents(lengths=(7, 40, 17), seed=3) -> MicroBatch:
    """Ragged documents; about two thirds of each is supervised, its first token never."""
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, VOCABULARY, sum(lengths)).astype(np.int32)
    role = (generator.random(sum(lengths)) < 0.7).astype(np.uint8) * 2
    role[np.cumsum([0, *lengths[:-1]])] = 0
    return MicroBatch(ids, role, list(lengths))


def alone(batch: MicroBatch) -> list[MicroBatch]:
    """Each document as a micro-batch of its own."""
    ends = np.cumsum(batch.lengths)
    spans = [slice(end - n, end) for end, n in zip(ends, batch.lengths, strict=True)]
    return [MicroBatch(batch.ids[span], batch.role[span], [span.stop - span.start]) for span in spans]


def gradients(engine, batches) -> tuple[float, dict]:
    """(loss, gradient by name) of the mean over all supervised tokens of the micro-batches."""
    total = sum(len(batch.targets) for batch in batches)
    loss = 0.0
    for parameter in engine.trainable.values():
        parameter.grad = None
    for batch in batches:
        nll = engine.nll(batch)
        loss += float(nll.detach().double().sum())
        engine.backward(nll.sum() / total)
    return loss / total, {name: p.grad.clone() for name, p in engine.trainable.items()}


def distances(mine: dict, theirs: dict) -> dict[str, float]:
    """|mine - theirs| / |theirs| (Frobenius) of each kind of parameter, over all layers."""
    kinds: dict[str, list[str]] = {}
    for name in theirs:
        kinds.setdefault(name.split(".", 5)[5], []).append(name)

    def flat(grads, names):
        return torch.cat([grads[name].double().flatten() for name in names])

    return {
        kind: float((flat(mine, names) - flat(theirs, names)).norm() / flat(theirs, names).norm())
        for kind, names in kinds.items()
    }


def adapted(module, base, lora=LORA):
    engine = module.load(base if module is gptoss else readable_by_transformers(base), "cpu", "fp32")
    engine.add_lora(lora, seed=3)
    engine.load_adapter(random_adapter(engine.trainable))
    return engine


@pytest.mark.parametrize("targets", ["both", "attention", "mlp"])
def test_packed_loss_and_every_gradient_equal_those_of_transformers_one_document_at_a_time(base, targets):
    lora = {**LORA, "targets": targets, "rslora": targets == "mlp"}
    mine, theirs = adapted(gptoss, base, lora), adapted(reference_engine, base, lora)
    batch = documents()
    loss, grads = gradients(mine, [batch])
    expected_loss, expected = gradients(theirs, alone(batch))
    assert abs(loss - expected_loss) < 1e-6 * expected_loss
    assert list(grads) == list(expected)
    far = distances(grads, expected)
    assert len(far) == {"both": 12, "attention": 8, "mlp": 4}[targets]
    assert max(far.values()) < 1e-6, max(far, key=far.get)


def test_the_activations_of_the_parity_test_reach_the_clamps(base):
    """Otherwise the clamps' gradients were compared nowhere."""
    engine = adapted(gptoss, base)
    seen = []
    real = engine.built.ops.swiglu
    engine.built.ops.swiglu = lambda gate_up, *rest: seen.append(gate_up.abs().max()) or real(gate_up, *rest)
    try:
        engine.nll(documents())
    finally:
        engine.built.ops.swiglu = real
    assert max(seen) > engine.s.limit


def test_the_base_model_without_its_adapter_equals_transformers(base):
    mine, theirs = adapted(gptoss, base), reference_engine.load(readable_by_transformers(base), "cpu", "fp32")
    batch = documents()
    with torch.no_grad(), mine.without_adapter():
        assert torch.allclose(mine.nll(batch), theirs.nll(batch), rtol=1e-5, atol=1e-5)
    with torch.inference_mode():
        assert not torch.allclose(mine.nll(batch), theirs.nll(batch), atol=1e-2)


@pytest.mark.parametrize("mode", ["moe", "full"])
def test_recomputation_changes_no_bit_of_loss_or_gradients(base, mode):
    engine = adapted(gptoss, base)
    loss, grads = gradients(engine, [documents()])
    engine.set_checkpointing(mode)
    again_loss, again = gradients(engine, [documents()])
    assert loss == again_loss
    assert all(torch.equal(grads[name], again[name]) for name in grads)


def test_layers_kept_as_numbers_change_no_bit_and_drop_their_compressed_source(base):
    engine = adapted(gptoss, base)
    loss, grads = gradients(engine, [documents()])
    engine.built.bank.keep(1)
    source = engine.weights.layers[1].gate_up
    assert source.blocks is None and source.dense is None
    again_loss, again = gradients(engine, [documents()])
    assert loss == again_loss
    assert all(torch.equal(grads[name], again[name]) for name in grads)


def test_out_of_memory_while_layers_are_kept_leaves_a_model_with_the_same_bits(base, monkeypatch):
    engine = adapted(gptoss, base)
    loss, grads = gradients(engine, [documents()])
    bank, real, made = engine.built.bank, engine.built.bank._empty, []

    def empty(which):
        made.append(which)
        if len(made) == 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(which)

    monkeypatch.setattr(bank, "_empty", empty)
    monkeypatch.setattr(gptoss, "free_memory", lambda device: 10**12)
    monkeypatch.setattr(engine, "kernels", True)
    engine.settle(64, 0.5)
    assert made == ["gate_up", "down", "gate_up", "down"]
    assert sorted(bank.resident) == [(0, "down"), (0, "gate_up"), (1, "gate_up")]
    again_loss, again = gradients(engine, [documents()])
    assert loss == again_loss
    assert all(torch.equal(grads[name], again[name]) for name in grads)


def test_two_forward_passes_before_their_backward_passes_do_not_mix(base):
    engine = adapted(gptoss, base)
    batches = [documents(), documents((5, 9), seed=4)]
    _, expected = gradients(engine, batches)
    total = sum(len(batch.targets) for batch in batches)
    for parameter in engine.trainable.values():
        parameter.grad = None
    losses = [engine.nll(batch).sum() / total for batch in batches]
    for loss in losses:
        engine.backward(loss)
    assert all(torch.equal(p.grad, expected[name]) for name, p in engine.trainable.items())


def test_mxfp4_is_decoded_to_the_exact_numbers_of_transformers(tmp_path):
    from transformers.integrations.mxfp4 import convert_moe_packed_tensors

    from trainer.engines.gptoss import plain

    blocks = torch.arange(4 * 6 * 2 * 16, dtype=torch.int64).mul(37).remainder(256).to(torch.uint8).view(4, 6, 2, 16)
    scales = torch.arange(4 * 6 * 2).remainder(9).add(118).to(torch.uint8).view(4, 6, 2)
    expected = convert_moe_packed_tensors(blocks, scales, dtype=torch.bfloat16).transpose(1, 2)
    for interleaved in (False, True):
        out = torch.full((4, 7, 70), float("nan"), dtype=torch.bfloat16)
        plain.dequantise(blocks, scales, out, interleaved)
        rows = torch.cat((expected[:, ::2], expected[:, 1::2]), 1) if interleaved else expected
        assert torch.equal(out[:, :6, :64], rows)
        assert out[:, 6:].isnan().all() and out[:, :, 64:].isnan().all()


def test_a_fresh_adapter_has_the_numbers_and_files_of_the_transformers_engine(base, tmp_path):
    from trainer.adapter import write_adapter

    written = {}
    for module in (gptoss, reference_engine):
        engine = module.load(readable_by_transformers(base), "cpu", "fp32")
        engine.add_lora(LORA, seed=3)
        folder = tmp_path / module.__name__.replace(".", "-")
        folder.mkdir()
        written[module] = [path.read_bytes() for path in write_adapter(folder, engine)]
        parameters = engine.parameters
        written[module].append(parameters)
    assert written[gptoss] == written[reference_engine]


def test_an_adapter_folder_is_loaded_with_the_lora_that_it_names(base, tmp_path):
    from trainer.adapter import write_adapter

    lora = {**LORA, "r": 3, "rslora": True}
    trained = adapted(gptoss, base, lora)
    write_adapter(tmp_path, trained)
    batch = documents()
    for module in (gptoss, reference_engine):
        engine = module.load(readable_by_transformers(base), "cpu", "fp32")
        engine.load_adapter(tmp_path)
        with torch.no_grad():
            assert torch.allclose(engine.nll(batch), trained.nll(batch), rtol=1e-5, atol=1e-5)


def test_what_the_engine_cannot_do_is_refused_by_name(base, bases):
    with pytest.raises(TrainerError, match="engine gptoss: base is a llama"):
        gptoss.load(bases["chat"], "cpu", "fp32")
    engine = gptoss.load(base, "cpu", "fp32")
    engine.add_lora(LORA, seed=0)
    name = sorted(engine.trainable)[0]
    state = engine.adapter_state()
    with pytest.raises(TrainerError, match=name):
        engine.load_adapter({key: value for key, value in state.items() if key != name})
    engine.simulated_limit = 10
    with pytest.raises(OutOfMemory):
        engine.nll(documents())


@pytest.mark.parametrize("fault", ["missing", "surplus", "shape"])
def test_a_checkpoint_that_does_not_fit_its_config_is_refused_naming_the_tensor(base, tmp_path, fault):
    import shutil

    from safetensors.torch import load_file, save_file

    shutil.copytree(base["folder"], tmp_path / "base")
    path = tmp_path / "base" / "model.safetensors"
    weights = load_file(path)
    name = "model.layers.1.self_attn.sinks"
    if fault == "missing":
        del weights[name]
    elif fault == "surplus":
        name = "model.layers.9.self_attn.sinks"
        weights[name] = torch.zeros(4)
    else:
        weights[name] = torch.zeros(5)
    save_file(weights, path, {"format": "pt"})
    with pytest.raises(TrainerError, match=name) as caught:
        gptoss.load({**base, "folder": str(tmp_path / "base")}, "cpu", "fp32")
    assert caught.value.code == "ArtifactCorrupt"


def test_the_shipped_spelling_of_the_config_gives_the_same_shape(base):
    from pathlib import Path

    from trainer.engines.gptoss.shape import read_shape

    config = json.loads((Path(base["folder"]) / "config.json").read_text())
    shipped = copy.deepcopy(config)
    rope = shipped.pop("rope_parameters")
    shipped["rope_theta"] = rope.pop("rope_theta")
    shipped["rope_scaling"] = rope
    mine, other = read_shape(config), read_shape(shipped)
    assert {**mine.rope, "rope_theta": 0} == {**other.rope, "rope_theta": 0}
    assert mine.rope["rope_theta"] == other.rope["rope_theta"]
    assert (mine.hidden, mine.windows) == (other.hidden, other.windows) == (64, (8, 0))


def test_padding_to_a_shape_that_repeats_changes_no_loss_and_no_gradient_beyond_rounding(base):
    engine = adapted(gptoss, base)
    loss, grads = gradients(engine, [documents()])
    engine.padded = True
    padded_loss, padded = gradients(engine, [documents()])
    assert padded_loss == pytest.approx(loss, rel=1e-6)
    assert max(distances(padded, grads).values()) < 1e-6


def test_experts_decoded_in_parts_change_nothing_beyond_rounding(base):
    engine = adapted(gptoss, base)
    loss, grads = gradients(engine, [documents()])
    engine.built.bank.shared.clear()
    engine.built.bank.at_a_time, engine.built.head_rows = 3, 10
    parts_loss, parts = gradients(engine, [documents()])
    assert parts_loss == pytest.approx(loss, rel=1e-6)
    assert max(distances(parts, grads).values()) < 1e-6
    assert max(len(scratch) for scratch in engine.built.bank.shared.values()) == 3


def test_what_a_small_card_does_without_follows_from_the_bytes_left_beside_the_weights():
    from bench.random_gpt_oss import CONFIG, CONFIG_120B
    from trainer.engines.gptoss.shape import read_shape
    from trainer.engines.gptoss.thrift import GIB, Thrift, thrift_for

    s = read_shape(CONFIG)
    assert thrift_for(11 * GIB, s) == Thrift()
    assert thrift_for(7 * GIB, s).embedding_on_cpu and thrift_for(7 * GIB, s).experts_at_a_time is None
    assert thrift_for(2 * GIB, s).experts_at_a_time == 8
    # gpt-oss-120b on an 80 GB card.
    assert thrift_for(18 * GIB, read_shape(CONFIG_120B)).experts_at_a_time == 32
