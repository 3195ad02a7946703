"""Floating-point operations that a step needs, for its model FLOP/s utilisation (MFU; Chowdhery et al. 2022, PaLM, B).

Counted: what the training needs, not what an engine does: operations that are repeated to save memory do not count.
A weight that a token meets costs 2 operations forward and, frozen, 2 for its input's gradient; a LoRA weight, trained,
2 more. The head meets supervised tokens only. Attention costs 4 * heads * head_dim a (query, visible key) forward and
twice that backward; what the mask hides does not count. Norms, softmax, rotary and optimiser are left out, as in PaLM.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FORWARD_AND_INPUT_GRADIENT, WITH_WEIGHT_GRADIENT = 4, 6

PEAK_BF16 = {
    "B200": 2250e12,
    "H200": 989.4e12,
    "H100 NVL": 835.5e12,
    "H100 PCIe": 756.5e12,
    "H100": 989.4e12,
    "A100": 312e12,
    "L40S": 362e12,
    "A10G": 70e12,
    "L4": 121e12,
    "RTX 4090": 165.2e12,
    "RTX 3090": 71e12,
}
"""Dense bf16 FLOP/s by the vendor's data sheets (no sparsity), by a part of the device's name; first match holds."""


@dataclass(frozen=True)
class Cost:
    """What one token costs: FLOPs in the layers, FLOPs in the head where it is supervised, FLOPs a visible key.

    windows: one entry a layer, keys that a query sees, itself included; 0: all earlier ones of its document.
    """

    token: float
    supervised_token: float
    visible_key: float
    windows: tuple[int, ...]

    def of(self, lengths: Iterable[int], supervised: int) -> float:
        """FLOPs of a training pass over documents of these lengths, `supervised` of whose tokens have a loss."""
        total = supervised * self.supervised_token
        for length in lengths:
            keys = sum(visible_keys(length, window) for window in self.windows)
            total += length * self.token + keys * self.visible_key
        return total


def visible_keys(length: int, window: int) -> int:
    """Keys that all queries of a document see together in a causal layer; window 0: no limit."""
    near = min(window or length, length)
    return near * (near + 1) // 2 + (length - near) * near


def cost_of(config: Mapping[str, Any], lora: Mapping[str, Any]) -> Cost:
    """From a model's config.json (GPT-OSS, or dense with a gated feed-forward) and TrainConfig's lora."""
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim") or hidden // heads
    wide, narrow = heads * head_dim, (config.get("num_key_value_heads") or heads) * head_dim
    experts = config.get("num_local_experts") or 0
    # Copies of the feed-forward layer that a token meets.
    met = (config.get("num_experts_per_tok") or config.get("experts_per_token") or 1) if experts else 1
    frozen = hidden * (wide + 2 * narrow) + wide * hidden + met * 3 * hidden * inner + experts * hidden
    trained = 0
    if lora["targets"] != "mlp":
        trained += 2 * (hidden + wide) + 2 * (hidden + narrow)
    if lora["targets"] != "attention":
        # GPT-OSS has gate and up in one matrix, with one A.
        trained += met * ((hidden + 2 * inner) + (inner + hidden) if experts else 3 * (hidden + inner))
    token = layers * (FORWARD_AND_INPUT_GRADIENT * frozen + WITH_WEIGHT_GRADIENT * lora["r"] * trained)
    return Cost(
        token=token,
        supervised_token=FORWARD_AND_INPUT_GRADIENT * hidden * config["vocab_size"],
        visible_key=3 * 4 * wide,
        windows=tuple(_windows(config)),
    )


def _windows(config: Mapping[str, Any]) -> list[int]:
    layers, window = config["num_hidden_layers"], config.get("sliding_window") or 0
    if config.get("model_type") == "gpt_oss":
        kinds = config.get("layer_types") or ["sliding_attention", "full_attention"] * layers
    else:
        kinds = config.get("layer_types") or ["full_attention"] * layers
    return [window if kind == "sliding_attention" else 0 for kind in kinds[:layers]]


def peak_flops(device_name: str) -> float | None:
    """Dense bf16 FLOP/s of a GPU by its data sheet, or None for one that is not in the table (and for a CPU)."""
    return next((peak for part, peak in PEAK_BF16.items() if part.lower() in device_name.lower()), None)
