"""LoRA dropout of engine gptoss: PEFT's own on attention with the same masks, and an autograd model's on experts."""

import json

import pytest
import torch
from gptoss_base import random_adapter, readable_by_transformers, save_gpt_oss
from test_gptoss_engine import distances, documents, gradients
from torch import nn
from training import losses, train_config, train_here

from trainer.engines import transformers as reference_engine
from trainer.engines.gptoss import engine as gptoss
from trainer.engines.gptoss import plain
from trainer.engines.gptoss.layer import KEY, OUT, PARTS, QUERY, VALUE
from trainer.random_bits import key_of, uniform
from trainer.self_test.comparison import compare

P, SEED = 0.3, 77


def lora(targets: str) -> dict:
    return {"r": 4, "alpha": 8, "dropout": P, "rslora": False, "targets": targets}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_gpt_oss(tmp_path_factory.mktemp("dropout"), mxfp4=True)


def engine_of(module, base, targets: str):
    engine = module.load(base if module is gptoss else readable_by_transformers(base), "cpu", "fp32")
    engine.add_lora(lora(targets), seed=3)
    engine.load_adapter(random_adapter(engine.trainable))
    engine.train(True)
    return engine


def result(engine, seed: int = SEED):
    torch.manual_seed(seed)
    return gradients(engine, [documents()])


def kept(layer: int, part: int, rows: int, columns: int) -> torch.Tensor:
    """What an A's input is multiplied by."""
    return (uniform(key_of(SEED), layer * PARTS + part, rows, columns) >= P) / (1 - P)


class Masked(nn.Module):
    """In the place of PEFT's nn.Dropout; x [1, T, k]."""

    def __init__(self, layer: int, part: int):
        super().__init__()
        self.place = layer, part

    def forward(self, x):
        return x * kept(*self.place, *x.shape[1:]) if self.training else x


def test_on_attention_loss_and_every_gradient_are_pefts_with_the_same_masks(base):
    theirs = engine_of(reference_engine, base, "attention")
    parts = {"q_proj": QUERY, "k_proj": KEY, "v_proj": VALUE, "o_proj": OUT}
    seen = 0
    for name, module in theirs.peft.named_modules():
        if hasattr(module, "lora_dropout"):
            path = name.split(".")
            assert module.lora_dropout["default"].p == P
            module.lora_dropout["default"] = Masked(int(path[path.index("layers") + 1]), parts[path[-1]])
            seen += 1
    assert seen == 8
    expected_loss, expected = result(theirs)
    loss, grads = result(engine_of(gptoss, base, "attention"))
    assert abs(loss - expected_loss) < 1e-6 * expected_loss
    far = distances(grads, expected)
    assert len(far) == 8 and max(far.values()) < 1e-6, max(far, key=far.get)


def test_on_experts_too_loss_and_every_gradient_are_those_of_autograd(base, monkeypatch):
    """Which is the self-test, so that it guards a training with dropout as well."""
    for targets, kinds in (("mlp", 4), ("both", 12)):
        outcome = compare(engine_of(gptoss, base, targets))
        assert len(outcome.gradients) == kinds
        assert outcome.loss < 1e-6 and outcome.gradients[outcome.worst] < 3e-6, outcome
    monkeypatch.setattr(plain, "add_dropped", lambda total, x, mask, s, factor: total.add_(x, alpha=factor))
    assert compare(engine_of(gptoss, base, "both")).gradients["self_attn.q_proj.lora_A.weight"] > 1e-3


def test_dropout_follows_the_seed_alone_and_is_off_outside_training(base):
    engine = engine_of(gptoss, base, "both")
    first, again, other = result(engine), result(engine), result(engine, SEED + 1)
    assert first[0] == again[0] and all(torch.equal(first[1][name], again[1][name]) for name in first[1])
    assert other[0] != first[0]
    engine.train(False)
    off, never = result(engine), engine_of(gptoss, base, "both")
    never.s = never.built.s
    never.train(False)
    assert off[0] == result(never)[0] == result(engine, SEED + 1)[0] != first[0]


@pytest.mark.parametrize("mode", ["moe", "full"])
def test_what_is_computed_again_meets_the_same_masks(base, mode):
    engine = engine_of(gptoss, base, "both")
    loss, grads = result(engine)
    engine.set_checkpointing(mode)
    again_loss, again = result(engine)
    assert loss == again_loss and all(torch.equal(grads[name], again[name]) for name in grads)


def test_experts_decoded_in_parts_meet_the_same_masks(base):
    engine = engine_of(gptoss, base, "both")
    loss, grads = result(engine)
    engine.built.bank.shared.clear()
    engine.built.bank.at_a_time, engine.built.head_rows = 3, 10
    parts_loss, parts = result(engine)
    assert parts_loss == pytest.approx(loss, rel=1e-6) and max(distances(parts, grads).values()) < 1e-6


def test_a_resumed_training_with_dropout_has_the_bits_of_an_undisturbed_one(bases, token_path, tmp_path):
    """`auto`: PEFT has no dropout on experts, so engine gptoss is chosen on a CPU too."""
    changed = {"engine": "auto", "steps": 8, "lora.dropout": 0.1}
    config = train_config(bases["gpt-oss"], token_path, tmp_path / "a", **changed)
    events = train_here(config)
    assert next(event for event in events if event["type"] == "loaded")["engine"] == "gptoss"
    again = {**config, "out": str(tmp_path / "b")}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(tmp_path / "a" / "checkpoints" / "4-1"), "fence": 2}
    train_here(again)
    # PEFT would refuse to load the adapter otherwise.
    assert json.loads((tmp_path / "a" / "adapter_config.json").read_text())["lora_dropout"] == 0
    for name in ("adapter_model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    train_here(train_config(bases["gpt-oss"], token_path, tmp_path / "c", **{**changed, "lora.dropout": 0.0}))
    assert losses(tmp_path / "c")[-1]["loss"] != losses(tmp_path / "a")[-1]["loss"]
