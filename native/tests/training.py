"""Runs trainings in tests: in this process, or in a child as the product does."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

from trainer.config import check_config
from trainer.events import Events
from trainer.train import run

NATIVE = Path(__file__).resolve().parents[1]


def train_config(base: dict, tokens: Path, out: Path, **changed) -> dict:
    """A complete train config; `changed` replaces fields, nested ones as "checkpoint.keep"."""
    config = {
        "schema": 1,
        "command": "train",
        "out": str(out),
        "device": "cpu",
        "dtype": "fp32",
        "base": base,
        "tokens": {"train": str(tokens), "validation": None},
        "datasetDigest": "0d" * 32,
        "seed": 1,
        "lora": {"r": 4, "alpha": 8, "dropout": 0.0, "rslora": False, "targets": "both"},
        "optimizer": {"lr": 5e-3, "schedule": "linear", "warmupSteps": 2, "weightDecay": 0.01, "clip": 1.0},
        "steps": 12,
        "epochs": 1,
        "batch": {"examples": 4, "tokens": None},
        "microTokens": 64,
        "evalEvery": None,
        "checkpoint": {
            "folder": str(out / "checkpoints"),
            "everySteps": 4,
            "everySeconds": 3600,
            "keep": 2,
            "resume": None,
            "fence": 1,
        },
    }
    for field, value in changed.items():
        *path, last = field.split(".")
        place = config
        for part in path:
            place = place[part]
        place[last] = value
    return config


def train_here(config: dict) -> list[dict]:
    """Train in this process; returns the events."""
    Path(config["out"]).mkdir(parents=True, exist_ok=True)
    stream = io.StringIO()
    run(check_config(config, "train"), Events(stream, by_hand=False))
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def start_child(config: dict, **options) -> tuple[subprocess.Popen, io.TextIOWrapper]:
    """`python -m trainer train` with events on a descriptor; returns the process and its events."""
    out = Path(config["out"])
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(config))
    read_end, write_end = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-m", "trainer", "train", str(out / "config.json"), "--events", f"fd:{write_end}"],
        cwd=NATIVE,
        pass_fds=[write_end],
        stdin=options.get("stdin", subprocess.DEVNULL),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.close(write_end)
    return child, os.fdopen(read_end, encoding="utf-8")


def losses(out: Path) -> list[dict]:
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def of_type(events: list[dict], type: str) -> list[dict]:
    """The events of one type."""
    return [event for event in events if event["type"] == type]
