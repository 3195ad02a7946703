"""Loads the engine that a command's config asks for and says so."""

import time
from typing import Any

from ..events import Events


def load_engine(config: dict[str, Any], events: Events, adapter: str | None = None) -> Any:
    """The engine of config's base, device and dtype, with the PEFT folder `adapter` if given. Emits `loaded`."""
    from . import transformers

    started = time.monotonic()
    engine = transformers.load(config["base"], config["device"], config["dtype"])
    if adapter is not None:
        engine.load_adapter(adapter)
    events.emit(
        "loaded",
        seconds=round(time.monotonic() - started, 3),
        device=engine.device.type,
        dtype=str(engine.dtype).removeprefix("torch."),
        parameters=engine.parameters,
        trainable=sum(parameter.numel() for parameter in engine.trainable.values()),
    )
    return engine
