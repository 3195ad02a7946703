"""Token files, and the pure functions that say which examples a step holds and how they are packed.

A token file is one safetensors file a split. Node writes the same bytes (lib/tokens.ts), so the layout is fixed:
8-byte little-endian header length; JSON header without spaces, keys in the order `__metadata__` (METADATA_KEYS in
order, values strings), ids, offsets, role, example, each {"dtype","shape","data_offsets"}; header padded with spaces
to a multiple of 8; then the four buffers in that order, little-endian, without gaps.
"""

import hashlib
import json
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import TrainerError, bad_config, corrupt

FORMAT_VERSION = "1"
METADATA_KEYS = ("formatVersion", "tokenizerSha256", "templateSha256", "vocabSize", "maxTokens", "endTokenId")
CONTEXT, FORMAT, CONTENT = 0, 1, 2
"""Roles of a token: not supervised; supervised, part of the format; supervised, part of the answer's text."""


@dataclass(frozen=True)
class TokenFile:
    """Examples in order; tokens of example i are ids[offsets[i]:offsets[i + 1]].

    ids int32 [total]; offsets int64 [n + 1]; role uint8 [total]; example uint8 [n, 32], the sha256 of each row.
    """

    ids: np.ndarray
    offsets: np.ndarray
    role: np.ndarray
    example: np.ndarray
    metadata: dict[str, str]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each example, int64 [n]."""
        return np.diff(self.offsets)

    def row(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids, role) of one example."""
        span = slice(int(self.offsets[index]), int(self.offsets[index + 1]))
        return self.ids[span], self.role[span]

    def supervised(self, index: int) -> int:
        """Number of supervised tokens of one example."""
        return int(np.count_nonzero(self.row(index)[1]))


