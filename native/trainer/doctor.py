"""python -m trainer doctor config.json: what this machine offers to the trainer, and how it would train a model."""

import os
import sys
from importlib import metadata
from typing import Any

from .events import Events

TYPICAL_TOKENS, TYPICAL_SUPERVISED = 1024, 0.7
"""Of the longest example, and the share with a loss, where no data set says better."""


def run(config: dict[str, Any], events: Events) -> None:
    """`result`: versions, CUDA devices with their memory in bytes, CPU threads, whether bf16 is fast here, and with
    config.base the engine and plan that a training would begin with, and why.
    """
    import torch

    from .engines.device import resolve_device, resolve_dtype

    devices = []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        devices.append({"name": torch.cuda.get_device_name(index), "memoryBytes": total, "freeBytes": free})
    device = resolve_device(config["device"])
    metrics = {
        "python": sys.version.split()[0],
        **{package: metadata.version(package) for package in ("torch", "transformers", "peft", "tokenizers")},
        "triton": _version("triton"),
        "cuda": torch.version.cuda if devices else None,
        "devices": devices,
        "device": str(device),
        "dtype": str(resolve_dtype(config["dtype"], device)).removeprefix("torch."),
        "cpuBf16": resolve_dtype("auto", torch.device("cpu")) == torch.bfloat16,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "training": None if config.get("base") is None else prospect(config),
    }
    events.emit("result", files=[], metrics=metrics)
    devices_text = ", ".join(device["name"] for device in devices) or "no GPU"
    events.say(f"torch {metrics['torch']}, {devices_text}, {metrics['cores']} cores, {metrics['dtype']}")
    if metrics["training"] is not None:
        text = "training: {engine} ({why}); {microTokens} tokens a pass, recomputed: {checkpointing}; {reason}"
        events.say(text.format(**metrics["training"]))


def prospect(config: dict[str, Any]) -> dict[str, Any]:
    """Engine and first plan of a training of config.base with examples of up to TYPICAL_TOKENS. Loads the model."""
    from .engines.choice import choose_engine, load_engine_named
    from .engines.device import free_memory
    from .plan import first_plans

    name, why = choose_engine({**config, "engine": "auto"}, config["dtype"])
    engine = load_engine_named(name, config["base"], config["device"], config["dtype"])
    engine.add_lora(config["lora"], seed=0)
    plan = first_plans(engine, None, TYPICAL_SUPERVISED, TYPICAL_TOKENS, 8 * TYPICAL_TOKENS)[0]
    trainable = sum(parameter.numel() for parameter in engine.trainable.values())
    return {
        "engine": name,
        "why": why,
        "parameters": engine.parameters,
        "trainable": trainable,
        "freeBytes": free_memory(engine.device),
        "microTokens": plan.micro_tokens,
        "checkpointing": plan.checkpointing,
        "packing": plan.packing,
        "reason": plan.reason,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
