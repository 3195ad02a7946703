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
    # What the trial of the plan foretold, beside what came.
    metrics = result["metrics"]
    assert metrics["expectedSeconds"] == of_type(events, "plan")[0]["expectedSeconds"] > 0
    assert metrics["stepSeconds"] == pytest.approx(sum(event["seconds"] for event in of_type(events, "step")), abs=0.1)
    assert metrics["peakBytes"] >= of_type(events, "plan")[0]["expectedBytes"]
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


def test_gradients_beyond_the_largest_norm_are_scaled_down_to_it_and_smaller_ones_are_left(
    bases, token_path, tmp_path, monkeypatch
):
    from trainer.optim import Adamw

    real, norms = Adamw.step, []

    def noted(self, lr):
        norms.append(float(sum(p.grad.square().sum() for p in self.parameters.values() if p.grad is not None).sqrt()))
        real(self, lr)

    monkeypatch.setattr(Adamw, "step", noted)
    train_here(train_config(bases["chat"], token_path, tmp_path / "free", steps=3, **{"optimizer.clip": 1e9}))
    before = [line["gradNorm"] for line in losses(tmp_path / "free")]
    assert norms == pytest.approx(before, rel=1e-5)
    norms.clear()
    limit = min(before) / 2
    train_here(train_config(bases["chat"], token_path, tmp_path / "clipped", steps=3, **{"optimizer.clip": limit}))
    assert norms == pytest.approx([limit] * 3, rel=1e-4)
    assert losses(tmp_path / "clipped")[0]["gradNorm"] == before[0], "the norm that is told is the one before clipping"


def test_checkpoints_come_by_the_clock_too(bases, token_path, tmp_path, monkeypatch):
    from types import SimpleNamespace

    from trainer import train

    ticks = iter(range(10**6))
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    changed = {"steps": 6, "checkpoint.everySteps": 1000, "checkpoint.everySeconds": 7}
    events = train_here(train_config(bases["chat"], token_path, tmp_path, **changed))
    saved = [event["step"] for event in of_type(events, "checkpoint")]
    assert 1 < len(saved) < 6 and saved[-1] == 6


def test_dropout_is_drawn_anew_each_step_and_repeats_with_the_seed(bases, token_path, tmp_path):
    changed = {"lora.dropout": 0.3, "steps": 3}
    for name in ("a", "b"):
        train_here(train_config(bases["chat"], token_path, tmp_path / name, **changed))
    train_here(train_config(bases["chat"], token_path, tmp_path / "none", steps=3))
    curves = [[line["loss"] for line in losses(tmp_path / name)] for name in ("a", "b", "none")]
    assert curves[0] == curves[1] and curves[0][1:] != curves[2][1:]


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
