"""Reads a GPT-OSS checkpoint shard by shard, straight to the device; MXFP4 experts stay as they were shipped."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import TrainerError
from ...weights import read_header
from .shape import Shape

READERS = 8
"""Threads that read layers onto a GPU."""


@dataclass
class Experts:
    """One projection of every expert of a layer, frozen: MXFP4 blocks and scales as shipped, or dense [E, N, k].

    bias [E, N]. gate_up's dense weight and bias are in the order gate, up; its blocks keep the shipped rows
    g0 u0 g1 u1, which `interleaved` says.
    """

    bias: Tensor
    interleaved: bool
    blocks: Tensor | None = None
    scales: Tensor | None = None
    dense: Tensor | None = None

    def part(self, first: int, last: int) -> "Experts":
        """Experts first to last - 1, as views."""
        parts = (None if x is None else x[first:last] for x in (self.bias, self.blocks, self.scales, self.dense))
        bias, blocks, scales, dense = parts
        assert bias is not None
        return Experts(bias, self.interleaved, blocks, scales, dense)


@dataclass
class Layer:
    """The frozen weights of one layer, in the engine's number format; linear ones are [out, in]."""

    norm1: Tensor
    qkv: Tensor
    qkv_bias: Tensor
    out: Tensor
    out_bias: Tensor
    sinks: Tensor
    norm2: Tensor
    router: Tensor
    router_bias: Tensor
    gate_up: Experts
    down: Experts


@dataclass
class Weights:
    """The frozen model."""

    embedding: Tensor
    layers: list[Layer]
    norm: Tensor
    head: Tensor
    parameters: int
    """Number of base parameters, MXFP4 ones counted as weights."""


class Checkpoint:
    """Tensors of a folder of safetensors by name. Raises ArtifactCorrupt for one that is missing or misshapen."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype):
        self.device, self.dtype = device, dtype
        self.shards: dict[str, Path] = {}
        for shard in sorted(folder.glob("*.safetensors")):
            self.shards |= dict.fromkeys(read_header(shard), shard)
        self.unread = set(self.shards)

    def __contains__(self, name: str) -> bool:
        return name in self.shards

    def take(self, name: str, *shape: int, raw: bool = False, place: torch.device | None = None) -> Tensor:
        """The tensor on the device (or `place`), of this shape, as the engine's numbers or (`raw`) as stored."""
        from safetensors import SafetensorError, safe_open

        if name not in self.shards:
            raise _misfit(f"{name} is missing")
        shard = self.shards[name]
        try:
            # A handle of its own: layers are read by several threads.
            with safe_open(str(shard), "pt", device=str(place or self.device)) as file:
                tensor = file.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise _misfit(f"{shard.name}: {error}") from error
        if tuple(tensor.shape) != shape:
            raise _misfit(f"{name} is {list(tensor.shape)}, its config means {list(shape)}")
        self.unread.discard(name)
        return tensor if raw else tensor.to(self.dtype)


def _misfit(what: str) -> TrainerError:
    message = f"base model does not fit its config: {what}"
    return TrainerError("ArtifactCorrupt", message, "fetch or materialise the base model again")


def load_weights(
    folder: Path, s: Shape, device: torch.device, dtype: torch.dtype, embedding_on_cpu: bool = False
) -> Weights:
    """The model in `folder`. Raises ArtifactCorrupt unless its tensors are the model's, no more, no less."""
    source = Checkpoint(folder, device, dtype)
    place = torch.device("cpu") if embedding_on_cpu else device
    embedding = source.take("model.embed_tokens.weight", s.vocabulary, s.hidden, place=place)
    # Reading is bound by page faults and copies of one thread; a CPU has the tensors mapped, not read.
    with ThreadPoolExecutor(READERS if device.type == "cuda" else 1) as pool:
        layers = list(pool.map(lambda index: _layer(source, f"model.layers.{index}.", s), range(len(s.windows))))
    norm = source.take("model.norm.weight", s.hidden)
    head = source.take("lm_head.weight", s.vocabulary, s.hidden)
    if source.unread:
        raise _misfit(f"unexpected tensor {min(source.unread)}")
    return Weights(embedding, layers, norm, head, count_parameters(s))


