"""Checkpoints: whole or absent, and a resumed training that equals an undisturbed one bit for bit."""

import json
import os
import random
import shutil
import signal
import subprocess

import pytest
import torch
from conftest import FAMILIES
from training import losses, of_type, start_child, train_config, train_here

from trainer import stopping
from trainer.checkpoint import newest_whole, numbered, read_checkpoint, verify, write_checkpoint
from trainer.errors import Stopped, TrainerError


def same_result(one, other) -> bool:
    return all(
        (one / name).read_bytes() == (other / name).read_bytes()
        for name in ("adapter_model.safetensors", "adapter_config.json", "metrics.jsonl")
    )


def until_step(events, step: int) -> None:
    """Read events until that step is done."""
    for line in events:
        event = json.loads(line)
        if event["type"] == "step" and event["step"] == step:
            return
    raise AssertionError(f"the child ended before step {step}")


@pytest.fixture(scope="module")
def undisturbed(bases, token_path, tmp_path_factory):
    """A run of 40 steps of each family that nobody disturbs."""
    outs = {family: tmp_path_factory.mktemp("undisturbed") for family in FAMILIES}
    for family, out in outs.items():
        train_here(train_config(bases[family], token_path, out, steps=40))
    return outs


@pytest.mark.parametrize("family", FAMILIES)
def test_killed_at_a_random_step_and_resumed_it_equals_an_undisturbed_run_in_all_bits(
    bases, token_path, tmp_path, undisturbed, family
):
    step = random.randrange(5, 33)
    config = train_config(bases[family], token_path, tmp_path / "killed", steps=40)
    child, events = start_child(config)
    until_step(events, step)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    checkpoint = newest_whole(tmp_path / "killed" / "checkpoints", passed_over=pytest.fail)
    saved = int(checkpoint.name.split("-")[0])
    # The newest may have been in flight, and one more is not begun before it is whole.
    in_flight = step - step % 4
    assert saved >= in_flight - 4, f"killed at {step}: a checkpoint that was followed by another was not whole"

    resumed = {**config, "out": str(tmp_path / "resumed")}
    resumed["checkpoint"] = {**config["checkpoint"], "resume": str(checkpoint), "fence": 2}
    again = train_here(resumed)
    assert of_type(again, "plan")[0]["resumedFrom"] == saved
    assert of_type(again, "step")[0]["step"] == saved + 1
    assert same_result(tmp_path / "resumed", undisturbed[family]), f"killed at step {step}"


def test_after_sigterm_it_writes_a_checkpoint_leaves_with_12_and_goes_on_as_if_never_stopped(
    bases, token_path, tmp_path, undisturbed
):
    config = train_config(bases["chat"], token_path, tmp_path / "out", steps=40, **{"checkpoint.everySteps": 1000})
    child, events = start_child(config)
    until_step(events, 3)
    child.terminate()
    rest = [json.loads(line) for line in events]
    assert child.wait() == 12
    assert rest[-1]["type"] == "closed" and rest[-1]["exit"] == 12
    last = of_type(rest, "checkpoint")[-1]["step"]
    assert 3 <= last < 40
    config["checkpoint"]["resume"] = str(tmp_path / "out" / "checkpoints" / f"{last}-1")
    train_here(config)
    assert same_result(tmp_path / "out", undisturbed["chat"])


def test_when_its_parent_is_gone_the_trainer_stops_without_writing(bases, token_path, tmp_path):
    config = train_config(bases["chat"], token_path, tmp_path, steps=2000, **{"checkpoint.everySteps": 1000})
    child, events = start_child(config, stdin=subprocess.PIPE)
    until_step(events, 2)
    child.stdin.close()
    assert child.wait() == 11
    assert numbered(tmp_path / "checkpoints") == []
    assert not (tmp_path / "adapter_model.safetensors").exists()


@pytest.fixture
def trained(bases, token_path, tmp_path):
    """(config, checkpoint folder) of a short run with checkpoints at steps 4, 8 and 12."""
    config = train_config(bases["chat"], token_path, tmp_path / "out", **{"checkpoint.keep": 9})
    train_here(config)
    return config, tmp_path / "out" / "checkpoints"