def write_tokens(
    path: str | Path,
    ids: np.ndarray,
    offsets: np.ndarray,
    role: np.ndarray,
    example: np.ndarray,
    metadata: dict[str, str | int],
) -> None:
    """Write a token file; the same input gives the same bytes on any machine. metadata: METADATA_KEYS but the first."""
    header: dict[str, object] = {
        "__metadata__": {"formatVersion": FORMAT_VERSION, **{key: str(metadata[key]) for key in METADATA_KEYS[1:]}}
    }
    buffers: list[np.ndarray] = []
    position = 0
    arrays = (
        ("ids", "I32", "<i4", ids),
        ("offsets", "I64", "<i8", offsets),
        ("role", "U8", "u1", role),
        ("example", "U8", "u1", np.asarray(example).reshape(-1, 32)),
    )
    for name, dtype, numpy_dtype, array in arrays:
        buffer = np.ascontiguousarray(array, dtype=numpy_dtype)
        end = position + buffer.nbytes
        header[name] = {"dtype": dtype, "shape": list(buffer.shape), "data_offsets": [position, end]}
        buffers.append(buffer)
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = Path(f"{path}.tmp")
    with open(temporary, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for buffer in buffers:
            buffer.tofile(file)
    os.replace(temporary, path)


def read_tokens(path: str | Path) -> TokenFile:
    """Read and check a token file. Raises ArtifactCorrupt, or DatasetTooSmall when it holds no example."""
    from safetensors import SafetensorError, safe_open

    name = Path(path).name
    try:
        with safe_open(str(path), "numpy") as file:
            metadata = file.metadata() or {}
            ids, offsets, role, example = (file.get_tensor(key) for key in ("ids", "offsets", "role", "example"))
    except (SafetensorError, OSError) as error:
        raise corrupt(f"token file {name}: {error}") from error
    if metadata.get("formatVersion") != FORMAT_VERSION:
        raise corrupt(f"token file {name}: formatVersion {metadata.get('formatVersion')}, this trainer reads 1")
    tokens = TokenFile(ids, offsets, role, example, metadata)
    if len(offsets) < 2:
        raise TrainerError("DatasetTooSmall", f"token file {name} holds no example", "add pages or loosen the filters")
    if offsets[0] != 0 or offsets[-1] != len(ids) or len(role) != len(ids) or len(example) != len(tokens):
        raise corrupt(f"token file {name}: ids, offsets, role and example do not fit together")
    if tokens.lengths.min() < 2 or ids.min() < 0 or ids.max() >= int(metadata["vocabSize"]) or role.max() > CONTENT:
        raise corrupt(f"token file {name}: an example shorter than 2 tokens, or an id or role outside its range")
    if role[offsets[:-1]].any():
        raise corrupt(f"token file {name}: an example's first token is supervised, and nothing comes before it")
    if (np.add.reduceat(role, offsets[:-1], dtype=np.int64) == 0).any():
        raise corrupt(f"token file {name}: an example has no supervised token")
    return tokens


def tokenizer_identity(folder: str | Path) -> tuple[str, int]:
    """(sha256 of tokenizer.json, vocabulary size of config.json) of a base folder: what token files are checked by."""
    config = json.loads((Path(folder) / "config.json").read_text("utf-8"))
    digest = hashlib.sha256((Path(folder) / "tokenizer.json").read_bytes()).hexdigest()
    return digest, int(config["vocab_size"])


def require_tokenizer(tokens: TokenFile, folder: str | Path, name: str) -> None:
    """Raise FormatMismatch unless the file was made with the base folder's tokenizer."""
    digest, vocab = tokenizer_identity(folder)
    for what, have, want in (
        ("tokenizerSha256", tokens.metadata["tokenizerSha256"], digest),
        ("vocabSize", tokens.metadata["vocabSize"], str(vocab)),
    ):
        if have != want:
            raise TrainerError(
                "FormatMismatch",
                f"{name}: its {what} is {have}, the base model's is {want}",
                "make the dataset again with this base model",
            )


def epoch_order(n: int, seed: int, epoch: int) -> list[int]:
    """A permutation of range(n): by hash, so that no library's generator is part of the promise."""
    return sorted(range(n), key=lambda index: hashlib.sha256(f"{seed}:{epoch}:{index}".encode()).digest())


def plan_steps(
    lengths: Sequence[int], seed: int, examples: int, max_tokens: int | None, steps: int | None, epochs: float
) -> list[list[int]]:
    """The examples of every optimiser step: a pure function of the lengths, the seed and the batch settings.

    A step is the next `examples` of the epoch's order, or its longest prefix within `max_tokens` (at least one
    example). The last, short step of an epoch is kept. `steps` limits the number of steps; else `epochs`, where a
    fraction takes that part of the last epoch's steps, rounded up.
    """
    planned: list[list[int]] = []
    epoch = 0
    while (len(planned) < steps) if steps is not None else (epoch < epochs):
        split = _split_epoch(lengths, epoch_order(len(lengths), seed, epoch), examples, max_tokens)
        if steps is None and epochs - epoch < 1:
            split = split[: max(1, -int(-len(split) * (epochs - epoch) // 1))]
        planned += split
        epoch += 1
    return planned[:steps]


def _split_epoch(lengths: Sequence[int], order: list[int], examples: int, max_tokens: int | None) -> list[list[int]]:
    split: list[list[int]] = []
    step: list[int] = []
    total = 0
    for index in order:
        length = int(lengths[index])
        if step and (len(step) == examples or (max_tokens is not None and total + length > max_tokens)):
            split.append(step)
            step, total = [], 0
        step.append(index)
        total += length
    return [*split, step] if step else split


def pack(lengths: dict[int, int], micro_tokens: int) -> list[list[int]]:
    """Best-fit decreasing: example indices grouped into micro-batches of at most `micro_tokens` tokens.

    Ties go to the lower index and the older micro-batch. An example longer than `micro_tokens` is alone in its own.
    """
    bins: list[tuple[int, list[int]]] = []
    for index in sorted(lengths, key=lambda index: (-lengths[index], index)):
        length = lengths[index]
        fitting = [(micro_tokens - used, at) for at, (used, _) in enumerate(bins) if used + length <= micro_tokens]
        if fitting:
            at = min(fitting)[1]
            used, members = bins[at]
            bins[at] = (used + length, [*members, index])
        else:
            bins.append((length, [index]))
    return [sorted(members) for _, members in bins]


@dataclass(frozen=True)
class MicroBatch:
    """Documents laid end to end for one forward pass: ids int32 [T], role uint8 [T], lengths of the documents."""

    ids: np.ndarray
    role: np.ndarray
    lengths: list[int]

    @property
    def targets(self) -> np.ndarray:
        """Positions of the supervised tokens, int64 [S]; position t is predicted from row t - 1."""
        return np.flatnonzero(self.role)


def micro_batch(tokens: TokenFile, members: Sequence[int]) -> MicroBatch:
    """The micro-batch of these examples, in this order."""
    if not members:
        raise bad_config("a micro-batch needs at least one example")
    rows = [tokens.row(index) for index in members]
    return MicroBatch(
        ids=np.concatenate([ids for ids, _ in rows]),
        role=np.concatenate([role for _, role in rows]),
        lengths=[len(ids) for ids, _ in rows],
    )