def _layer(source: Checkpoint, prefix: str, s: Shape) -> Layer:
    attention, mlp = f"{prefix}self_attn.", f"{prefix}mlp."
    wide, narrow = s.heads * s.head_dim, s.kv_heads * s.head_dim
    widths = {"q": wide, "k": narrow, "v": narrow}
    weight = [source.take(f"{attention}{name}_proj.weight", width, s.hidden) for name, width in widths.items()]
    bias = [source.take(f"{attention}{name}_proj.bias", width) for name, width in widths.items()]
    return Layer(
        norm1=source.take(f"{prefix}input_layernorm.weight", s.hidden),
        qkv=torch.cat(weight),
        qkv_bias=torch.cat(bias),
        out=source.take(f"{attention}o_proj.weight", s.hidden, wide),
        out_bias=source.take(f"{attention}o_proj.bias", s.hidden),
        sinks=source.take(f"{attention}sinks", s.heads),
        norm2=source.take(f"{prefix}post_attention_layernorm.weight", s.hidden),
        router=source.take(f"{mlp}router.weight", s.experts, s.hidden),
        router_bias=source.take(f"{mlp}router.bias", s.experts),
        gate_up=_experts(source, f"{mlp}experts.gate_up_proj", 2 * s.intermediate, s.hidden, s, interleaved=True),
        down=_experts(source, f"{mlp}experts.down_proj", s.hidden, s.intermediate, s, interleaved=False),
    )


def experts_reader(folder: Path, s: Shape, device: torch.device, dtype: torch.dtype) -> Callable[[int, str], Experts]:
    """Reads (layer, gate_up or down) of the model in `folder` again."""
    source = Checkpoint(folder, device, dtype)

    def read(layer: int, which: str) -> Experts:
        prefix = f"model.layers.{layer}.mlp.experts."
        if which == "gate_up":
            return _experts(source, f"{prefix}gate_up_proj", 2 * s.intermediate, s.hidden, s, interleaved=True)
        return _experts(source, f"{prefix}down_proj", s.hidden, s.intermediate, s, interleaved=False)

    return read


def _experts(source: Checkpoint, name: str, rows: int, width: int, s: Shape, interleaved: bool) -> Experts:
    bias = source.take(f"{name}_bias", s.experts, rows)
    if interleaved:
        bias = torch.cat((bias[:, ::2], bias[:, 1::2]), 1)
    if f"{name}_blocks" in source:
        blocks = source.take(f"{name}_blocks", s.experts, rows, width // 32, 16, raw=True)
        scales = source.take(f"{name}_scales", s.experts, rows, width // 32, raw=True)
        # The fast de-quantiser multiplies by 2^(scale - 1); GPT-OSS's scales are far from either end.
        if int(scales.max()) > 128 or int(scales.min()) < 3:
            raise _misfit(f"{name}_scales has powers of two outside 2^-124 to 2")
        return Experts(bias, interleaved, blocks, scales)
    dense = source.take(name, s.experts, width, rows).transpose(1, 2)
    dense = torch.cat((dense[:, ::2], dense[:, 1::2]), 1) if interleaved else dense.contiguous()
    return Experts(bias, interleaved, dense=dense)


def count_parameters(s: Shape) -> int:
    """Number of parameters of the base model."""
    wide = s.heads * s.head_dim
    attention = s.qkv * (s.hidden + 1) + s.hidden * (wide + 1) + s.heads
    experts = s.experts * (2 * s.intermediate * (s.hidden + 1) + s.hidden * (s.intermediate + 1))
    layer = attention + experts + s.experts * (s.hidden + 1) + 2 * s.hidden
    return layer * len(s.windows) + 2 * s.vocabulary * s.hidden + s.hidden


def is_gpt_oss(config: Mapping[str, Any]) -> bool:
    """Whether a config.json describes the architecture that this engine knows."""
    return config.get("model_type") == "gpt_oss"


def stored_bytes(folder: Path) -> int:
    """Bytes of a folder's safetensors: what the weights take on the device."""
    return sum(shard.stat().st_size for shard in folder.glob("*.safetensors"))
