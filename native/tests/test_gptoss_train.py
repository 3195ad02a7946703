"""train with engine gptoss on the CPU: the same training as with transformers, resume, determinism, the ladder."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training import losses, of_type, train_config, train_here

from trainer.engines.choice import choose_engine
from trainer.engines.gptoss import engine as gptoss
from trainer.engines.gptoss.thrift import Thrift
from trainer.errors import TrainerError


def same_files(a, b) -> bool:
    return all(
        (a / name).read_bytes() == (b / name).read_bytes() for name in ("adapter_model.safetensors", "metrics.jsonl")
    )


def gptoss_config(bases, token_path, out, **changed):
    return train_config(bases["gpt-oss"], token_path, out, **{"engine": "gptoss", "steps": 8, **changed})


def test_both_engines_train_to_the_same_losses_and_adapter(bases, token_path, tmp_path):
    for engine in ("gptoss", "transformers"):
        config = gptoss_config(bases, token_path, tmp_path / engine, engine=engine)
        assert of_type(train_here(config), "loaded")[0]["engine"] == engine
    mine, theirs = losses(tmp_path / "gptoss"), losses(tmp_path / "transformers")
    assert len(mine) == len(theirs) == 8
    assert mine[-1]["loss"] < mine[0]["loss"]
    for a, b in zip(mine, theirs, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)
        assert a["gradNorm"] == pytest.approx(b["gradNorm"], rel=1e-4)
    names = ("adapter_config.json", "adapter_model.safetensors")
    assert (tmp_path / "gptoss" / names[0]).read_bytes() == (tmp_path / "transformers" / names[0]).read_bytes()
    mine, theirs = (load_file(tmp_path / engine / names[1]) for engine in ("gptoss", "transformers"))
    assert sorted(mine) == sorted(theirs)
    assert all(mine[name].shape == theirs[name].shape for name in mine)


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_a_resumed_training_has_the_bits_of_an_undisturbed_one(bases, token_path, tmp_path, dtype):
    config = gptoss_config(bases, token_path, tmp_path / "a", dtype=dtype)
    train_here(config)
    again = {**config, "out": str(tmp_path / "b"), "engine": "auto"}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(tmp_path / "a" / "checkpoints" / "4-1"), "fence": 2}
    events = train_here(again)
    assert of_type(events, "plan")[0]["resumedFrom"] == 4
    # `auto` would say transformers on a CPU; a training goes on with the engine that it began with.
    assert of_type(events, "loaded")[0]["engine"] == "gptoss"
    assert same_files(tmp_path / "a", tmp_path / "b")


THRIFTY = Thrift(embedding_on_cpu=True, experts_at_a_time=3, head_rows=7)


def resumed_after_4(config, out):
    """The same training from its checkpoint at step 4."""
    again = {**config, "out": str(out)}
    resume = str(Path(config["out"]) / "checkpoints" / "4-1")
    again["checkpoint"] = {**config["checkpoint"], "resume": resume, "fence": 2}
    return train_here(again)


def test_what_a_small_card_did_without_it_does_without_when_it_is_resumed_with_more_memory(
    bases, token_path, tmp_path, monkeypatch
):
    train_here(gptoss_config(bases, token_path, tmp_path / "roomy"))
    config = gptoss_config(bases, token_path, tmp_path / "a")
    with monkeypatch.context() as small:
        small.setattr(gptoss, "_thrift_here", lambda *_: THRIFTY)
        train_here(config)
    assert not same_files(tmp_path / "a", tmp_path / "roomy"), "the savings must round otherwise for this to say much"
    assert of_type(resumed_after_4(config, tmp_path / "b"), "warning") == []
    assert same_files(tmp_path / "a", tmp_path / "b")


def test_a_training_resumed_with_less_memory_saves_more_says_so_and_has_the_same_losses_to_rounding(
    bases, token_path, tmp_path, monkeypatch
):
    config = gptoss_config(bases, token_path, tmp_path / "a")
    train_here(config)
    monkeypatch.setattr(gptoss, "_thrift_here", lambda *_: THRIFTY)
    warning = of_type(resumed_after_4(config, tmp_path / "b"), "warning")
    assert [event["code"] for event in warning] == ["MemoryDiffers"] and "'head_rows': 7" in warning[0]["message"]
    for a, b in zip(losses(tmp_path / "a"), losses(tmp_path / "b"), strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-6)


def test_a_checkpoint_of_the_other_engine_is_refused_by_name(bases, token_path, tmp_path):
    config = gptoss_config(bases, token_path, tmp_path / "a", steps=4)
    train_here(config)
    again = {**config, "out": str(tmp_path / "b"), "engine": "transformers"}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(tmp_path / "a" / "checkpoints" / "4-1")}
    with pytest.raises(TrainerError, match="engine was 'gptoss', now 'transformers'"):
        train_here(again)


def test_a_smaller_plan_changes_no_loss_beyond_rounding(bases, token_path, tmp_path):
    train_here(gptoss_config(bases, token_path, tmp_path / "wide", microTokens=256, steps=4))
    narrow = gptoss_config(bases, token_path, tmp_path / "narrow", microTokens=256, steps=4, simulatedLimitTokens=20)
    plans = of_type(train_here(narrow), "plan")
    assert plans[0]["microTokens"] == 256 and plans[-1]["checkpointing"] == "full"
    for a, b in zip(losses(tmp_path / "wide"), losses(tmp_path / "narrow"), strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-6)


def test_auto_is_transformers_on_a_cpu_and_for_other_models_and_says_why(bases, token_path, tmp_path):
    for family, why in (("gpt-oss", "need a GPU"), ("chat", "knows GPT-OSS only")):
        config = train_config(bases[family], token_path, tmp_path, engine="auto")
        name, reason = choose_engine(config, "fp32")
        assert name == "transformers" and why in reason


def test_every_step_of_the_engine_is_free_of_unwritten_memory(bases, token_path, tmp_path):
    config = gptoss_config(bases, token_path, tmp_path / "plain", steps=3)
    train_here(config)
    from trainer.engines import device

    real = device.set_threads_and_determinism

    def poisoned(place):
        real(place)
        torch.utils.deterministic.fill_uninitialized_memory = True

    from trainer.engines.gptoss import engine

    with pytest.MonkeyPatch.context() as patch:
        # Deterministic mode then fills every new tensor with NaN.
        patch.setattr(engine, "set_threads_and_determinism", poisoned)
        train_here({**config, "out": str(tmp_path / "poisoned")})
    torch.utils.deterministic.fill_uninitialized_memory = False
    assert same_files(tmp_path / "plain", tmp_path / "poisoned")
