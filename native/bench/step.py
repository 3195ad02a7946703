"""Bare steps of engine gptoss, weights made in GPU memory: forward, backward, clipping, AdamW; no data, no trainer.

usage: python -m bench.step ROW... [--model 20b|120b] [--layers N] [--steps N]

A ROW is documents x tokens a document [/ option=value]...; options: mode=none|moe|full, resident=N layers kept in bf16
(default: what fits), r=N, dropout=P, graph=off, warm=N, state=fp32|bf16|8bit (AdamW's), trace=N (the N kernels that
took most GPU time, of one step).
One line of JSON a row: median seconds after 3 steps and milliseconds by part, tokens a second, GiB reserved at most,
and how often the allocator had to give memory back to go on.
"""

import argparse
import json
import time
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np
import torch

from trainer.data import MicroBatch
from trainer.engines.device import free_memory, set_threads_and_determinism
from trainer.engines.flops import cost_of, peak_flops
from trainer.engines.gptoss.engine import Engine
from trainer.engines.gptoss.shape import read_shape
from trainer.engines.gptoss.thrift import thrift_for
from trainer.optim import create_optimizer

from .random_gpt_oss import CONFIG, CONFIG_120B, random_weights

WARM = 3


def random_batch(documents: int, length: int, seed: int) -> MicroBatch:
    """Documents of one length; the last 70 % of each is supervised."""
    generator = np.random.default_rng(seed)
    role = np.zeros((documents, length), dtype=np.uint8)
    role[:, int(length * 0.3) :] = 2
    ids = generator.integers(0, 199_998, documents * length).astype(np.int32)
    return MicroBatch(ids, role.ravel(), [length] * documents)


def parsed(row: str) -> tuple[str, dict[str, str]]:
    """(shape, options)."""
    shape, *options = row.split("/")
    return shape, dict(option.split("=") for option in options)


def lora_of(row: str) -> dict[str, Any]:
    """Its LoRA."""
    _, settings = parsed(row)
    r, dropout = int(settings.get("r", 8)), float(settings.get("dropout", 0))
    return {"r": r, "alpha": 16, "dropout": dropout, "rslora": False, "targets": "both"}


def run_row(engine: Engine, config: dict[str, Any], row: str, steps: int) -> dict[str, Any]:
    """Measure one row."""
    shape, settings = parsed(row)
    documents, length = map(int, shape.split("x"))
    lora = lora_of(row)
    if engine.lora is None:
        engine.add_lora(lora, seed=1)
    engine.train(True)
    engine.set_checkpointing(settings.get("mode", "none"))
    if settings.get("graph") == "off":
        engine.graphs.why_not = "by hand"
    else:
        engine.graphs.why_not = ""
    seconds, loss, warm = [], 0.0, int(settings.get("warm", WARM))
    parameters = list(engine.trainable.values())
    state = {"state": settings.get("state", "fp32"), "weightDecay": 0.01}
    optimizer = create_optimizer(engine.trainable, state, seed=1)
    torch.cuda.reset_peak_memory_stats()
    parts: dict[str, list[float]] = {"forward": [], "backward": [], "clip": [], "update": []}

    def step(index: int) -> float:
        batch = random_batch(documents, length, index % 4)
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(len(parts) + 1)]
        marks[0].record()
        nll = engine.nll(batch)
        total = nll.detach().double().sum()
        marks[1].record()
        engine.backward(nll.sum() / len(nll))
        marks[2].record()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        marks[3].record()
        optimizer.step(2e-4)
        marks[4].record()
        for parameter in parameters:
            parameter.grad = None
        loss = float(total) / len(nll)
        torch.cuda.synchronize()
        for taken, begin, end in zip(parts.values(), marks, marks[1:], strict=False):
            taken.append(begin.elapsed_time(end))
        return loss

    if warm:
        step(0)
    if settings.get("mode", "none") == "none" and "resident" not in settings:
        engine.settle(documents * length, 0.7)
    for layer in range(engine.resident_layers, int(settings.get("resident", 0))):
        engine.built.bank.keep(layer)
    steps = int(settings.get("steps", steps))
    for index in range(warm + steps):
        torch.cuda.synchronize()
        started = time.perf_counter()
        loss = step(index)
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    typical, tokens = median(seconds[warm:]), documents * length
    flops = cost_of(config, lora).of([length] * documents, int(tokens * 0.7))
    result = {
        "row": row, "seconds": round(typical, 4), "fastest": round(min(seconds), 4),
        "slowest": round(max(seconds[warm:]), 4),
        "milliseconds": {part: round(median(taken[-steps:]), 1) for part, taken in parts.items()},
        "tokensPerSecond": round(tokens / typical), "examplesPerSecond": round(documents / typical, 1),
        "peakGiB": round(torch.cuda.max_memory_reserved() / 2**30, 2), "residentLayers": engine.resident_layers,
        "retries": torch.cuda.memory_stats()["num_alloc_retries"],
        "mfu": round(flops / typical / (peak_flops(torch.cuda.get_device_name()) or float("nan")), 3),
        "graph": engine.graph, "loss": round(loss, 4),
    }  # fmt: skip
    if "trace" in settings:
        result["trace"] = trace(lambda: step(0), int(settings["trace"]))
    return result


def trace(work: Any, most: int) -> list[list[Any]]:
    """[kernel, milliseconds, launches] of one call, by time."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        work()
        torch.cuda.synchronize()
    events = sorted(profile.key_averages(), key=lambda event: -event.self_device_time_total)
    total = sum(event.self_device_time_total for event in events)
    return [["all", round(total / 1000, 2), sum(event.count for event in events)]] + [
        [event.key[:90], round(event.self_device_time_total / 1000, 2), event.count] for event in events[:most]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+")
    parser.add_argument("--model", choices=("20b", "120b"), default="20b")
    parser.add_argument("--layers", type=int, default=None)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--cap", type=float, default=None, help="GiB that torch's allocator may take")
    arguments = parser.parse_args()
    if any(lora_of(row) != lora_of(arguments.rows[0]) for row in arguments.rows):
        parser.error("rows of one run have the same r and dropout: layers that are kept are laid out for them")
    if arguments.cap:
        whole = torch.cuda.get_device_properties(0).total_memory / 2**30
        torch.cuda.set_per_process_memory_fraction(arguments.cap / whole)
    config = dict(CONFIG_120B if arguments.model == "120b" else CONFIG)
    config["num_hidden_layers"] = arguments.layers or config["num_hidden_layers"]
    device = torch.device("cuda")
    set_threads_and_determinism(device)
    started = time.perf_counter()
    weights = random_weights(config, device)
    torch.cuda.synchronize()
    made = round(time.perf_counter() - started, 1)
    gib = round(torch.cuda.memory_allocated() / 2**30, 2)
    print(
        json.dumps({"model": arguments.model, "parameters": weights.parameters, "made": made, "GiB": gib}), flush=True
    )
    s = read_shape(config)
    torch.cuda.empty_cache()
    thrift = thrift_for(free_memory(device), s)
    if thrift.embedding_on_cpu:
        weights.embedding = weights.embedding.cpu()
    engine = Engine(weights, s, {}, device, torch.bfloat16, thrift)
    print(json.dumps(asdict(thrift)), flush=True)
    for row in arguments.rows:
        print(json.dumps(run_row(engine, config, row, arguments.steps)), flush=True)
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
