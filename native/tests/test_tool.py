"""The trainer as a tool of its own: bench, doctor, --help, and what a person reads."""

import io
import json
import subprocess
import sys

import pytest
from conftest import FAMILIES
from training import NATIVE, train_config

from trainer import bench, doctor
from trainer.config import check_config
from trainer.events import Events


def result_of(command, config, tmp_path):
    stream = io.StringIO()
    checked = check_config(
        {"schema": 1, "out": str(tmp_path), "device": "cpu", "dtype": "fp32", **config}, config["command"]
    )
    command.run(checked, Events(stream, by_hand=False))
    return json.loads(stream.getvalue().splitlines()[-1])["metrics"]


@pytest.mark.parametrize("family", FAMILIES)
def test_bench_trains_each_shape_and_reports_speed_memory_and_plan(bases, tmp_path, family):
    shapes = [{"examples": 2, "tokens": 24}, {"examples": 4, "tokens": 48}]
    lora = {"r": 2, "alpha": 4, "dropout": 0, "rslora": False, "targets": "both"}
    metrics = result_of(
        bench, {"command": "bench", "base": bases[family], "shapes": shapes, "steps": 4, "lora": lora}, tmp_path
    )
    assert [(row["examples"], row["tokens"]) for row in metrics["rows"]] == [(2, 24), (4, 48)]
    for row in metrics["rows"]:
        assert row["tokensPerSecond"] == pytest.approx(row["examples"] * row["tokens"] / row["secondsAStep"], rel=1e-3)
        assert row["examplesPerSecond"] == pytest.approx(row["examples"] / row["secondsAStep"], rel=1e-2)
        assert row["memoryBytes"] > 2**20 and row["mfu"] is None and row["checkpointing"] == "none"
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_doctor_says_which_engine_and_plan_it_would_train_with_and_why(bases, tmp_path):
    lora = {"r": 2, "alpha": 4, "dropout": 0, "rslora": False, "targets": "both"}
    metrics = result_of(doctor, {"command": "doctor", "base": bases["gpt-oss"], "lora": lora}, tmp_path)
    training = metrics["training"]
    assert training["engine"] == "transformers" and "need a GPU" in training["why"]
    assert training["microTokens"] == 512 and "GiB free" in training["reason"]
    assert 0 < training["trainable"] < training["parameters"]
    assert result_of(doctor, {"command": "doctor"}, tmp_path)["training"] is None


def test_help_names_every_command_and_by_hand_a_step_is_one_readable_line(bases, token_path, tmp_path):
    text = subprocess.run(
        [sys.executable, "-m", "trainer", "--help"], cwd=NATIVE, capture_output=True, text=True
    ).stdout
    for command in ("train", "self-test", "bench", "doctor", "evaluate"):
        assert f"\n  {command} " in text
    config = tmp_path / "config.json"
    config.write_text(json.dumps(train_config(bases["chat"], token_path, tmp_path / "out", steps=2)))
    done = subprocess.run(
        [sys.executable, "-m", "trainer", "train", str(config)], cwd=NATIVE, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    steps = [line for line in lines if line.startswith("step ")]
    assert len(steps) == 2 and all(word in steps[1] for word in ("2/2", "loss", "lr", "norm", "tok/s", "GiB", "s left"))
    assert any("of the base model's" in line and "trains" in line for line in lines)
    assert any(line.startswith("plan: 64 tokens a pass") and "s to go" in line for line in lines)
