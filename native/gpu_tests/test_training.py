"""Trainings on the GPU at real widths, two layers: resume, a card that another process fills, 64 examples by heart."""

import subprocess
import sys

import pytest
import torch
from training import losses, train_config, train_here

from trainer import train

LORA = {"r": 8, "alpha": 16, "dropout": 0.0, "rslora": False, "targets": "both"}


def test_resume_on_the_gpu_has_the_bits_of_an_undisturbed_training(two_layers, tmp_path):
    from bench.throughput import write_documents

    write_documents(tmp_path / "tokens", two_layers, count=16, length=128)
    changed = {"device": "cuda", "dtype": "bf16", "steps": 6, "lora": LORA, "microTokens": 512,
               "checkpoint.everySteps": 3, "optimizer.lr": 2e-4}  # fmt: skip
    config = train_config(two_layers, tmp_path / "tokens", tmp_path / "a", **changed)
    events = train_here(config)
    assert next(event for event in events if event["type"] == "loaded")["engine"] == "gptoss"
    again = {**config, "out": str(tmp_path / "b")}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(tmp_path / "a" / "checkpoints" / "3-1"), "fence": 2}
    train_here(again)
    assert losses(tmp_path / "a") == losses(tmp_path / "b")
    name = "adapter_model.safetensors"
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


HOLD = """
import sys, torch
free = torch.cuda.mem_get_info()[0]
held = torch.empty(free - int(sys.argv[1]), dtype=torch.uint8, device="cuda")
print("held", flush=True)
sys.stdin.read()
"""


def test_another_process_that_takes_memory_in_mid_run_costs_speed_and_no_step(two_layers, tmp_path, monkeypatch):
    """A real shortage: the driver refuses. First the layers kept in 16 bits go, which changes no bit."""
    from bench.throughput import write_documents

    write_documents(tmp_path / "tokens", two_layers, count=32, length=512)
    changed = {"device": "cuda", "dtype": "bf16", "steps": 6, "lora": LORA, "microTokens": 8192, "optimizer.lr": 2e-4,
               "batch.examples": 16, "checkpoint.everySteps": 1000}  # fmt: skip
    config = train_config(two_layers, tmp_path / "tokens", tmp_path / "a", **changed)
    train_here(config)
    step, others = train.Training._step, []

    def step_beside_others(training):
        if training.progress.step == 3:
            torch.cuda.empty_cache()
            other = subprocess.Popen([sys.executable, "-c", HOLD, str(2 * 2**30)], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)  # fmt: skip
            others.append(other)
            assert other.stdout.readline() == "held\n"
        return step(training)

    monkeypatch.setattr(train.Training, "_step", step_beside_others)
    try:
        events = train_here({**config, "out": str(tmp_path / "b")})
    finally:
        for other in others:
            other.communicate("")
    plans = [event for event in events if event["type"] == "plan"]
    print([(plan["reason"], plan["residentLayers"], plan["microTokens"]) for plan in plans])
    assert plans[0]["residentLayers"] == 2 and plans[1]["reason"] == "out of memory: no layer is kept in 16 bits"
    undisturbed, disturbed = losses(tmp_path / "a"), losses(tmp_path / "b")
    assert disturbed[:3] == undisturbed[:3] and len(disturbed) == 6
    for mine, wanted in zip(disturbed[3:], undisturbed[3:], strict=True):
        assert mine["loss"] == pytest.approx(wanted["loss"], rel=1e-3)


def test_64_examples_are_learnt_by_heart(two_layers, tmp_path):
    from bench.throughput import write_documents

    write_documents(tmp_path / "tokens", two_layers, count=64, length=64)
    changed = {"device": "cuda", "dtype": "bf16", "steps": 120, "lora": LORA, "microTokens": 4096, "optimizer.lr": 3e-3,
               "optimizer.schedule": "constant", "batch.examples": 64, "checkpoint.everySteps": 1000}  # fmt: skip
    train_here(train_config(two_layers, tmp_path / "tokens", tmp_path / "out", **changed))
    lines = losses(tmp_path / "out")
    print("loss", lines[0]["loss"], "to", lines[-1]["loss"])
    assert lines[0]["loss"] > 10 and lines[-1]["loss"] < 0.1
