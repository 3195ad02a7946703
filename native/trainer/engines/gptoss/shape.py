"""The numbers of a GPT-OSS model and its LoRA that every operation needs, and the layouts that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


@dataclass(frozen=True)
class Shape:
    """Sizes from config.json, and the LoRA's rank and scale (alpha / r, or alpha / sqrt(r))."""

    hidden: int
    intermediate: int
    experts: int
    top_k: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    windows: tuple[int, ...]
    """One entry a layer: tokens that a query sees, itself included; 0: all earlier ones."""
    eps: float
    limit: float
    """SwiGLU's clamp."""
    rope: Mapping[str, Any]
    r: int = 1
    scale: float = 1.0
    dropout: float = 0.0
    """Share of the numbers that training drops from every A's input; the others are scaled by 1 / (1 - dropout)."""
    gate_slope: float = 1.702

    @property
    def qkv(self) -> int:
        """Width of query, key and value together."""
        return (self.heads + 2 * self.kv_heads) * self.head_dim

    @property
    def extra(self) -> int:
        """Extra columns for LoRA (r) and bias (1): a power of two that a matrix unit takes."""
        return max(16, 1 << self.r.bit_length())

    @property
    def extra_rows(self) -> int:
        """Extra rows of a scratch weight for A: r, to the next 16 bytes."""
        return _up(self.r, 8)

    # Rows on 128-byte boundaries: the tiles that the copy engine moves stay aligned to sectors.
    @property
    def ld_hidden(self) -> int:
        """Row length of expert inputs, and of gate_up's scratch weight: [H, extra, padding]."""
        return _up(self.hidden + self.extra, 64)

    @property
    def ld_intermediate(self) -> int:
        """Row length of activations between gate_up and down, and of down's scratch weight."""
        return _up(self.intermediate + self.extra, 64)

    @property
    def ld_gate_up(self) -> int:
        """Row length of gradients of gate and up."""
        return _up(2 * self.intermediate + self.extra, 64)


@dataclass(frozen=True)
class Mask:
    """Which numbers of one A's input [rows, columns] are dropped: see random_bits.uniform. key int64 [1]."""

    key: Tensor
    part: int


@dataclass(frozen=True)
class Documents:
    """Packed documents of one micro-batch: bounds int32 [n + 1] on the device, longest, and the lengths.

    lasting: False where a captured graph will come again with other lengths: then only bounds may decide anything.
    """

    bounds: Tensor
    longest: int
    lengths: list[int]
    lasting: bool = True


@dataclass(frozen=True)
class Routing:
    """Which expert sees which token. Rows are grouped by expert, in token order inside one.

    experts int32 [T, K]; weights fp32 [T, K]; inverse int32 [T, K]: the row of a (token, choice); row_weights
    fp32 [R]; offsets int32 [E]: the end of each expert's rows.
    """

    experts: Tensor
    weights: Tensor
    inverse: Tensor
    row_weights: Tensor
    offsets: Tensor

    @cached_property
    def ends(self) -> list[int]:
        """offsets on the host; the first use waits for the GPU."""
        return self.offsets.tolist()


def read_shape(config: Mapping[str, Any]) -> Shape:
    """From a GPT-OSS config.json, as shipped (rope_scaling, rope_theta) or as transformers 5 writes it."""
    layers = config["num_hidden_layers"]
    default = ["sliding_attention", "full_attention"] * layers
    kinds = (config.get("layer_types") or default)[:layers]
    rope = config.get("rope_parameters") or {**config["rope_scaling"], "rope_theta": config["rope_theta"]}
    return Shape(
        hidden=config["hidden_size"],
        intermediate=config["intermediate_size"],
        experts=config["num_local_experts"],
        top_k=config.get("num_experts_per_tok") or config["experts_per_token"],
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        head_dim=config["head_dim"],
        vocabulary=config["vocab_size"],
        windows=tuple(config["sliding_window"] if kind == "sliding_attention" else 0 for kind in kinds),
        eps=config["rms_norm_eps"],
        limit=config.get("swiglu_limit", 7.0),
        rope=rope,
    )
