"""Do both engines learn alike, from tokens that `format` made? Loss curves side by side, and 64 examples by heart.

usage: python -m bench.learning FOLDER --train TOKENS [--validation TOKENS] (--base FOLDER | --layers N --tokenizer F)
           [--lr 1e-2] [--r 8] [--steps 60] [--heart-steps 200] (0: none) [--engines transformers,gptoss]
           [--device cpu --dtype fp32]

--base: a GPT-OSS base folder; --layers: gpt-oss-20b's shapes with random weights and so many layers
(bench.random_gpt_oss), --tokenizer: the tokenizer.json that the tokens name. Prints Markdown: the curves, their
distance, what was learnt by heart. Each engine trains in a process of its own, `python -m trainer train`, with the
same config.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainer.data import METADATA_KEYS, read_tokens, write_tokens

HEART = 64


def shortest(source: Path, target: Path, count: int) -> None:
    """The shortest examples of a token file as one."""
    tokens = read_tokens(source)
    members = sorted(np.argsort(tokens.lengths, kind="stable")[:count].tolist())
    ids, roles = zip(*map(tokens.row, members), strict=True)
    write_tokens(
        target,
        ids=np.concatenate(ids),
        offsets=np.cumsum([0, *map(len, ids)]),
        role=np.concatenate(roles),
        example=tokens.example[members],
        metadata={key: tokens.metadata[key] for key in METADATA_KEYS},
    )


def config_of(arguments: argparse.Namespace, base: dict[str, Any], engine: str, out: Path) -> dict[str, Any]:
    return {
        "schema": 1, "command": "train", "out": str(out), "device": arguments.device, "dtype": arguments.dtype,
        "base": base, "tokens": {"train": str(arguments.train), "validation": arguments.validation},
        "datasetDigest": "00" * 32, "seed": 3407, "engine": engine,
        "lora": {"r": arguments.r, "alpha": 2 * arguments.r, "dropout": 0.0, "rslora": False, "targets": "both"},
        "optimizer": {
            "lr": arguments.lr, "schedule": "linear", "warmupSteps": 5, "weightDecay": 0.01, "clip": 1.0,
        },
        "steps": arguments.steps, "epochs": 1, "batch": {"examples": 8, "tokens": None}, "microTokens": 2048,
        "evalEvery": max(1, arguments.steps // 4) if arguments.validation else None,
        "checkpoint": {
            "folder": str(out / "checkpoints"), "everySteps": 10**9, "everySeconds": 10**9, "keep": 1, "resume": None,
            "fence": 1,
        },
    }  # fmt: skip


def train(config: dict[str, Any]) -> tuple[dict[int, float], dict[int, float], dict[str, Any]]:
    """(loss by step, validation loss by step, the result's metrics) of one training."""
    out = Path(config["out"])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "trainer", "train", str(out / "config.json")]
    subprocess.run([*command, "--events", f"file:{out / 'events.jsonl'}"], check=True)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    result = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()][-2]
    shutil.rmtree(out / "checkpoints")
    return (
        {line["step"]: line["loss"] for line in lines if "loss" in line},
        {line["step"]: line["validationNll"] for line in lines if "validationNll" in line},
        result["metrics"],
    )


def table(curves: dict[str, dict[int, float]], steps: list[int]) -> str:
    """Losses of each engine at `steps`, as a Markdown table, one column a step."""
    head = ["| loss at step | " + " | ".join(map(str, steps)) + " |", "| --- |" + " --- |" * len(steps)]
    rows = [
        f"| {name} | " + " | ".join(f"{curve[step]:.4f}" for step in steps) + " |" for name, curve in curves.items()
    ]
    return "\n".join(head + rows)


def distance(one: dict[int, float], other: dict[int, float]) -> str:
    """Mean and largest relative distance of two curves."""
    apart = np.array([abs(one[step] - other[step]) / other[step] for step in one])
    return f"mean {apart.mean():.1e}, largest {apart.max():.1e} (step {list(one)[int(apart.argmax())]})"


def compare(arguments: argparse.Namespace, base: dict[str, Any]) -> None:
    """The curves of every engine, and how far they are apart."""
    losses, validation = {}, {}
    for engine in arguments.engines.split(","):
        losses[engine], validation[engine], metrics = train(
            config_of(arguments, base, engine, arguments.folder / engine)
        )
        print(engine, metrics["engine"], metrics["dtype"], metrics["plan"], f"{metrics['seconds']} s", flush=True)
    steps = sorted({1, *range(arguments.steps // 6, arguments.steps + 1, arguments.steps // 6)})
    print(table(losses, steps))
    (arguments.folder / "curves.json").write_text(json.dumps({"loss": losses, "validation": validation}))
    one, *others = losses
    for other in others:
        print(f"{other} beside {one}: {distance(losses[other], losses[one])}")
        if arguments.validation:
            print(f"validation, {list(validation[one])}:", *(list(validation[name].values()) for name in (one, other)))


def learn_by_heart(arguments: argparse.Namespace, base: dict[str, Any]) -> None:
    """The shortest examples, again and again, with every engine."""
    heart = arguments.folder / "heart.safetensors"
    shortest(arguments.train, heart, HEART)
    arguments.train, arguments.validation, arguments.steps = heart, None, arguments.heart_steps
    for engine in reversed(arguments.engines.split(",")):
        curve, *_ = train(config_of(arguments, base, engine, arguments.folder / f"heart-{engine}"))
        below = next((step for step, loss in curve.items() if loss < 0.1), None)
        start, end = curve[1], curve[max(curve)]
        print(f"{engine}: {HEART} examples, loss {start:.3f} to {end:.5f}, below 0.1 from step {below}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--validation")
    parser.add_argument("--base", type=Path)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--r", type=int, default=8)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--heart-steps", type=int, default=200)
    parser.add_argument("--engines", default="transformers,gptoss")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    folder = arguments.base
    if folder is None:
        from .random_gpt_oss import write_random

        folder = arguments.folder / f"random-{arguments.layers}"
        write_random(folder, arguments.layers)
        torch.cuda.empty_cache()
        shutil.copyfile(arguments.tokenizer, folder / "tokenizer.json")
    base = {"folder": str(folder), "family": "gpt-oss", "id": "base", "revision": None, "weightsDigest": "00" * 32}
    if arguments.steps:
        compare(arguments, base)
    if arguments.heart_steps:
        learn_by_heart(arguments, base)


if __name__ == "__main__":
    main()
