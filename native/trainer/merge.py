"""Folds a LoRA adapter into its base, tensor by tensor, and writes a 16-bit Hugging Face folder.

Ours because transformers 5.17 destroys the experts when it saves a GPT-OSS that it loaded from MXFP4: tensors named
`gate_up_proj$`, random experts after the reload.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .errors import TrainerError, corrupt
from .files import write_durably
from .weights import read_header, write_stream

PREFIX = "base_model.model."
INDEX = "model.safetensors.index.json"
FP4 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)
"""The values of OCP MXFP4's E2M1 codes."""


@dataclass(frozen=True)
class Delta:
    """What LoRA adds to one parameter: scaling * B A, by expert where `experts` is not None.

    Linear: A [r, in], B [out, r], weight [out, in]. Experts (PEFT's target_parameters; weight [E, in, out]):
    A [E*r, in], rows expert-major (e*r + j); B [out, r*E], columns rank-major (j*E + e).
    """

    A: Any
    B: Any
    scaling: float
    experts: int | None

    def of(self, expert: int | None = None) -> Any:
        """fp32 delta: [out, in] of a linear layer, [in, out] of one expert."""
        if expert is None:
            return self.scaling * (self.B.float() @ self.A.float())
        rank = self.A.shape[0] // self.experts
        rows = self.A[expert * rank : (expert + 1) * rank].float()
        columns = self.B[:, expert :: self.experts].float()
        return self.scaling * (columns @ rows).T


def read_deltas(adapter: Path, experts: int | None) -> dict[str, Delta]:
    """Base parameter name to its delta, from a PEFT folder. experts: num_local_experts of the base's config.

    Raises ArtifactCorrupt for a tensor that is not part of an A/B pair, or of an unknown layout.
    """
    from safetensors.torch import load_file

    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    scaling = config["lora_alpha"] / (config["r"] ** 0.5 if config["use_rslora"] else config["r"])
    wrapped = [name.rpartition(".")[2] for name in config.get("target_parameters") or []]
    state = load_file(adapter / "adapter_model.safetensors")
    pairs: dict[str, dict[str, Any]] = {}
    for key, tensor in state.items():
        module, _, rest = key.removeprefix(PREFIX).rpartition(".lora_")
        if rest not in ("A.weight", "B.weight") or not key.startswith(PREFIX):
            raise corrupt(f"adapter: {key} is not a LoRA tensor that can be merged")
        name, by_expert = _parameter_of(module, wrapped)
        pairs.setdefault(name, {"experts": experts if by_expert else None})[rest[0]] = tensor
    incomplete = [name for name, pair in pairs.items() if not {"A", "B"} <= set(pair)]
    if incomplete:
        raise corrupt(f"adapter: {incomplete[0]} has only one of A and B")
    return {name: Delta(pair["A"], pair["B"], scaling, pair["experts"]) for name, pair in sorted(pairs.items())}


def _parameter_of(module: str, wrapped: list[str]) -> tuple[str, bool]:
    """(parameter, whether it holds experts) that a LoRA module's key means.

    PEFT nests wrappers of parameters in the module's own order of them: with both, `experts.base_layer` is
    gate_up_proj and `experts` is down_proj, whatever order the config lists.
    """
    inner = module.endswith(".experts.base_layer")
    if not inner and not module.endswith(".experts"):
        return f"{module}.weight", False
    if inner:
        return f"{module.removesuffix('.base_layer')}.gate_up_proj", True
    return f"{module}.{'down_proj' if len(wrapped) > 1 else wrapped[0]}", True


