"""Checkpoints are written beside the training: in order, whole, and a failure ends it."""

import threading

import pytest
from training import of_type, train_config, train_here

from trainer import checkpoint_writer


def test_steps_go_on_while_a_checkpoint_is_written_and_the_next_one_waits(bases, token_path, tmp_path, monkeypatch):
    inside, most, order, gate = 0, 0, [], threading.Event()
    real = checkpoint_writer.write_checkpoint

    def slow(folder, fence, checkpoint):
        nonlocal inside, most
        inside, most = inside + 1, max(most, inside + 1)
        if checkpoint.state["step"] == 2:
            # Only a step that is made meanwhile opens the gate.
            assert gate.wait(60)
        order.append(checkpoint.state["step"])
        result = real(folder, fence, checkpoint)
        inside -= 1
        return result

    monkeypatch.setattr(checkpoint_writer, "write_checkpoint", slow)
    from trainer.train import Training

    step = Training._step

    def seen(self):
        step(self)
        if self.progress.step == 3:
            gate.set()

    monkeypatch.setattr(Training, "_step", seen)
    config = train_config(bases["gpt-oss"], token_path, tmp_path, steps=6, **{"checkpoint.everySteps": 2})
    events = train_here(config)
    assert order == [2, 4, 6] and most == 1
    assert [event["step"] for event in of_type(events, "checkpoint")] == [2, 4, 6]
    assert events[-1]["type"] == "result"


def test_a_checkpoint_that_cannot_be_written_ends_the_training(bases, token_path, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_writer, "write_checkpoint", full)
    config = train_config(bases["gpt-oss"], token_path, tmp_path, steps=6, **{"checkpoint.everySteps": 2})
    with pytest.raises(OSError, match="No space left"):
        train_here(config)
    assert not (tmp_path / "adapter_model.safetensors").exists()
