"""The out-of-memory ladder: smaller plans with the same losses, and a step's end that finds no memory."""

import pytest
import torch
from conftest import FAMILIES
from training import losses, of_type, train_config, train_here

from trainer.engines import transformers as engine_module
from trainer.errors import TrainerError


@pytest.mark.parametrize("family", FAMILIES)
def test_the_ladder_changes_the_grouping_and_keeps_the_losses(bases, token_path, tmp_path, family):
    """A limit of 24 tokens: micro-batches shrink to the longest example, then activations are recomputed."""
    base = bases[family]
    train_here(train_config(base, token_path, tmp_path / "free", microTokens=256))
    events = train_here(train_config(base, token_path, tmp_path / "tight", microTokens=256, simulatedLimitTokens=24))
    plans = [(plan["microTokens"], plan["checkpointing"]) for plan in of_type(events, "plan")]
    assert plans[0] == (256, "none") and plans[1] == (128, "none") and plans[-1][1] == "full"
    assert all("out of memory" in plan["reason"] for plan in of_type(events, "plan")[1:])
    assert {plan["examples"] for plan in of_type(events, "plan")} == {4}
    free, tight = losses(tmp_path / "free"), losses(tmp_path / "tight")
    assert len(free) == len(tight) == 12
    for one, other in zip(free, tight, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-6)
        assert other["supervisedTokens"] == one["supervisedTokens"]


def test_an_example_that_fits_on_no_rung_ends_the_training_with_what_was_tried(bases, token_path, tmp_path):
    with pytest.raises(TrainerError, match=r"one example of \d+ tokens does not fit") as caught:
        train_here(train_config(bases["chat"], token_path, tmp_path, simulatedLimitTokens=2))
    assert caught.value.code == "GpuOutOfMemory" and caught.value.exit == 11


def test_real_out_of_memory_takes_the_same_ladder(bases, token_path, tmp_path, monkeypatch):
    """torch's own exception, from the forward pass and from the backward pass."""
    real_forward, real_backward = engine_module.Engine._hidden, torch.Tensor.backward
    failures = {"forward": 1, "backward": 1}

    def forward(self, ids, lengths, rows):
        if self.model.training and failures["forward"]:
            failures["forward"] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        return real_forward(self, ids, lengths, rows)

    def backward(self, *args, **kwargs):
        if failures["backward"]:
            failures["backward"] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real_backward(self, *args, **kwargs)

    train_here(train_config(bases["chat"], token_path, tmp_path / "free", steps=2, microTokens=256))
    monkeypatch.setattr(engine_module.Engine, "_hidden", forward)
    monkeypatch.setattr(torch.Tensor, "backward", backward)
    events = train_here(train_config(bases["chat"], token_path, tmp_path / "tight", steps=2, microTokens=256))
    assert [plan["microTokens"] for plan in of_type(events, "plan")] == [256, 128, 64]
    for one, other in zip(losses(tmp_path / "free"), losses(tmp_path / "tight"), strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-6)


@pytest.mark.parametrize(("state", "part"), [("8bit", "update"), ("bf16", "update"), ("fp32", "clipping")])
def test_memory_that_ends_after_the_gradients_costs_no_step_and_no_attempt(
    bases, token_path, tmp_path, monkeypatch, state, part
):
    """Of step 2: in the second part of the update, or before the gradients are clipped."""
    from trainer.compact_adamw import Moments

    monkeypatch.setattr("trainer.compact_adamw.CHUNK", 256)
    place, name = (torch.nn.utils, "clip_grad_norm_") if part == "clipping" else (Moments, "_encoded")
    real, calls, fail_at = getattr(place, name), [], None

    def fails(*arguments):
        calls.append(name)
        if len(calls) == fail_at:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 64 MiB")
        return real(*arguments)

    monkeypatch.setattr(place, name, fails)
    changed = {"steps": 4, "microTokens": 256, "optimizer.state": state}
    train_here(train_config(bases["chat"], token_path, tmp_path / "free", **changed))
    a_step = len(calls) // 4
    fail_at = len(calls) + a_step + min(2, a_step)
    assert part == "clipping" or a_step > 2
    events = train_here(train_config(bases["chat"], token_path, tmp_path / "short", **changed))
    assert len(calls) == 8 * a_step + 1
    assert [plan["microTokens"] for plan in of_type(events, "plan")] == [256, 128]
    kinds = [event["type"] for event in events if event["type"] in ("plan", "step")]
    assert kinds == ["plan", "step", "plan", "step", "step", "step"]
    free, short = losses(tmp_path / "free"), losses(tmp_path / "short")
    # Steps 1 and 2 have the same passes; from 3 on they are smaller.
    assert free[:2] == short[:2]
    for one, other in zip(free, short, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-5)
