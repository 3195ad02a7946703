"""The adapter as files that PEFT loads, with the same bytes on any machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .files import canonical_json, write_durably


def adapter_config(base: Mapping[str, Any], lora: Mapping[str, Any], modules: list[str], parameters: list[str]) -> dict:
    """PEFT's adapter_config.json, ours: sorted lists (PEFT writes sets in hash order), the base's public name only."""
    return {
        "base_model_name_or_path": base["id"],
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "init_lora_weights": True,
        "lora_alpha": lora["alpha"],
        # PEFT refuses to load dropout on parameters, and nothing that is loaded drops.
        "lora_dropout": 0.0 if parameters else lora["dropout"],
        "modules_to_save": None,
        "peft_type": "LORA",
        "r": lora["r"],
        "revision": base["revision"],
        "target_modules": sorted(modules),
        "target_parameters": sorted(parameters) or None,
        "task_type": "CAUSAL_LM",
        "use_rslora": lora["rslora"],
    }


def write_adapter(folder: Path, engine: Any, state: Mapping[str, Any] | None = None) -> list[Path]:
    """Write adapter_config.json and adapter_model.safetensors of an engine's adapter; returns their paths.

    state: weights to write instead of those that the engine has now.
    """
    from safetensors.torch import save

    config = adapter_config(engine.base, engine.lora, *engine.adapted)
    paths = [folder / "adapter_config.json", folder / "adapter_model.safetensors"]
    write_durably(paths[0], canonical_json(config) + b"\n")
    write_durably(paths[1], save(engine.adapter_state() if state is None else dict(state)))
    return paths
