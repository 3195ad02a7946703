"""python -m trainer doctor config.json: what this machine offers to the trainer."""

import os
import sys
from importlib import metadata
from typing import Any

from .events import Events


def run(config: dict[str, Any], events: Events) -> None:
    """`result`: versions, CUDA devices with their memory in bytes, CPU threads, and whether bf16 is fast here."""
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
        "cuda": torch.version.cuda if devices else None,
        "devices": devices,
        "device": str(device),
        "dtype": str(resolve_dtype(config["dtype"], device)).removeprefix("torch."),
        "cpuBf16": resolve_dtype("auto", torch.device("cpu")) == torch.bfloat16,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    events.emit("result", files=[], metrics=metrics)
    devices_text = ", ".join(device["name"] for device in devices) or "no GPU"
    events.say(f"torch {metrics['torch']}, {devices_text}, {metrics['cores']} cores, {metrics['dtype']}")