def test_checkpoints_are_ordered_as_numbers_and_only_the_newest_are_kept(bases, token_path, tmp_path):
    train_here(train_config(bases["chat"], token_path, tmp_path, **{"checkpoint.everySteps": 1, "checkpoint.keep": 3}))
    assert [path.name for path in numbered(tmp_path / "checkpoints")] == ["12-1", "11-1", "10-1"]
    (tmp_path / "checkpoints" / "9-30").mkdir()
    (tmp_path / "checkpoints" / "12-10").mkdir()
    (tmp_path / "checkpoints" / ".partial-99-1").mkdir()
    assert [path.name for path in numbered(tmp_path / "checkpoints")] == ["12-10", "12-1", "11-1", "10-1", "9-30"]


def test_a_crash_at_any_moment_of_writing_leaves_the_older_checkpoint_and_then_the_new_one(trained, monkeypatch):
    """Every call by which bytes or names become durable, in turn, is the last that the process makes."""
    _, folder = trained
    shutil.rmtree(folder / "12-1")
    checkpoint = read_checkpoint(folder / "8-1")
    checkpoint.state["step"] = 9
    calls, crash_at = [], None

    def watched(name, real):
        def call(first, *rest):
            calls.append((name, str(first)))
            if len(calls) == crash_at:
                raise KeyboardInterrupt
            return real(first, *rest)

        return call

    for name in ("fsync", "replace", "rename"):
        monkeypatch.setattr(os, name, watched(name, getattr(os, name)))
    write_checkpoint(folder, 2, checkpoint)
    whole = [name for name, _ in calls]
    assert newest_whole(folder, pytest.fail).name == "9-2"
    # Files, the manifest and their folder are on the disk before the one rename; then the name.
    assert whole.count("rename") == 1 and whole[-2:] == ["rename", "fsync"] and whole.count("fsync") == 6
    shutil.rmtree(folder / "9-2")
    for crash_at in range(1, len(whole) + 1):
        calls.clear()
        with pytest.raises(KeyboardInterrupt):
            write_checkpoint(folder, 2, checkpoint)
        expected = "9-2" if crash_at == len(whole) else "8-1"
        assert newest_whole(folder, pytest.fail).name == expected, whole[crash_at - 1]


