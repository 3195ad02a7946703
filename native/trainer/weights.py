"""Safetensors files as this trainer writes them: names sorted, no metadata of the machine, whole or absent."""

import json
import os
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .errors import TrainerError

_NUMPY_DTYPES = {"uint16": "BF16", "float32": "F32"}
_TORCH_DTYPES = {"torch.bfloat16": "BF16", "torch.float32": "F32", "torch.float16": "F16", "torch.uint8": "U8"}
_BYTES = {"BF16": 2, "F32": 4, "F16": 2, "U8": 1}


def require_config(base: Mapping[str, Any]) -> Path:
    """The folder of a base model. Raises ConfigMissing where it holds none."""
    folder = Path(base["folder"])
    if not (folder / "config.json").is_file():
        what = f"base model {base['id']}: its folder holds no config.json"
        raise TrainerError("ConfigMissing", what, "materialise the base model first")
    return folder


def save_safetensors(path: Path, tensors: Mapping[str, Any]) -> None:
    """Write numpy arrays (uint16 means bfloat16 bits) or torch tensors: names in order, the buffers without gaps.

    transformers refuses a file without the metadata `format: pt`, so that one entry is there.
    """
    described = {name: (_dtype_of(tensor), list(tensor.shape)) for name, tensor in tensors.items()}
    write_stream(path, described, ((name, tensors[name]) for name in sorted(tensors)))


def write_stream(
    path: Path, described: Mapping[str, tuple[str, list[int]]], tensors: Iterable[tuple[str, Any]]
) -> None:
    """As save_safetensors, for tensors that are made one by one; they must come in the order of their sorted names."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name in sorted(described):
        dtype, shape = described[name]
        end = position + _BYTES[dtype] * int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for (name, tensor), expected in zip(tensors, sorted(described), strict=True):
            if name != expected or (_dtype_of(tensor), list(tensor.shape)) != described[name]:
                raise ValueError(f"{path.name}: {name} is not the next tensor, or not of the described shape")
            file.write(_buffer(tensor))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _dtype_of(tensor: Any) -> str:
    return (_NUMPY_DTYPES if isinstance(tensor, np.ndarray) else _TORCH_DTYPES)[str(tensor.dtype)]


def _buffer(tensor: Any) -> Any:
    if isinstance(tensor, np.ndarray):
        return np.ascontiguousarray(tensor).data
    import torch

    return tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data


def read_header(path: Path) -> dict[str, dict[str, Any]]:
    """Name to {dtype, shape, data_offsets} of every tensor in a safetensors file; no tensor is read."""
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header
