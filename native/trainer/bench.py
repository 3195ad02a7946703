"""python -m trainer bench config.json: how fast this machine trains a model, by shape of the step.

The real training loop, with data, schedule and logging, on random tokens; the one checkpoint, after the last step, is
not in the figures. Each shape loads the model anew, as a training does.
"""

import gc
import io
import json
import shutil
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from .data import tokenizer_identity, write_tokens
from .events import Events

WARM_UP = 2
SUPERVISED = 0.7


def run(config: dict[str, Any], events: Events) -> None:
    """`result`: a row for each shape: median seconds a step, tokens and examples a second, MFU, peak memory, plan."""
    rows = []
    for shape in config["shapes"]:
        rows.append(measure(config, shape))
        row = rows[-1]
        used = "" if row["mfu"] is None else f", MFU {row['mfu']:.0%}"
        events.say(
            f"{row['examples']} x {row['tokens']}: {row['tokensPerSecond']:.0f} tok/s, {row['examplesPerSecond']:.1f} "
            f"examples/s, {row['memoryBytes'] / 2**30:.1f} GiB{used}; {row['microTokens']} tokens a pass, recomputed: "
            f"{row['checkpointing']}, engine {row['engine']}"
        )
        events.emit("progress", what="bench", done=len(rows), total=len(config["shapes"]))
    events.emit("result", files=[], metrics={"rows": rows})


def measure(config: dict[str, Any], shape: dict[str, int]) -> dict[str, Any]:
    """One shape: a training of config.steps steps whose first WARM_UP do not count."""
    import torch

    from .config import check_config
    from .train import Training

    out = Path(config["out"])
    tokens = out / f"bench-{shape['examples']}x{shape['tokens']}.safetensors"
    write_random(tokens, config["base"], shape["examples"] * 4, shape["tokens"])
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    stream = io.StringIO()
    training = Training(check_config(_train_config(config, shape, tokens), "train"), Events(stream, by_hand=False))
    training.begin()
    training.train()
    training.writer.wait()
    del training
    shutil.rmtree(out / "checkpoints")
    tokens.unlink()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    seen = [json.loads(line) for line in stream.getvalue().splitlines()]
    of_type = {type: [event for event in seen if event["type"] == type] for type in ("loaded", "plan", "step")}
    timed, plan = of_type["step"][WARM_UP:], of_type["plan"][-1]
    seconds = median(step["seconds"] for step in timed)
    mfu = [step["mfu"] for step in timed if step["mfu"] is not None]
    return {
        **shape,
        "engine": of_type["loaded"][0]["engine"],
        "secondsAStep": seconds,
        "tokensPerSecond": round(shape["examples"] * shape["tokens"] / seconds, 1),
        "examplesPerSecond": round(shape["examples"] / seconds, 2),
        "mfu": median(mfu) if mfu else None,
        "memoryBytes": timed[-1]["memoryBytes"],
        "loadSeconds": of_type["loaded"][0]["seconds"],
        "steps": len(timed),
        **{key: plan[key] for key in ("microTokens", "checkpointing", "residentLayers", "reason")},
    }


def write_random(path: Path, base: dict[str, Any], count: int, length: int) -> None:
    """`count` documents of `length` random tokens; the last SUPERVISED of each is supervised."""
    digest, vocabulary = tokenizer_identity(base["folder"])
    generator = np.random.default_rng(1)
    role = np.zeros((count, length), dtype=np.uint8)
    role[:, max(1, int(length * (1 - SUPERVISED))) :] = 2
    write_tokens(
        path,
        ids=generator.integers(0, vocabulary, count * length),
        offsets=np.arange(0, count * length + 1, length),
        role=role.ravel(),
        example=generator.integers(0, 256, (count, 32), dtype=np.uint8),
        metadata={
            "tokenizerSha256": digest,
            "templateSha256": "00" * 32,
            "vocabSize": vocabulary,
            "maxTokens": length,
            "endTokenId": 0,
        },
    )


def _train_config(config: dict[str, Any], shape: dict[str, int], tokens: Path) -> dict[str, Any]:
    never = 10**9
    return {
        **{key: config[key] for key in ("schema", "out", "device", "dtype", "base", "lora", "engine", "microTokens")},
        "command": "train",
        "tokens": {"train": str(tokens), "validation": None},
        "datasetDigest": "00" * 32,
        "seed": 1,
        "optimizer": {
            "lr": 1e-5,
            "schedule": "constant",
            "warmupSteps": 0,
            "weightDecay": 0.01,
            "clip": 1.0,
            "state": config["state"],
        },
        "steps": config["steps"],
        "epochs": 1,
        "batch": {"examples": shape["examples"], "tokens": None},
        "evalEvery": None,
        "checkpoint": {
            "folder": str(tokens.parent / "checkpoints"),
            "everySteps": never,
            "everySeconds": never,
            "keep": 1,
            "resume": None,
            "fence": 0,
        },
    }
