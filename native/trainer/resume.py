"""What a checkpoint must agree on with the training that goes on from it, and which checkpoint that is."""

from pathlib import Path
from typing import Any

from .checkpoint import MANIFEST, Checkpoint, is_checkpoint_name, newest_whole, read_checkpoint, require_identity
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
