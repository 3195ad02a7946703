"""Which engine trains: ours for GPT-OSS where its kernels run on this card, else transformers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .device import resolve_device, resolve_dtype
from .gptoss import probe
from .gptoss.shape import read_shape
from .gptoss.weights import is_gpt_oss


def choose_engine(config: Mapping[str, Any], dtype: str) -> tuple[str, str]:
    """(gptoss or transformers, why) for a train config; `engine: auto` is answered by trying the kernels here.

    dtype: the training's own where it began on another machine.
    """
    if config["engine"] != "auto":
        return config["engine"], "engine from the config"
    folder = Path(config["base"]["folder"])
    device = resolve_device(config["device"])
    if not (folder / "config.json").is_file():
        return "transformers", "the base has no config.json"
    model = json.loads((folder / "config.json").read_text("utf-8"))
    if not is_gpt_oss(model):
        return "transformers", "engine gptoss knows GPT-OSS only"
    why_not = probe.refusal(read_shape(model), config["lora"], device, resolve_dtype(dtype, device))
    lora = config["lora"]
    if why_not is not None and lora["dropout"] > 0 and lora["targets"] != "attention":
        return "gptoss", f"PEFT has no dropout on experts; in plain torch: {why_not}"
    if why_not is not None:
        return "transformers", f"not engine gptoss: {why_not}"
    return "gptoss", "its kernels gave the right numbers on this card"


def load_engine_named(
    name: str, base: Mapping[str, Any], device: str, dtype: str, rounding: Mapping[str, Any] | None = None
) -> Any:
    """The engine of that name, loaded. rounding: the engine's own, of a training that is resumed."""
    if name == "gptoss":
        from .gptoss import engine as gptoss

        return gptoss.load(base, device, dtype, rounding)
    from . import transformers

    return transformers.load(base, device, dtype)