@pytest.mark.parametrize("file", ["adapter.safetensors", "optimizer.safetensors", "metrics.jsonl", "checkpoint.json"])
def test_a_damaged_checkpoint_is_refused_by_name_and_passed_over(trained, file):
    _, folder = trained
    damaged = folder / "12-1" / file
    raw = bytearray(damaged.read_bytes())
    raw[len(raw) // 2] ^= 1
    damaged.write_bytes(bytes(raw) if file != "checkpoint.json" else bytes(raw[:-9]))
    with pytest.raises(TrainerError, match=f"checkpoint 12-1: {file}") as caught:
        verify(folder / "12-1")
    assert caught.value.code == "ArtifactCorrupt"
    passed = []
    assert newest_whole(folder, passed.append) == folder / "8-1"
    assert len(passed) == 1 and "12-1" in passed[0]


def test_a_folder_of_checkpoints_is_resumed_from_its_newest_whole_one_with_a_warning(trained, tmp_path):
    config, folder = trained
    (folder / "12-1" / "adapter.safetensors").unlink()
    resumed = {**config, "out": str(tmp_path / "again")}
    resumed["checkpoint"] = {**config["checkpoint"], "resume": str(folder), "fence": 2}
    events = train_here(resumed)
    assert of_type(events, "warning")[0]["code"] == "CheckpointPassedOver"
    assert of_type(events, "plan")[0]["resumedFrom"] == 8
    assert same_result(tmp_path / "again", tmp_path / "out")


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("seed", 2, "seed was 1, now 2"),
        ("lora.r", 8, "lora.r was 4, now 8"),
        ("datasetDigest", "ee" * 32, "datasetDigest"),
        ("optimizer.lr", 1e-3, "optimizer.lr"),
        ("dtype", "bf16", "dtype was 'fp32', now 'bf16'"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_naming_the_difference(
    bases, token_path, tmp_path, trained, field, value, named
):
    changed = {field: value, "checkpoint.resume": str(trained[1] / "8-1")}
    with pytest.raises(TrainerError, match=named) as caught:
        train_here(train_config(bases["chat"], token_path, tmp_path / "other", **changed))
    assert caught.value.exit == 2


def test_a_missing_checkpoint_is_refused_by_name(bases, token_path, tmp_path):
    config = train_config(bases["chat"], token_path, tmp_path, **{"checkpoint.resume": str(tmp_path / "7-1")})
    with pytest.raises(TrainerError, match="checkpoint 7-1"):
        train_here(config)


def test_resume_keeps_the_plan_of_the_checkpoint(bases, token_path, tmp_path):
    config = train_config(bases["chat"], token_path, tmp_path / "a", microTokens=256, simulatedLimitTokens=70)
    train_here(config)
    saved = tmp_path / "a" / "checkpoints" / "8-1"
    assert read_checkpoint(saved).state["plan"]["micro_tokens"] == 64
    again = {**config, "out": str(tmp_path / "b"), "simulatedLimitTokens": None}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(saved), "fence": 2}
    events = train_here(again)
    assert of_type(events, "plan")[0]["microTokens"] == 64
    assert same_result(tmp_path / "a", tmp_path / "b")


def test_resume_from_the_last_step_only_writes_the_result(trained, tmp_path):
    config, folder = trained
    again = {**config, "out": str(tmp_path / "again")}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(folder / "12-1"), "fence": 2}
    events = train_here(again)
    assert of_type(events, "step") == [] and of_type(events, "result")
    assert same_result(tmp_path / "again", tmp_path / "out")
    assert len(losses(tmp_path / "again")) == 12


def test_a_checkpoint_of_a_later_schema_is_refused_by_number(trained):
    _, folder = trained
    path = folder / "8-1" / "checkpoint.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 2}))
    with pytest.raises(TrainerError, match="schema 2, this trainer reads 1"):
        verify(folder / "8-1")
    shutil.rmtree(folder / "12-1")
    assert newest_whole(folder, lambda _: None) == folder / "4-1"


@pytest.mark.parametrize(("family", "dropout"), [("chat", 0.2), ("gpt-oss", 0.0)])
def test_resume_is_equal_in_all_bits_in_bf16_and_with_dropout_too(bases, token_path, tmp_path, family, dropout):
    config = train_config(bases[family], token_path, tmp_path / "a", steps=8, dtype="bf16", **{"lora.dropout": dropout})
    train_here(config)
    again = {**config, "out": str(tmp_path / "b")}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(tmp_path / "a" / "checkpoints" / "4-1"), "fence": 2}
    train_here(again)
    assert same_result(tmp_path / "a", tmp_path / "b")


def test_stopped_before_its_first_step_it_leaves_no_checkpoint(bases, token_path, tmp_path, monkeypatch):
    monkeypatch.setattr(stopping, "_requested", True)
    with pytest.raises(Stopped, match="after step 0"):
        train_here(train_config(bases["chat"], token_path, tmp_path))
    assert numbered(tmp_path / "checkpoints") == []


def test_dtype_auto_goes_on_in_the_dtype_that_the_training_began_with(bases, token_path, tmp_path, monkeypatch):
    config = train_config(bases["chat"], token_path, tmp_path / "a", steps=8, dtype="auto")
    answer = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    began = of_type(train_here(config), "loaded")[0]["dtype"]
    assert began == ("bf16" if answer else "fp32")
    for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, probe, lambda: not answer)
    again = {**config, "out": str(tmp_path / "b")}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(tmp_path / "a" / "checkpoints" / "4-1"), "fence": 2}
    assert of_type(train_here(again), "loaded")[0]["dtype"] == began
    assert same_result(tmp_path / "a", tmp_path / "b")
