"""Speed of `python -m trainer train` on one GPU: the whole loop with data, schedule, logging and checkpoints.

usage: python -m bench.throughput FOLDER ROW... [--steps N] [--out results.jsonl]

FOLDER holds the random model (made when absent) and the runs. A ROW is
    documents x tokens a document @ micro-batch tokens [/ option=value]...
options: micro=N micro-batches a step, cap=GiB (memory that the process may take), engine=NAME,
state=fp32|bf16|8bit (AdamW's), dropout=P, every=N steps between checkpoints, steps=N, warm=N.
One line of JSON a row: median step, tokens a second by steps, and by the clock from the end of warm-up to the last
step with the checkpoints in it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from trainer.data import write_tokens

from .random_gpt_oss import CONFIG, CONFIG_120B, write_random

WARM = 5
SUPERVISED = 0.7


def write_documents(path: Path, base: dict[str, Any], count: int, length: int) -> None:
    """Random documents of one length; the last 70 % of each is supervised."""
    import hashlib

    generator = np.random.default_rng(1)
    ids = generator.integers(0, 199_998, count * length)
    role = np.zeros((count, length), dtype=np.uint8)
    role[:, int(length * (1 - SUPERVISED)) :] = 2
    tokenizer = (Path(base["folder"]) / "tokenizer.json").read_bytes()
    write_tokens(
        path,
        ids=ids,
        offsets=np.arange(0, count * length + 1, length),
        role=role.ravel(),
        example=generator.integers(0, 256, (count, 32), dtype=np.uint8),
        metadata={
            "tokenizerSha256": hashlib.sha256(tokenizer).hexdigest(),
            "templateSha256": "00" * 32,
            "vocabSize": 201_088,
            "maxTokens": length,
            "endTokenId": 200_002,
        },
    )


def run_row(base: dict[str, Any], folder: Path, row: str, steps: int) -> dict[str, Any]:
    """Train one row in a process of its own; returns what was measured."""
    shape, *options = row.split("/")
    documents, rest = shape.split("x")
    length, micro_tokens = map(int, rest.split("@"))
    settings = dict(option.split("=") for option in options)
    count = int(documents) * int(settings.get("micro", 1))
    steps, warm = int(settings.get("steps", steps)), int(settings.get("warm", WARM))
    folder.mkdir(parents=True, exist_ok=True)
    write_documents(folder / "train.tokens", base, count * 4, length)
    config = {
        "schema": 1,
        "command": "train",
        "out": str(folder / "out"),
        "device": "cuda",
        "dtype": "bf16",
        "base": base,
        "tokens": {"train": str(folder / "train.tokens"), "validation": None},
        "datasetDigest": "00" * 32,
        "seed": 1,
        "lora": {
            "r": 8,
            "alpha": 16,
            "dropout": float(settings.get("dropout", 0)),
            "rslora": False,
            "targets": "both",
        },
        "optimizer": {
            "lr": 2e-4,
            "schedule": "linear",
            "warmupSteps": 5,
            "weightDecay": 0.01,
            "clip": 1.0,
            "state": settings.get("state", "fp32"),
        },
        "steps": steps,
        "epochs": 1,
        "batch": {"examples": count, "tokens": None},
        "engine": settings.get("engine", "auto"),
        "microTokens": micro_tokens,
        "evalEvery": None,
        "checkpoint": {
            "folder": str(folder / "checkpoints"),
            "everySteps": int(settings.get("every", 1000)),
            "everySeconds": 3600,
            "keep": 1,
            "resume": None,
            "fence": 1,
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    environment = {**os.environ, "RETUNE_BENCH_CAP_GIB": settings.get("cap", "")}
    started = time.time()
    command = [sys.executable, "-m", "bench.capped_trainer", "train", str(folder / "config.json")]
    done = subprocess.run(
        [*command, "--events", f"file:{folder / 'events.jsonl'}"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    return {"row": row, "exit": done.returncode, **summary(events, started, warm, count, done.stdout)}


def summary(events: list[dict[str, Any]], started: float, warm: int, count: int, output: str) -> dict[str, Any]:
    """The figures of one run's events."""
    by_type: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_type.setdefault(event["type"], []).append(event)
    steps = by_type.get("step", [])
    result: dict[str, Any] = {"plan": [p["reason"] for p in by_type.get("plan", [])]}
    if "failed" in by_type or len(steps) <= warm + 1:
        return {**result, "failed": by_type.get("failed", [{}])[0].get("message"), "output": output[-2000:]}
    loaded, timed = by_type["loaded"][0], steps[warm:]
    seconds = median(step["seconds"] for step in timed)
    clock = timed[-1]["t"] - steps[warm - 1]["t"]
    return {
        **result,
        "engine": loaded.get("engine"),
        "residentLayers": by_type["plan"][-1].get("residentLayers"),
        "checkpointing": by_type["plan"][-1]["checkpointing"],
        "microTokens": by_type["plan"][-1]["microTokens"],
        "tokensAStep": timed[0]["tokens"],
        "medianStepSeconds": round(seconds, 4),
        "tokensPerSecond": round(timed[0]["tokens"] / seconds),
        "byClock": round(sum(step["tokens"] for step in timed) / clock),
        "fastestSlowest": [min(s["seconds"] for s in timed), max(s["seconds"] for s in timed)],
        "checkpoints": [c["seconds"] for c in by_type.get("checkpoint", [])],
        "loadSeconds": loaded["seconds"],
        "selfTestSeconds": by_type.get("selfTest", [{}])[0].get("seconds"),
        "examplesPerSecond": round(count / seconds, 1),
        "mfu": steps[-1].get("mfu"),
        "startToFirstStep": round(steps[0]["t"] - started, 1),
        "peakGiB": round(max(s["memoryBytes"] for s in steps) / 2**30, 2),
        "loss": [round(steps[0]["loss"], 4), round(steps[-1]["loss"], 4)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", nargs="+")
    parser.add_argument("--steps", type=int, default=WARM + 20)
    parser.add_argument("--layers", type=int, default=None)
    parser.add_argument("--model", choices=("20b", "120b"), default="20b")
    parser.add_argument("--spill", type=Path, nargs="*", default=(), help="folders of other disks for the weights too")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    shapes = {"20b": CONFIG, "120b": CONFIG_120B}[arguments.model]
    layers = arguments.layers or shapes["num_hidden_layers"]
    model = arguments.folder / f"random-{arguments.model}-{layers}"
    if not (model / "done").exists():
        started = time.time()
        write_random(model, layers, shapes=shapes, spill=arguments.spill)
        # What this process keeps, the training lacks.
        torch.cuda.empty_cache()
        (model / "done").touch()
        print(json.dumps({"wrote": f"{layers} layers", "seconds": round(time.time() - started, 1)}), flush=True)
    base = {"folder": str(model), "family": "gpt-oss", "id": "base", "revision": None, "weightsDigest": "00" * 32}
    for index, row in enumerate(arguments.rows):
        line = json.dumps(run_row(base, arguments.folder / f"{os.getpid()}-{index}", row, arguments.steps))
        print(line, flush=True)
        if arguments.out is not None:
            with open(arguments.out, "a", encoding="utf-8") as file:
                file.write(line + "\n")


if __name__ == "__main__":
    main()
