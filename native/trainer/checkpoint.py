"""Checkpoints of a training: whole or absent, chosen by number, refused by name.

A checkpoint is a folder <step>-<fence> with adapter.safetensors (fp32, PEFT's keys), optimizer.safetensors (AdamW's
two moments as stored), metrics.jsonl so far, best.safetensors where an earlier step's adapter has the lowest
validation loss, and checkpoint.json, written last, which lists the others with their sha256.
The data position is the step number. There is no generator state: every random draw is keyed by (seed, step).
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from .errors import TrainerError, bad_config, corrupt
from .files import canonical_json, file_entry, sync_folder, write_durably
from .weights import save_safetensors

SCHEMA = 1
NAME = re.compile(r"(\d+)-(\d+)")
MANIFEST = "checkpoint.json"
ADAPTER, OPTIMIZER, METRICS = "adapter.safetensors", "optimizer.safetensors", "metrics.jsonl"
BEST = "best.safetensors"
NLL = "validationNll"
"""Field of the manifest: the validation loss of this very step, null where it was not evaluated."""


@dataclass(frozen=True)
class Checkpoint:
    """state: JSON of the loop (step, identity, plan, progress); tensors by name; metrics: the lines so far;
    best: the adapter of the lowest validation loss where that is not `adapter`.
    """

    state: dict[str, Any]
    adapter: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    metrics: bytes
    best: dict[str, Tensor] | None = None


def write_checkpoint(folder: Path, fence: int, checkpoint: Checkpoint) -> tuple[Path, str]:
    """Write <folder>/<step>-<fence>; returns its path and digest (sha256 of checkpoint.json).

    Temporary folder, fsync, rename: a crash at any moment leaves the older checkpoints and no part of this one.
    """
    name = f"{checkpoint.state['step']}-{fence}"
    final, temporary = folder / name, folder / f".partial-{name}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save_safetensors(temporary / ADAPTER, checkpoint.adapter)
    save_safetensors(temporary / OPTIMIZER, checkpoint.optimizer)
    write_durably(temporary / METRICS, checkpoint.metrics)
    if checkpoint.best is not None:
        save_safetensors(temporary / BEST, checkpoint.best)
    files = [file_entry(path) for path in sorted(temporary.iterdir())]
    manifest = canonical_json({"schema": SCHEMA, "fence": fence, **checkpoint.state, "files": files})
    write_durably(temporary / MANIFEST, manifest)
    sync_folder(temporary)
    # Only a repeat of the same step by the same holder finds the name taken.
    shutil.rmtree(final, ignore_errors=True)
    os.rename(temporary, final)
    sync_folder(folder)
    return final, hashlib.sha256(manifest).hexdigest()


def is_checkpoint_name(name: str) -> bool:
    """True for <step>-<fence>."""
    return NAME.fullmatch(name) is not None


def numbered(folder: Path) -> list[Path]:
    """Checkpoint folders, newest first: by step, then fence, as numbers. They may be damaged."""
    found = [(NAME.fullmatch(path.name), path) for path in folder.iterdir()] if folder.is_dir() else []
    order = sorted(((int(match[1]), int(match[2])), path) for match, path in found if match and path.is_dir())
    return [path for _, path in reversed(order)]


def verify(path: Path) -> dict[str, Any]:
    """The manifest of a whole checkpoint. Raises ArtifactCorrupt that names the first wrong file."""
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        schema, files = manifest["schema"], {entry["name"]: entry for entry in manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise corrupt(f"checkpoint {path.name}: {MANIFEST} is missing or unreadable") from error
    if schema != SCHEMA:
        raise corrupt(f"checkpoint {path.name}: schema {schema}, this trainer reads {SCHEMA}")
    for name in sorted({ADAPTER, METRICS, OPTIMIZER, *files}):
        if name not in files or not (path / name).is_file() or file_entry(path / name) != files[name]:
            raise corrupt(f"checkpoint {path.name}: {name} is missing or not what {MANIFEST} says")
    return manifest


def newest_whole(folder: Path, passed_over: Callable[[str], None]) -> Path | None:
    """The newest checkpoint in `folder` whose files are what its manifest says; damaged ones are reported."""
    for path in numbered(folder):
        try:
            verify(path)
            return path
        except TrainerError as error:
            passed_over(error.message)
    return None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint after verifying it. Raises ArtifactCorrupt."""
    from safetensors.torch import load_file

    manifest = verify(path)
    state = {key: value for key, value in manifest.items() if key not in ("schema", "fence", "files")}
    adapter, optimizer = load_file(path / ADAPTER), load_file(path / OPTIMIZER)
    best = load_file(path / BEST) if (path / BEST).is_file() else None
    return Checkpoint(state, adapter, optimizer, (path / METRICS).read_bytes(), best)


def require_identity(name: str, saved: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
    """Refuse to go on from a checkpoint of another training, naming the first setting that differs."""
    for key in sorted({*saved, *mine}):
        if saved.get(key) != mine.get(key):
            raise bad_config(
                f"checkpoint {name} is of another training: {key} was {saved.get(key)!r}, now {mine.get(key)!r}",
                "give checkpoint.resume a checkpoint of this training, or null",
            )


def prune(folder: Path, keep: int, keep_best: int, fence: int) -> None:
    """Remove all but the newest `keep` checkpoints and the `keep_best` of the lowest validation losses, and what
    crashed writers of this fence or older ones left.
    """
    present = numbered(folder)
    judged = [(nll, order, path) for order, path in enumerate(present) if (nll := _validation_nll(path)) is not None]
    kept = {*present[:keep], *(path for _, _, path in sorted(judged)[:keep_best])}
    for path in present:
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(".partial-*"):
        if int(path.name.rsplit("-", 1)[1]) <= fence:
            shutil.rmtree(path, ignore_errors=True)


def _validation_nll(path: Path) -> float | None:
    try:
        return json.loads((path / MANIFEST).read_bytes()).get(NLL)
    except (OSError, ValueError):
        return None
