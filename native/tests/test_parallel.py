"""Two processes that share each step: the losses of one, one voice, one end. On the CPU, with gloo."""

import functools
import json
import operator
import os
import signal
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file
from training import NATIVE, losses, of_type, start_child, train_config, train_here

from trainer.parallel import Ranks

ENGINES = [("chat", "transformers"), ("gpt-oss", "transformers"), ("gpt-oss", "gptoss")]


def finish(config):
    """(exit code, events) of a training in a child."""
    child, events = start_child(config)
    seen = [json.loads(line) for line in events]
    output = child.stdout.read()
    return child.wait(), seen, output


@pytest.mark.parametrize(("family", "engine"), ENGINES)
def test_two_processes_have_the_losses_and_the_adapter_of_one(bases, token_path, tmp_path, family, engine):
    changed = {"engine": engine, "steps": 6, "evalEvery": 3, "tokens.validation": str(token_path), "deliver": "best"}
    train_here(train_config(bases[family], token_path, tmp_path / "one", **changed))
    two = train_config(bases[family], token_path, tmp_path / "two", devices=2, **changed)
    code, events, output = finish(two)
    assert code == 0, output
    assert of_type(events, "plan")[0]["devices"] == 2 and events[-1]["type"] == "closed"
    assert [event["step"] for event in of_type(events, "step")] == [1, 2, 3, 4, 5, 6]
    one, both = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(one) == len(both) == 8
    for a, b in zip(one, both, strict=True):
        for field in ("loss", "gradNorm", "validationNll"):
            if field in a:
                assert b[field] == pytest.approx(a[field], rel=1e-5), (field, a)
        assert {**a, **b}["step"] == a["step"] and a.get("supervisedTokens") == b.get("supervisedTokens")
    mine, theirs = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("one", "two"))
    assert all((mine[name] - theirs[name]).abs().max() < 1e-3 for name in mine)


def test_two_processes_resume_in_all_bits_what_two_began(bases, token_path, tmp_path):
    config = train_config(bases["chat"], token_path, tmp_path / "a", devices=2, steps=8, **{"optimizer.state": "8bit"})
    assert finish(config)[0] == 0
    again = {**config, "out": str(tmp_path / "b")}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(tmp_path / "a" / "checkpoints" / "4-1"), "fence": 2}
    assert finish(again)[0] == 0
    for name in ("adapter_model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_out_of_memory_on_one_rank_makes_the_plan_of_all_smaller(bases, token_path, tmp_path):
    config = train_config(
        bases["chat"], token_path, tmp_path / "tight", devices=2, steps=3, microTokens=256, simulatedLimitTokens=70
    )
    code, events, output = finish(config)
    assert code == 0, output
    assert next(plan["microTokens"] for plan in of_type(events, "plan")) == 256
    assert of_type(events, "plan")[-1]["microTokens"] <= 128
    train_here(train_config(bases["chat"], token_path, tmp_path / "free", steps=3))
    for a, b in zip(losses(tmp_path / "free"), losses(tmp_path / "tight"), strict=True):
        assert b["loss"] == pytest.approx(a["loss"], rel=1e-5)


def other_rank_of(pid: int) -> int:
    """The child process of a trainer."""
    return int(
        subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()[0]
    )


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("victim", ["rank 0", "rank 1"])
def test_when_one_rank_is_killed_no_rank_lives_on(bases, token_path, tmp_path, victim):
    config = train_config(bases["chat"], token_path, tmp_path, devices=2, steps=3_000)
    child, events = start_child(config)
    for line in events:
        if json.loads(line)["type"] == "step":
            break
    other = other_rank_of(child.pid)
    os.kill(child.pid if victim == "rank 0" else other, signal.SIGKILL)
    code = child.wait(timeout=60)
    if victim == "rank 1":
        rest = [json.loads(line) for line in events]
        failed = of_type(rest, "failed")[0]
        assert code == 11 and failed["retry"] is True
    for _ in range(600):
        if not alive(other):
            break
        time.sleep(0.1)
    assert not alive(other)


def test_sigterm_to_the_first_rank_stops_all_after_a_checkpoint(bases, token_path, tmp_path):
    config = train_config(bases["chat"], token_path, tmp_path, devices=2, steps=3_000)
    child, events = start_child(config)
    for line in events:
        if json.loads(line)["type"] == "step":
            break
    child.terminate()
    rest = [json.loads(line) for line in events]
    assert child.wait() == 12
    assert of_type(rest, "checkpoint")


def test_torchrun_starts_the_same_training(bases, token_path, tmp_path):
    config = train_config(bases["chat"], token_path, tmp_path / "out", steps=3)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    done = subprocess.run([*command, "-m", "trainer", "train", str(path)], cwd=NATIVE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [event["step"] for event in of_type(events, "step")] == [1, 2, 3]
    assert of_type(events, "plan")[0]["devices"] == 2 and len(of_type(events, "result")) == 1


def test_micro_batches_go_to_the_rank_with_the_fewest_tokens_and_none_is_lost():
    lengths = {0: 50, 1: 10, 2: 20, 3: 25, 4: 5}
    groups = [[0], [1], [2], [3], [4]]
    shares = [Ranks(rank, 2).mine(groups, lengths.__getitem__) for rank in (0, 1)]
    assert sorted(functools.reduce(operator.iadd, shares[0] + shares[1], [])) == [0, 1, 2, 3, 4]
    loads = [sum(lengths[index] for group in share for index in group) for share in shares]
    assert loads == [55, 55]
