"""The best adapter by validation loss, early stopping, the checkpoints that are kept, and all of it after a kill."""

import json
import signal

import pytest
from conftest import save_tokens
from safetensors.torch import load_file
from test_resume import same_result
from training import losses, of_type, start_child, train_config, train_here

from trainer.checkpoint import newest_whole, numbered, prune
from trainer.selection import Selection

OVERFITTING = {"optimizer.lr": 3e-2, "optimizer.schedule": "constant", "evalEvery": 2, "steps": 24}
"""Random tokens: what is learnt of the training file says nothing of the validation file."""


@pytest.fixture(scope="module")
def files(bases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("selection")
    train = save_tokens(folder / "train.safetensors", bases["chat"], seed=1, examples=8)
    return train, save_tokens(folder / "validation.safetensors", bases["chat"], seed=2, examples=6)


def config_of(bases, files, out, **changed):
    validation = {"tokens.validation": str(files[1])}
    return train_config(bases["chat"], files[0], out, **{**OVERFITTING, **validation, **changed})


def validation(out):
    return {line["step"]: line["validationNll"] for line in losses(out) if "validationNll" in line}


def test_the_best_adapter_is_delivered_and_the_last_one_when_that_is_asked_for(bases, files, tmp_path):
    metrics = {}
    for deliver in ("best", "last"):
        config = config_of(bases, files, tmp_path / deliver, deliver=deliver, **{"checkpoint.everySteps": 1})
        config["checkpoint"]["keep"] = 99
        metrics[deliver] = train_here(config)[-1]["metrics"]
    curve = validation(tmp_path / "best")
    best = min(curve, key=curve.get)
    assert best < 24, "this training must overfit for the test to say anything"
    assert metrics["best"]["deliveredStep"] == metrics["best"]["bestStep"] == best
    assert metrics["last"]["deliveredStep"] == 24 and metrics["last"]["bestStep"] == best
    for deliver, step in (("best", best), ("last", 24)):
        delivered = load_file(tmp_path / deliver / "adapter_model.safetensors")
        saved = load_file(tmp_path / deliver / "checkpoints" / f"{step}-1" / "adapter.safetensors")
        assert all((delivered[name] == saved[name]).all() for name in saved)


def test_training_ends_early_when_the_validation_loss_no_longer_falls(bases, files, tmp_path):
    stopping = {"earlyStopping": {"patience": 2, "minDelta": 0.0}, "deliver": "best"}
    events = train_here(config_of(bases, files, tmp_path, **stopping))
    metrics, curve = events[-1]["metrics"], validation(tmp_path)
    assert metrics["stoppedEarly"] and metrics["steps"] < metrics["plannedSteps"] == 24
    assert metrics["steps"] == metrics["bestStep"] + 4
    assert [event["best"] for event in of_type(events, "evaluated")][-2:] == [False, False]
    assert min(curve.values()) == curve[metrics["bestStep"]] == metrics["bestValidationNll"]
    assert numbered(tmp_path / "checkpoints")[0].name == f"{metrics['steps']}-1"


def test_killed_between_best_and_stop_it_stops_at_the_same_step_with_the_same_adapter(bases, files, tmp_path):
    stopping = {"earlyStopping": {"patience": 3, "minDelta": 0.0}, "deliver": "best", "optimizer.state": "8bit"}
    changed = {**stopping, "checkpoint.everySteps": 1, "lora.r": 16}
    metrics = train_here(config_of(bases, files, tmp_path / "calm", **changed))[-1]["metrics"]
    kill_at = metrics["bestStep"] + 3
    assert kill_at < metrics["steps"]
    config = config_of(bases, files, tmp_path / "killed", **changed)
    child, events = start_child(config)
    for line in events:
        event = json.loads(line)
        if event["type"] == "checkpoint" and event["step"] == kill_at:
            child.send_signal(signal.SIGKILL)
            break
    child.wait()
    checkpoint = newest_whole(tmp_path / "killed" / "checkpoints", passed_over=pytest.fail)
    assert metrics["bestStep"] < int(checkpoint.name.split("-")[0])
    again = {**config, "out": str(tmp_path / "again")}
    # Another machine has this one checkpoint only: the best adapter travels in it.
    again["checkpoint"] = {**config["checkpoint"], "folder": str(tmp_path / "other"), "resume": str(checkpoint)}
    resumed = train_here(again)[-1]["metrics"]
    assert resumed["stoppedEarly"] and resumed["steps"] == metrics["steps"]
    assert resumed["deliveredStep"] == metrics["bestStep"]
    assert same_result(tmp_path / "calm", tmp_path / "again")


def test_the_best_checkpoints_are_kept_beside_the_newest(bases, files, tmp_path):
    kept = {"checkpoint.keep": 1, "checkpoint.keepBest": 2, "checkpoint.everySteps": 100}
    train_here(config_of(bases, files, tmp_path, **kept))
    curve = validation(tmp_path)
    best = sorted(curve, key=curve.get)[:2]
    assert {int(path.name.split("-")[0]) for path in numbered(tmp_path / "checkpoints")} == {24, *best}


def test_checkpoints_without_a_validation_loss_are_kept_by_number_alone(tmp_path):
    for step, nll in ((1, 0.5), (2, None), (3, 0.2), (4, None), (5, None)):
        (tmp_path / f"{step}-1").mkdir()
        (tmp_path / f"{step}-1" / "checkpoint.json").write_text(json.dumps({"validationNll": nll}))
    prune(tmp_path, keep=1, keep_best=1, fence=1)
    assert [path.name for path in numbered(tmp_path)] == ["5-1", "3-1"]


def test_a_loss_must_fall_by_the_least_difference_to_count_as_better():
    selection = Selection()
    stopping = {"patience": 2, "minDelta": 0.1}
    assert [selection.note(step, nll, stopping) for step, nll in enumerate((2.0, 1.95, 1.85, 1.84, 1.83))] == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert selection.stopped and (selection.best_step, selection.best_nll) == (2, 1.85)


def test_the_last_step_is_evaluated_also_where_the_interval_does_not_meet_it(bases, files, tmp_path):
    train_here(config_of(bases, files, tmp_path, steps=5, evalEvery=3))
    assert sorted(validation(tmp_path)) == [3, 5]


def test_step_events_come_every_so_many_steps_and_count_all_tokens(bases, files, tmp_path):
    events = train_here(config_of(bases, files, tmp_path, steps=11, evalEvery=None, logEvery=4))
    steps = of_type(events, "step")
    assert [event["step"] for event in steps] == [1, 4, 8, 11]
    assert sum(event["tokens"] for event in steps) == events[-1]["metrics"]["tokens"]
    assert len(losses(tmp_path)) == 11
