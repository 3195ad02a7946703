"""An adapter's weights into an engine: the same checks for every engine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import TrainerError, bad_config
from .peft_config import lora_of


def load_adapter(engine: Any, source: str | Path | Mapping[str, Tensor]) -> None:
    """Put an adapter's weights in place: a PEFT folder (its config decides the LoRA) or a state of the same LoRA.

    Raises ArtifactCorrupt when names or shapes differ: PEFT itself loads a part without a word.
    """
    if isinstance(source, Mapping):
        state = source
    else:
        from safetensors.torch import load_file

        lora = lora_of(source)
        if engine.lora is None:
            engine.add_lora(lora, seed=0)
        elif engine.lora != lora:
            raise bad_config(f"this engine's adapter is {engine.lora}, the folder's is {lora}", "load a new engine")
        state = load_file(Path(source) / "adapter_model.safetensors")
    mine = engine.trainable
    wrong = sorted(set(mine) ^ set(state)) or sorted(n for n in mine if mine[n].shape != state[n].shape)
    if wrong:
        raise TrainerError(
            "ArtifactCorrupt",
            f"adapter does not fit the model: {', '.join(wrong[:3])}",
            "use the base model that the adapter was trained on",
        )
    with torch.no_grad():
        for name, parameter in mine.items():
            parameter.copy_(state[name])
