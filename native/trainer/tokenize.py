"""python -m trainer tokenize config.json

Messages to token files with a chat model's own template, one file a split. Loads no model and imports no torch.
"""

import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .base import template_digest
from .chat import ChatTemplate
from .data import CONTENT, tokenizer_identity, write_tokens
from .errors import bad_config, corrupt
from .events import Events
from .files import file_entry

PROGRESS_ROWS = 1000


@dataclass
class _Split:
    """What becomes a token file, row after row: 5 bytes a token and 40 a row, since a split may hold millions."""

    ids: array = field(default_factory=lambda: array("i"))
    role: bytearray = field(default_factory=bytearray)
    offsets: array = field(default_factory=lambda: array("q", [0]))
    example: bytearray = field(default_factory=bytearray)
    dropped: list[dict[str, Any]] = field(default_factory=list)


def run(config: dict[str, Any], events: Events) -> None:
    """Write <split>.safetensors and <split>.dropped.jsonl for every split; `result` counts them."""
    base, out = config["base"], Path(config["out"])
    if base["family"] != "chat":
        raise bad_config("base.family: GPT-OSS rows are made in Node (lib/harmony)", "use a base of family chat")
    folder = Path(base["folder"])
    template = ChatTemplate(folder)
    tokenizer_sha256, vocab_size = tokenizer_identity(folder)
    metadata = {
        "tokenizerSha256": tokenizer_sha256,
        "templateSha256": template_digest(folder),
        "vocabSize": vocab_size,
        "maxTokens": config["maxTokens"],
        "endTokenId": template.end_id,
    }
    metrics: dict[str, Any] = {}
    written: list[Path] = []
    for name, path in sorted(config["splits"].items()):
        split = _tokenize(template, Path(path), config["maxTokens"], name, events)
        role = np.frombuffer(split.role, np.uint8)
        arrays = (np.frombuffer(split.ids, np.int32), np.frombuffer(split.offsets, np.int64), role)
        example = np.frombuffer(split.example, np.uint8).reshape(-1, 32)
        write_tokens(out / f"{name}.safetensors", *arrays, example, metadata)
        dropped = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in split.dropped)
        (out / f"{name}.dropped.jsonl").write_text(dropped, "utf-8")
        written += [out / f"{name}.safetensors", out / f"{name}.dropped.jsonl"]
        metrics[name] = {
            "rows": len(split.offsets) - 1,
            "dropped": len(split.dropped),
            "tokens": len(split.ids),
            "supervisedTokens": int(np.count_nonzero(role)),
        }
    events.emit("result", files=[file_entry(path) for path in written], metrics=metrics)


def _tokenize(template: ChatTemplate, path: Path, max_tokens: int, name: str, events: Events) -> _Split:
    split = _Split()
    for at, (id, messages) in enumerate(read_rows(path)):
        if at % PROGRESS_ROWS == 0:
            events.emit("progress", what=f"tokenize {name}", done=at, total=None)
        row = template.row(messages)
        reason = None
        if CONTENT not in row.role:
            reason = "nothing_supervised"
        elif len(row.ids) > max_tokens:
            reason = "too_long"
        if reason is not None:
            split.dropped.append({"id": id, "reason": reason, "tokens": len(row.ids)})
            continue
        split.ids.extend(row.ids)
        split.role.extend(row.role)
        split.offsets.append(len(split.ids))
        split.example += bytes.fromhex(id)
    return split


def read_rows(path: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """(id, messages) of each line of a JSONL file; id is 64 hex digits. Raises ArtifactCorrupt naming the line."""
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                try:
                    row = json.loads(line)
                    id, messages = row["id"], row["messages"]
                    if len(bytes.fromhex(id)) != 32 or len(id) != 64:
                        raise ValueError("id is not 64 hex digits")
                    messages = [{"role": str(m["role"]), "content": m["content"]} for m in messages]
                    if not messages or not all(isinstance(m["content"], str) for m in messages):
                        raise ValueError("messages is empty, or a content is not text")
                except (ValueError, KeyError, TypeError) as error:
                    raise corrupt(f"{path.name} line {number}: {type(error).__name__} {error}") from error
                yield id, messages
    except OSError as error:
        raise bad_config(f"split file {path}: {error.strerror}", "name a readable JSONL file") from error
