"""The training loop: learning, the ladder, skipped steps, the files it leaves."""

import json
import math

import pytest
import torch
from conftest import FAMILIES, save_tokens
from jsonschema import Draft202012Validator
from training import losses, of_type, train_config, train_here

from trainer.data import micro_batch, read_tokens
from trainer.engines import transformers as engine_module
from trainer.errors import TrainerError
from trainer.optim import learning_rate


@pytest.mark.parametrize("family", FAMILIES)
def test_overfitting_a_few_examples_brings_the_loss_far_down(bases, tmp_path, family):
    tokens = save_tokens(tmp_path / "few.safetensors", bases[family], examples=4)
    events = train_here(
        train_config(bases[family], tokens, tmp_path / "out", steps=80, **{"optimizer.lr": 3e-2, "lora.r": 16})
    )
    curve = [event["loss"] for event in of_type(events, "step")]
    assert len(curve) == 80 and curve[0] > 5 and curve[-1] < 0.3 * curve[0]


@pytest.mark.parametrize(
    ("family", "targets", "rslora"),
    [("chat", "both", False), ("chat", "attention", True), ("gpt-oss", "both", True), ("gpt-oss", "mlp", False)],
)
def test_the_adapter_loads_with_peft_and_gives_the_trained_logits(bases, token_path, tmp_path, family, targets, rslora):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    lora = {"lora.targets": targets, "lora.rslora": rslora, "optimizer.lr": 2e-2}
    train_here(train_config(bases[family], token_path, tmp_path, steps=4, **lora))
    engine = engine_module.load(bases[family], "cpu", "fp32")
    engine.load_adapter(tmp_path)
    plain = AutoModelForCausalLM.from_pretrained(bases[family]["folder"], dtype=torch.float32)
    tuned = PeftModel.from_pretrained(plain, str(tmp_path)).eval()
    batch = micro_batch(read_tokens(token_path), [3])
    ids = torch.from_numpy(batch.ids).long()
    with torch.no_grad():
        expected = torch.nn.functional.cross_entropy(tuned(ids[None]).logits[0, :-1], ids[1:], reduction="none")
        with tuned.disable_adapter():
            bare = torch.nn.functional.cross_entropy(tuned(ids[None]).logits[0, :-1], ids[1:], reduction="none")
        mine = engine.nll(batch)
    rows = torch.from_numpy(batch.targets) - 1
    assert torch.allclose(mine, expected[rows], atol=1e-5)
    assert (mine - bare[rows]).abs().max() > 1e-2


def test_adapter_files_are_canonical_and_name_no_path(bases, token_path, tmp_path):
    base = {**bases["gpt-oss"], "id": "someone/model", "revision": "abc"}
    train_here(train_config(base, token_path, tmp_path, steps=1))
    text = (tmp_path / "adapter_config.json").read_text()
    config = json.loads(text)
    assert text == json.dumps(config, sort_keys=True, separators=(",", ":")) + "\n"
    assert config["base_model_name_or_path"] == "someone/model" and config["revision"] == "abc"
    assert config["target_modules"] == ["k_proj", "o_proj", "q_proj", "v_proj"]
    assert config["target_parameters"] == ["mlp.experts.down_proj", "mlp.experts.gate_up_proj"]
    raw = (tmp_path / "adapter_model.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    assert "__metadata__" not in header and list(header) == sorted(header)


def test_events_are_valid_and_the_result_names_the_files_with_their_hashes(bases, token_path, tmp_path, schema_of):
    import hashlib

    events = train_here(
        train_config(bases["chat"], token_path, tmp_path, evalEvery=6, **{"tokens.validation": str(token_path)})
    )
    validator = Draft202012Validator(schema_of("event"))
    for event in events:
        validator.validate(event)
    kinds = [event["type"] for event in events]
    assert kinds[:2] == ["loaded", "plan"] and kinds[-1] == "result"
    assert [kinds.count(kind) for kind in ("step", "checkpoint", "evaluated")] == [12, 3, 2]
    result = events[-1]
    assert [entry["name"] for entry in result["files"]] == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "metrics.jsonl",
    ]
    for entry in result["files"]:
        assert entry["sha256"] == hashlib.sha256((tmp_path / entry["name"]).read_bytes()).hexdigest()
    steps = of_type(events, "step")
    assert result["metrics"]["finalLoss"] == steps[-1]["loss"]
    assert result["metrics"]["supervisedTokens"] == sum(step["supervisedTokens"] for step in steps)
    recorded = [line for line in losses(tmp_path) if "loss" in line]
    assert [line["loss"] for line in recorded] == [step["loss"] for step in steps]


