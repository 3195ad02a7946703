"""Which modules a LoRA changes, by PEFT's names, and what an adapter folder says of its LoRA."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")
EXPERTS = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")
"""Parameters [E, in, out] that hold every expert; PEFT reaches them by name, not by module."""


def lora_of(folder: str | Path) -> dict[str, Any]:
    """LoraConfig (contracts/trainer.ts) of an adapter folder written by this trainer."""
    config = json.loads((Path(folder) / "adapter_config.json").read_text("utf-8"))
    return {
        "r": config["r"],
        "alpha": config["lora_alpha"],
        "rslora": config["use_rslora"],
        "dropout": config["lora_dropout"],
        "targets": _targets_of(config),
    }


def _targets_of(config: Mapping[str, Any]) -> str:
    """LoraConfig.targets from an adapter_config.json written by this trainer."""
    attention = bool(set(config["target_modules"] or []) & set(ATTENTION))
    mlp = bool(set(config["target_modules"] or []) - set(ATTENTION) or config.get("target_parameters"))
    return "both" if attention and mlp else "attention" if attention else "mlp"