def merge(base: Path, adapter: Path, out: Path, progress: Callable[[int, int], None]) -> list[Path]:
    """Write base + adapter to `out`: bf16 shards, index, config without quantisation, tokenizer and template.

    progress(done, total) is called after each tensor. Returns the files. Peak memory: a few copies of one tensor.
    """
    config = json.loads((base / "config.json").read_text("utf-8"))
    deltas = read_deltas(adapter, config.get("num_local_experts"))
    tensors = _outputs(base)
    unknown = sorted(set(deltas) - {name for name, _, _ in tensors})
    if unknown:
        raise corrupt(f"adapter changes {unknown[0]}, which the base does not have")
    out.mkdir(parents=True, exist_ok=True)
    done = 0

    def stream(names: list[str]) -> Iterator[tuple[str, Any]]:
        nonlocal done
        for name in names:
            read = readers[name]
            yield name, _merged(read, shapes[name], deltas.get(name))
            done += 1
            progress(done, len(tensors))

    by_shard: dict[str, list[str]] = {}
    shapes, readers = {}, {}
    for name, shard, (shape, read) in tensors:
        by_shard.setdefault(shard, []).append(name)
        shapes[name], readers[name] = shape, read
    written = []
    for shard, names in sorted(by_shard.items()):
        write_stream(out / shard, {name: ("BF16", shapes[name]) for name in names}, stream(sorted(names)))
        written.append(out / shard)
    config = {key: value for key, value in config.items() if key != "quantization_config"}
    config["dtype"] = "bfloat16"
    config.pop("torch_dtype", None)
    written.append(_json(out / "config.json", config))
    if len(by_shard) > 1:
        size = sum(2 * _count(shape) for shape in shapes.values())
        weight_map = {name: shard for name, shard, _ in tensors}
        written.append(_json(out / INDEX, {"metadata": {"total_size": size}, "weight_map": weight_map}))
    for file in sorted(base.iterdir()):
        if file.suffix != ".safetensors" and file.name not in ("config.json", "base.json", INDEX):
            written.append(Path(shutil.copyfile(file, out / file.name)))
    return sorted(written)


Reader = Callable[[int | None], Any]
"""Tensor of one expert, or (None) the whole one, in its own dtype."""


def _outputs(base: Path) -> list[tuple[str, str, tuple[list[int], Reader]]]:
    """(name, shard, (shape, reader)) of every 16-bit tensor that the base's files hold or decode to, sorted."""
    where: dict[str, tuple[Path, list[int]]] = {}
    for shard in sorted(base.glob("*.safetensors")):
        where |= {name: (shard, entry["shape"]) for name, entry in read_header(shard).items()}
    outputs = []
    for name, (shard, shape) in sorted(where.items()):
        if name.endswith("_blocks"):
            plain = name.removesuffix("_blocks")
            scales = where[f"{plain}_scales"][0]
            experts, rows, groups, _ = shape
            read: Reader = partial(_read_mxfp4, shard, scales, plain)
            outputs.append((plain, shard.name, ([experts, groups * 32, rows], read)))
        elif not name.endswith("_scales"):
            outputs.append((name, shard.name, (shape, partial(_read, shard, name))))
    return sorted(outputs, key=lambda output: output[0])


def _read(shard: Path, name: str, expert: int | None) -> Any:
    from safetensors import safe_open

    with safe_open(str(shard), "pt") as file:
        return file.get_tensor(name) if expert is None else file.get_slice(name)[expert]


def _read_mxfp4(shard: Path, scales_shard: Path, name: str, expert: int | None) -> Any:
    """bf16 [in, out] of one expert ([E, in, out] of all) from blocks [out, in/32, 16] and scales [out, in/32].

    A byte holds two codes, the low half first; a scale is a power of two, biased by 127.
    """
    import torch

    blocks = _read(shard, f"{name}_blocks", expert).long()
    scales = _read(scales_shard, f"{name}_scales", expert).int() - 127
    codes = torch.stack([blocks & 0xF, blocks >> 4], -1).flatten(-2)
    values = torch.ldexp(torch.tensor(FP4)[codes], scales[..., None]).flatten(-2)
    return values.transpose(-1, -2).to(torch.bfloat16)


def _merged(read: Reader, shape: list[int], delta: Delta | None) -> Any:
    """The bf16 tensor of `shape` with its delta, added in fp32."""
    import torch

    if delta is None:
        return read(None).to(torch.bfloat16)
    if delta.experts is None:
        _require_shape(shape, [delta.B.shape[0], delta.A.shape[1]])
        return (read(None).float() + delta.of()).to(torch.bfloat16)
    _require_shape(shape, [delta.experts, delta.A.shape[1], delta.B.shape[0]])
    merged = torch.empty(shape, dtype=torch.bfloat16)
    for expert in range(delta.experts):
        merged[expert] = (read(expert).float() + delta.of(expert)).to(torch.bfloat16)
    return merged


def _require_shape(have: list[int], need: list[int]) -> None:
    if have != need:
        raise TrainerError("ArtifactCorrupt", f"the adapter's delta is {need}, the base's parameter {have}",
                           "use the base that the adapter was trained on")  # fmt: skip


def _count(shape: list[int]) -> int:
    total = 1
    for length in shape:
        total *= length
    return total


def _json(path: Path, value: Any) -> Path:
    write_durably(path, (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode())
    return path