def test_validation_loss_is_the_mean_over_supervised_tokens_with_the_adapter_on(bases, token_path, tmp_path):
    events = train_here(
        train_config(bases["chat"], token_path, tmp_path, evalEvery=12, **{"tokens.validation": str(token_path)})
    )
    engine, tokens = engine_module.load(bases["chat"], "cpu", "fp32"), read_tokens(token_path)
    engine.load_adapter(tmp_path)
    with torch.no_grad():
        expected = torch.cat([engine.nll(micro_batch(tokens, [index])) for index in range(len(tokens))]).mean()
    assert of_type(events, "evaluated")[0]["nll"] == pytest.approx(float(expected), rel=1e-5)


def test_the_same_config_gives_the_same_files_and_another_seed_others(bases, token_path, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train_here(train_config(bases["chat"], token_path, tmp_path / name, seed=seed, steps=3))
    for file in ("adapter_model.safetensors", "adapter_config.json", "metrics.jsonl"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert (tmp_path / "a" / "metrics.jsonl").read_bytes() != (tmp_path / "c" / "metrics.jsonl").read_bytes()


def test_dropout_is_drawn_anew_each_step_and_repeats_with_the_seed(bases, token_path, tmp_path):
    changed = {"lora.dropout": 0.3, "steps": 3}
    for name in ("a", "b"):
        train_here(train_config(bases["chat"], token_path, tmp_path / name, **changed))
    train_here(train_config(bases["chat"], token_path, tmp_path / "none", steps=3))
    curves = [[line["loss"] for line in losses(tmp_path / name)] for name in ("a", "b", "none")]
    assert curves[0] == curves[1] and curves[0][1:] != curves[2][1:]


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


def test_a_step_that_is_not_a_number_is_skipped_and_three_end_the_training(bases, token_path, tmp_path):
    """A learning rate of 1e30 overflows after the first update."""
    import io

    from trainer.config import check_config
    from trainer.events import Events
    from trainer.train import run

    config = train_config(
        bases["chat"],
        token_path,
        tmp_path,
        **{"optimizer.lr": 1e30, "optimizer.warmupSteps": 0, "checkpoint.everySteps": 1},
    )
    stream = io.StringIO()
    tmp_path.mkdir(exist_ok=True)
    with pytest.raises(TrainerError, match=r"step 4: .* examples [0-9a-f]{12}") as caught:
        run(check_config(config, "train"), Events(stream, by_hand=False))
    assert caught.value.code == "TrainingDiverged" and caught.value.exit == 10
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["code"] for event in of_type(events, "warning")] == ["StepSkipped"] * 2
    assert [line.get("skipped", False) for line in losses(tmp_path)] == [False, True, True, True]
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["1-1"]


def test_a_step_whose_loss_explodes_is_left_out_and_three_end_the_training_naming_the_batch(
    bases, token_path, tmp_path, monkeypatch
):
    """Losses that are numbers, but from step 4 on ten times what they should be."""
    from trainer import train

    real = train.add_gradients

    def exploding(*arguments):
        loss, step = real(*arguments), arguments[-1]
        return loss * 10 if step in (2, 5, 6, 7) else loss

    monkeypatch.setattr(train, "add_gradients", exploding)
    with pytest.raises(
        TrainerError, match=r"step 7: the loss .* beyond twice the first steps' .* examples [0-9a-f]{12}"
    ):
        train_here(train_config(bases["chat"], token_path, tmp_path, **{"checkpoint.everySteps": 1}))
    assert [line["step"] for line in losses(tmp_path) if line.get("skipped")] == [2, 5, 6, 7]
    saved = {int(path.name.split("-")[0]) for path in (tmp_path / "checkpoints").iterdir()}
    assert max(saved) == 4


def test_tokens_of_another_tokenizer_are_refused_before_the_model_is_loaded(bases, token_path, tmp_path):
    import shutil

    shutil.copytree(bases["chat"]["folder"], tmp_path / "base")
    (tmp_path / "base" / "tokenizer.json").write_text("{ }")
    config = train_config({**bases["chat"], "folder": str(tmp_path / "base")}, token_path, tmp_path / "out")
    with pytest.raises(TrainerError, match="tokenizerSha256") as caught:
        train_here(config)
    assert caught.value.code == "FormatMismatch"


def test_the_first_plan_is_chosen_from_free_memory_when_the_config_leaves_it_open(bases, token_path, tmp_path):
    events = train_here(train_config(bases["chat"], token_path, tmp_path, steps=1, microTokens=None))
    plan = of_type(events, "plan")[0]
    assert plan["microTokens"] == 512 and "GiB free" in plan["reason"]


def test_rates_warm_up_and_then_follow_the_schedule():
    assert [learning_rate(step, 10, 1.0, 4, "linear") for step in (1, 4, 5, 10)] == [
        0.25,
        1.0,
        1.0,
        pytest.approx(1 / 6),
    ]
    assert [learning_rate(step, 10, 1.0, 0, "constant") for step in (1, 10)] == [1.0, 1.0]
    cosine = [learning_rate(step, 5, 1.0, 1, "cosine") for step in (2, 4)]
    assert cosine == [1.0, pytest.approx(0.5 * (1 + math.cos(math.pi / 2)))]
