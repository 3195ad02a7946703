"""Tiny models of both families and a token file, made once a session."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# These tests need no GPU: Triton's kernels run in its interpreter. Triton reads it when it is first imported.
os.environ.setdefault("TRITON_INTERPRET", "1")

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from trainer.data import write_tokens

VOCABULARY = 512
FAMILIES = ("chat", "gpt-oss")


def save_base(folder: Path, family: str) -> dict:
    """A seeded random model with a visible spread of logits; returns its BaseFolder."""
    import torch
    from transformers import GptOssConfig, GptOssForCausalLM, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(7)
    if family == "chat":
        config = LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=256,
        )
        model = LlamaForCausalLM(config)
    else:
        # Unequal widths, so that a transposed or mixed-up expert tensor cannot fit by chance.
        config = GptOssConfig(
            vocab_size=VOCABULARY,
            hidden_size=64,
            intermediate_size=40,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            num_local_experts=4,
            num_experts_per_tok=2,
            sliding_window=8,
            max_position_embeddings=256,
        )
        config._attn_implementation = "eager"
        model = GptOssForCausalLM(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name:
                # Logits of standard deviation 2: a narrow head caps them, and no training could lower the loss.
                parameter.normal_(0.0, 2 / config.hidden_size**0.5 if "lm_head" in name else 0.15)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}")
    return {"folder": str(folder), "family": family, "id": "base", "revision": None, "weightsDigest": "ab" * 32}


def save_tokens(path: Path, base: dict, seed: int = 5, examples: int = 20) -> Path:
    """Examples of 6 to 40 tokens; the last third of each is supervised: one format token, then content."""
    generator = np.random.default_rng(seed)
    rows = [generator.integers(0, VOCABULARY, int(n)) for n in generator.integers(6, 41, examples)]
    roles = []
    for row in rows:
        role = np.zeros(len(row), dtype=np.uint8)
        role[-max(2, len(row) // 3) :] = 2
        role[-1] = 1
        roles.append(role)
    write_tokens(
        path,
        ids=np.concatenate(rows),
        offsets=np.cumsum([0, *map(len, rows)]),
        role=np.concatenate(roles),
        example=np.stack([np.frombuffer(hashlib.sha256(row.tobytes()).digest(), dtype=np.uint8) for row in rows]),
        metadata={
            "tokenizerSha256": hashlib.sha256((Path(base["folder"]) / "tokenizer.json").read_bytes()).hexdigest(),
            "templateSha256": "cd" * 32,
            "vocabSize": VOCABULARY,
            "maxTokens": 64,
            "endTokenId": 2,
        },
    )
    return path


@pytest.fixture(scope="session")
def bases(tmp_path_factory) -> dict[str, dict]:
    """BaseFolder of a tiny model of each family."""
    return {family: save_base(tmp_path_factory.mktemp(family), family) for family in FAMILIES}


@pytest.fixture(scope="session")
def token_path(bases, tmp_path_factory) -> Path:
    """A token file that fits both tiny models."""
    return save_tokens(tmp_path_factory.mktemp("tokens") / "train.safetensors", bases["chat"])


@pytest.fixture(scope="session")
def schema_of():
    """Reader of the generated schemas."""
    from trainer.config import SCHEMA_FOLDER

    return lambda name: json.loads((SCHEMA_FOLDER / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def chat_base(tmp_path_factory) -> dict:
    """BaseFolder of a tiny random chat model with a real tokenizer and template; see chat_base.py."""
    from chat_base import save_chat_base

    return save_chat_base(tmp_path_factory.mktemp("chat-base"))


@pytest.fixture(scope="session")
def node_files(tmp_path_factory) -> Path:
    """What Node writes of conversations and npm's manual (scripts/harmony-fixture.ts). Skips where dist is absent."""
    script = Path(__file__).resolve().parents[2] / "dist" / "scripts" / "harmony-fixture.js"
    if not script.exists():
        pytest.skip("dist is not built: run tsc first")
    folder = tmp_path_factory.mktemp("harmony")
    node = shutil.which("node")
    assert node, "Node built dist, so it is on the path"
    subprocess.run([node, str(script), str(folder)], check=True, timeout=120)
    return folder


@pytest.fixture(scope="session")
def manual(node_files) -> list[dict]:
    """Every example that the stages make of npm's manual for GPT-OSS."""
    lines = (node_files / "manual.jsonl").read_text("utf-8").split("\n")[:-1]
    assert len(lines) > 300
    return [json.loads(line) for line in lines]
