"""GPT-OSS bases for the tests of our engine, with weights that reach the clamps, and random adapters."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import GptOssConfig, GptOssForCausalLM
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

EXPERTS, TOP_K, HIDDEN, INTERMEDIATE, VOCABULARY = 4, 2, 64, 32, 128
DECODED = "decoded"
"""Folder inside an MXFP4 base with the same model in bf16, decoded by transformers' converter."""


def save_gpt_oss(folder: Path, mxfp4: bool, hidden: int = HIDDEN, intermediate: int = INTERMEDIATE, layers: int = 2
                 ) -> dict:  # fmt: skip
    """A random model of unequal widths; with `mxfp4` its experts are in the shipped layout. Returns its BaseFolder."""
    config = GptOssConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        num_local_experts=EXPERTS,
        num_experts_per_tok=TOP_K,
        sliding_window=8,
    )
    torch.manual_seed(0)
    model = GptOssForCausalLM(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.normal_(1.0, 0.1)
            elif name.endswith("gate_up_proj_bias"):
                # Wide enough that some gates and ups are clamped.
                parameter.normal_(0.0, 3.0)
            else:
                # Small gains: rounding that grows from layer to layer would hide a wrong gradient. But not in the
                # queries and keys: even attention cancels, and leaves rounding.
                sharp = name.endswith(("q_proj.weight", "k_proj.weight"))
                parameter.normal_(0.0, 0.1 if sharp else 0.05)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}")
    if mxfp4:
        path = folder / "model.safetensors"
        weights = load_file(path)
        decoded = dict(weights)
        for name in [name for name in weights if name.endswith(("gate_up_proj", "down_proj"))]:
            experts, inner, outer = weights.pop(name).shape
            weights[f"{name}_blocks"] = torch.randint(0, 256, (experts, outer, inner // 32, 16), dtype=torch.uint8)
            weights[f"{name}_scales"] = torch.randint(118, 120, (experts, outer, inner // 32), dtype=torch.uint8)
            decoded[name] = convert_moe_packed_tensors(
                weights[f"{name}_blocks"], weights[f"{name}_scales"], dtype=torch.bfloat16
            )
        # transformers 5.17 computes in bf16 whatever dtype it is asked for when it reads MXFP4 itself.
        shutil.copytree(folder, folder / DECODED)
        save_file({n: w.contiguous() for n, w in decoded.items()}, folder / DECODED / path.name, {"format": "pt"})
        save_file(weights, path, {"format": "pt"})
        raw = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**raw, "quantization_config": {"quant_method": "mxfp4"}}))
    return {"folder": str(folder), "family": "gpt-oss", "id": "base", "revision": None, "weightsDigest": "ab" * 32}


def readable_by_transformers(base: dict) -> dict:
    """The same model as a base that transformers computes in fp32."""
    decoded = Path(base["folder"]) / DECODED
    return {**base, "folder": str(decoded)} if decoded.is_dir() else base


def random_adapter(trainable: dict, scale: float = 0.1) -> dict:
    """A and B both non-zero: with B zero no gradient of A could be wrong."""
    generator = torch.Generator().manual_seed(11)
    return {name: scale * torch.randn(p.shape, generator=generator) for name, p in trainable.items()}
