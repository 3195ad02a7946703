"""What a checkpoint must agree on with the training that goes on from it, and which checkpoint and engine that is."""

from pathlib import Path
from typing import Any

from .checkpoint import MANIFEST, Checkpoint, is_checkpoint_name, newest_whole, read_checkpoint, require_identity
from .engines.choice import choose_engine, load_engine_named
from .events import Events


def identity(config: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint must agree on to be gone on from: everything that moves the losses or chooses the result."""
    flat = {f"{part}.{key}": value for part in ("lora", "optimizer", "batch") for key, value in config[part].items()}
    fields = ("datasetDigest", "seed", "steps", "epochs", "dtype", "engine", "evalEvery", "earlyStopping", "deliver")
    plain = {key: config[key] for key in fields}
    return {**plain, **flat, "base.weightsDigest": config["base"]["weightsDigest"]}


def checkpoint_to_resume(config: dict[str, Any], events: Events) -> Checkpoint | None:
    """checkpoint.resume itself, or the newest whole one when it names a folder of checkpoints.

    Raises ArtifactCorrupt for a damaged one, bad config (exit 2) for one of another training.
    """
    if config["checkpoint"]["resume"] is None:
        return None
    path: Path | None = Path(config["checkpoint"]["resume"])
    if not (path / MANIFEST).is_file() and not is_checkpoint_name(path.name) and path.is_dir():
        remedy = "nothing; an older one is used, or training starts at step 0"
        path = newest_whole(path, lambda what: events.warning("CheckpointPassedOver", what, remedy))
    if path is None:
        return None
    checkpoint = read_checkpoint(path)
    mine = identity(config)
    for field in ("dtype", "engine"):
        if mine[field] == "auto":
            # `auto` was answered when training began; another machine's answer may differ.
            mine[field] = checkpoint.state["identity"][field]
    require_identity(path.name, checkpoint.state["identity"], mine)
    return checkpoint


def engine_for(config: dict[str, Any], checkpoint: Checkpoint | None, events: Events) -> tuple[Any, dict[str, Any]]:
    """(the engine, loaded; the training's identity, with what was `auto` answered): the checkpoint's where there is
    one. A warning where less memory is free than the training began with, so that sums are rounded otherwise.
    """
    begun = checkpoint.state if checkpoint else {"identity": identity(config)}
    known, rounding = dict(begun["identity"]), begun.get("rounding")
    if checkpoint is None:
        known["engine"], reason = choose_engine(config, known["dtype"])
        events.say(f"engine {known['engine']}: {reason}")
    engine = load_engine_named(known["engine"], config["base"], config["device"], known["dtype"], rounding)
    known["dtype"] = {"torch.bfloat16": "bf16", "torch.float32": "fp32"}[str(engine.dtype)]
    if rounding not in (None, engine.rounding):
        what = f"less memory is free than when this training began: {engine.rounding}, was {rounding}"
        events.warning("MemoryDiffers", what, "nothing; losses agree to rounding, no longer in every bit")
    return engine, known
