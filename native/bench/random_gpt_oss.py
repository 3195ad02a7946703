"""A gpt-oss with random weights of the real shapes, on disk in the shipped layout (20B: 13 GB, 120B: 65 GB)."""

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from trainer.engines.gptoss.shape import read_shape
from trainer.engines.gptoss.weights import Experts, Layer, Weights, count_parameters

CONFIG: dict[str, Any] = {
    "architectures": ["GptOssForCausalLM"],
    "head_dim": 64,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "max_position_embeddings": 131_072,
    "model_type": "gpt_oss",
    "num_attention_heads": 64,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 24,
    "num_key_value_heads": 8,
    "num_local_experts": 32,
    "quantization_config": {"quant_method": "mxfp4"},
    "rms_norm_eps": 1e-05,
    "rope_scaling": {
        "beta_fast": 32.0, "beta_slow": 1.0, "factor": 32.0, "original_max_position_embeddings": 4096,
        "rope_type": "yarn", "truncate": False,
    },
    "rope_theta": 150000,
    "sliding_window": 128,
    "swiglu_limit": 7.0,
    "tie_word_embeddings": False,
    "vocab_size": 201_088,
}  # fmt: skip
"""openai/gpt-oss-20b's shapes."""
CONFIG_120B = {**CONFIG, "num_hidden_layers": 36, "num_local_experts": 128}
"""openai/gpt-oss-120b's."""


def write_random(
    folder: Path, layers: int | None = None, seed: int = 0, shapes: dict[str, Any] = CONFIG, spill: Sequence[Path] = ()
) -> dict[str, Any]:
    """Write config.json, an empty tokenizer.json and one shard a layer; returns the BaseFolder.

    spill: folders of other file systems; each shard goes where most is free, with a link in `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {**shapes, "num_hidden_layers": layers or shapes["num_hidden_layers"]}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text("{}")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    hidden, vocabulary, count = config["hidden_size"], config["vocab_size"], config["num_hidden_layers"]
    free = {place: shutil.disk_usage(place).free for place in (folder, *spill)}
    size = config["num_local_experts"] * hidden * config["intermediate_size"] * 3 * 17 // 32

    def write(layer: int) -> dict[str, str]:
        draw, integers = _drawers(torch.Generator(device).manual_seed(seed * 1000 + layer), device)
        if layer == count:
            name, tensors = "model-ends.safetensors", {
                "model.embed_tokens.weight": draw(vocabulary, hidden, std=0.5),
                "lm_head.weight": draw(vocabulary, hidden, std=0.02),
                "model.norm.weight": draw(hidden, std=0.1, mean=1.0),
            }  # fmt: skip
        else:
            name, tensors = f"model-{layer:02}.safetensors", _layer(f"model.layers.{layer}.", config, draw, integers)
        _save(places[layer] / name, tensors)
        if places[layer] != folder:
            (folder / name).symlink_to(places[layer] / name)
        return dict.fromkeys(tensors, name)

    places = []
    for _ in range(count + 1):
        places.append(max(free, key=lambda place: free[place]))
        free[places[-1]] -= size
    index: dict[str, str] = {}
    with ThreadPoolExecutor(4 if device.type == "cuda" else 1) as pool:
        for names in pool.map(write, range(count + 1)):
            index |= names
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return {"folder": str(folder), "family": "gpt-oss", "id": "base", "revision": None, "weightsDigest": "00" * 32}


def random_weights(config: dict[str, Any], device: torch.device, seed: int = 0) -> Weights:
    """The same kind of model straight in GPU memory: for shapes that no disk here holds. Its numbers are others."""
    s = read_shape(config)
    draw, integers = _drawers(torch.Generator(device).manual_seed(seed), device)

    def experts(tensors: dict[str, torch.Tensor], name: str, interleaved: bool) -> Experts:
        bias, blocks, scales = (tensors.pop(f"mlp.experts.{name}_proj_{part}") for part in ("bias", "blocks", "scales"))
        return Experts(bias, interleaved, blocks, scales)

    def layer() -> Layer:
        t = _layer("", config, draw, integers)
        gate_up, down = experts(t, "gate_up", True), experts(t, "down", False)
        qkv = torch.cat([t[f"self_attn.{name}_proj.weight"] for name in "qkv"])
        qkv_bias = torch.cat([t[f"self_attn.{name}_proj.bias"] for name in "qkv"])
        return Layer(
            t["input_layernorm.weight"], qkv, qkv_bias, t["self_attn.o_proj.weight"], t["self_attn.o_proj.bias"],
            t["self_attn.sinks"], t["post_attention_layernorm.weight"], t["mlp.router.weight"], t["mlp.router.bias"],
            gate_up, down,
        )  # fmt: skip

    hidden, vocabulary = config["hidden_size"], config["vocab_size"]
    embedding, head = draw(vocabulary, hidden, std=0.5), draw(vocabulary, hidden, std=0.02)
    layers = [layer() for _ in range(config["num_hidden_layers"])]
    return Weights(embedding, layers, draw(hidden, std=0.1, mean=1.0), head, count_parameters(s))


def _drawers(generator: torch.Generator, device: torch.device) -> tuple[Any, Any]:
    """(normal numbers in bf16, bytes)."""

    def draw(*shape: int, std: float, mean: float = 0.0) -> torch.Tensor:
        value = torch.empty(shape, dtype=torch.bfloat16, device=device)
        return value.normal_(mean, std, generator=generator)

    def integers(low: int, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(low, high, shape, dtype=torch.uint8, device=device, generator=generator)

    return draw, integers


def _layer(prefix: str, config: dict[str, Any], draw: Any, integers: Any) -> dict[str, torch.Tensor]:
    hidden, inner, experts = config["hidden_size"], config["intermediate_size"], config["num_local_experts"]
    wide = config["num_attention_heads"] * config["head_dim"]
    narrow = config["num_key_value_heads"] * config["head_dim"]
    tensors = {
        "input_layernorm.weight": draw(hidden, std=0.1, mean=1.0),
        "post_attention_layernorm.weight": draw(hidden, std=0.1, mean=1.0),
        "self_attn.sinks": draw(config["num_attention_heads"], std=1.0),
        "mlp.router.weight": draw(experts, hidden, std=0.02),
        "mlp.router.bias": draw(experts, std=0.1),
    }
    for name, out, width in (("q", wide, hidden), ("k", narrow, hidden), ("v", narrow, hidden), ("o", hidden, wide)):
        tensors[f"self_attn.{name}_proj.weight"] = draw(out, width, std=0.02)
        tensors[f"self_attn.{name}_proj.bias"] = draw(out, std=0.1)
    for name, out, width in (("gate_up", 2 * inner, hidden), ("down", hidden, inner)):
        tensors[f"mlp.experts.{name}_proj_bias"] = draw(experts, out, std=0.1)
        tensors[f"mlp.experts.{name}_proj_blocks"] = integers(0, 256, experts, out, width // 32, 16)
        # Standard deviation of the weights: 0.02.
        tensors[f"mlp.experts.{name}_proj_scales"] = integers(119, 122, experts, out, width // 32)
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _save(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file({name: tensor.cpu() for name, tensor in tensors.items()}, path, {"format": "pt"})
