"""The self-test: a right engine passes, a planted fault stops the training and is named."""

import io
import json
from types import SimpleNamespace

import pytest
import torch
from gptoss_base import save_gpt_oss
from training import of_type, train_config, train_here

from trainer import self_test
from trainer.config import check_config
from trainer.engines.gptoss import engine as gptoss
from trainer.errors import TrainerError
from trainer.events import Events
from trainer.self_test.comparison import compare, faults, require_agreement

LORA = {"r": 4, "alpha": 8, "dropout": 0.0, "rslora": False, "targets": "both"}
KINDS = 12
"""A and B of q, k, v, o, gate_up and down."""


@pytest.fixture(scope="module", params=[False, True], ids=["dense", "mxfp4"])
def base(request, tmp_path_factory):
    return save_gpt_oss(tmp_path_factory.mktemp("base"), mxfp4=request.param, layers=3)


def engine_of(base, dtype="fp32", **lora):
    engine = gptoss.load(base, "cpu", dtype)
    engine.add_lora({**LORA, **lora}, seed=1)
    return engine


def silent():
    return Events(io.StringIO(), by_hand=False)


@pytest.mark.parametrize(("dtype", "bound"), [("fp32", 2e-6), ("bf16", 0.05)])
def test_the_engine_agrees_with_an_independent_reference_in_loss_and_every_gradient(base, dtype, bound):
    outcome = compare(engine_of(base, dtype))
    assert len(outcome.gradients) == KINDS
    assert outcome.loss < bound / 10 or (dtype == "fp32" and outcome.loss < 1e-6)
    assert max(outcome.gradients.values()) < bound, outcome.gradients


@pytest.mark.parametrize(("targets", "kinds"), [("attention", 8), ("mlp", 4)])
def test_only_the_gradients_of_what_is_trained_are_compared(base, targets, kinds):
    assert len(compare(engine_of(base, targets=targets)).gradients) == kinds


PARTS = [
    "attention",
    "attention_backward",
    "grouped",
    "swiglu_backward",
    "combine",
    "rms_norm_backward",
    "rotate_backward",
]


@pytest.mark.parametrize("part", PARTS)
def test_an_operation_that_is_off_by_a_scale_is_named(base, part):
    engine = engine_of(base)
    real = getattr(engine.built.ops, part)

    def off(*arguments, **named):
        result = real(*arguments, **named)
        first, *rest = result if isinstance(result, tuple) else (result,)
        return (first * 1.02, *rest) if isinstance(result, tuple) else first * 1.02

    engine.built.ops = SimpleNamespace(**{**vars(engine.built.ops), part: off})
    stream = io.StringIO()
    with pytest.raises(TrainerError, match=rf"{part} \(off by 2\.0%\)") as caught:
        require_agreement(engine, Events(stream, by_hand=False))
    assert caught.value.code == "EngineMismatch" and caught.value.exit == 10
    assert list(faults(engine)) == [part]
    assert json.loads(stream.getvalue().splitlines()[0])["type"] == "selfTest"


def test_a_fault_that_no_operation_shows_is_named_by_its_gradients(base, monkeypatch):
    """A wrong formula between the operations: the LoRA's scale left out of one gradient."""
    from trainer.engines.gptoss.lora import LoraParameters

    real = LoraParameters.add_gradients

    def wrong(self, layer, grads):
        grads.out_a = grads.out_a / 2
        real(self, layer, grads)

    monkeypatch.setattr(LoraParameters, "add_gradients", wrong)
    with pytest.raises(TrainerError, match=r"no single operation.*self_attn\.o_proj\.lora_A"):
        require_agreement(engine_of(base), silent())


def test_the_self_test_changes_nothing_of_the_training(bases, token_path, tmp_path):
    for name, tested in (("with", True), ("without", False)):
        config = train_config(bases["gpt-oss"], token_path, tmp_path / name, engine="gptoss", steps=3, selfTest=tested)
        assert len(of_type(train_here(config), "selfTest")) == tested
    for name in ("adapter_model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()


def test_a_training_whose_engine_is_wrong_does_not_begin(bases, token_path, tmp_path, monkeypatch):
    from trainer.engines.gptoss import plain

    real = plain.swiglu
    monkeypatch.setattr(plain, "swiglu", lambda *arguments: (real(*arguments)[0] * 1.5, real(*arguments)[1]))
    config = train_config(bases["gpt-oss"], token_path, tmp_path, engine="gptoss", steps=3)
    with pytest.raises(TrainerError, match="engine gptoss differs from its reference"):
        train_here(config)
    assert not (tmp_path / "checkpoints").exists()
    train_here({**config, "selfTest": False})


def test_the_command_reports_every_error(bases, tmp_path):
    stream = io.StringIO()
    config = {"schema": 1, "command": "self-test", "out": str(tmp_path), "dtype": "fp32", "base": bases["gpt-oss"]}
    self_test.run(check_config({**config, "engine": "gptoss"}, "self-test"), Events(stream, by_hand=False))
    metrics = json.loads(stream.getvalue().splitlines()[-1])["metrics"]
    assert metrics["tested"] and len(metrics["gradientErrors"]) == KINDS
    assert max(metrics["gradientErrors"].values()) < metrics["gradientBound"] == 1e-4
    stream = io.StringIO()
    self_test.run(check_config({**config, "base": bases["chat"]}, "self-test"), Events(stream, by_hand=False))
    assert json.loads(stream.getvalue())["metrics"]["tested"] is False
    with pytest.raises(TrainerError, match="is the reference"):
        self_test.run(check_config({**config, "engine": "transformers"}, "self-test"), silent())


def test_torch_is_left_as_it_was(base):
    torch.manual_seed(3)
    expected = torch.rand(1)
    engine = engine_of(base)
    torch.manual_seed(3)
    compare(engine)
    assert torch.equal(torch.rand(1), expected)
