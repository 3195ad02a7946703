"""tiny-gpt-oss: a random GPT-OSS that stands in for the 20B in tests. It is not a language model and never was one.

Real: architecture (experts, sinks, sliding window, YaRN), the o200k harmony vocabulary, tokenizer and chat template.
Not real: the weights, drawn from a counter-based generator and integer arithmetic, so that no library's normal
distribution or libm decides their bytes.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .errors import TrainerError, corrupt
from .weights import save_safetensors

RECIPE_VERSION = 1
"""Raised when any byte below changes for the same vocabulary and seed."""

HIDDEN, INTERMEDIATE, LAYERS, EXPERTS, HEADS, KV_HEADS, HEAD_DIM = 64, 96, 4, 8, 4, 2, 16
ORDINARY_TOKENS, VOCABULARY = 199_998, 201_088
RETURN, ENDOFTEXT, STARTOFTEXT, CALL = 200_002, 199_999, 199_998, 200_012

CONTROL_TOKENS = {
    199_998: "<|startoftext|>",
    199_999: "<|endoftext|>",
    200_002: "<|return|>",
    200_003: "<|constrain|>",
    200_005: "<|channel|>",
    200_006: "<|start|>",
    200_007: "<|end|>",
    200_008: "<|message|>",
    200_012: "<|call|>",
}
"""openai/harmony, src/tiktoken_ext/public_encodings.rs; every other id from 200,000 on is reserved."""

# How o200k cuts text before merging (tiktoken's o200k_base).
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
PATTERN = "|".join([
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTION}",
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTION}",
    r"\p{N}{1,3}",
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
    r"\s*[\r\n]+",
    r"\s+(?!\S)",
    r"\s+",
])  # fmt: skip

# The published form (openai/harmony docs/format.md). The date is what the caller pins, by default none: a template that
# asks the clock gives other training bytes every day. Unlike the Hub's template, nothing follows the instructions.
CHAT_TEMPLATE = """\
{%- set effort = reasoning_effort if reasoning_effort is defined else "medium" -%}
{%- set date = "\\nCurrent date: " + current_date if current_date is defined else "" -%}
{{- "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\\n" -}}
{{- "Knowledge cutoff: 2024-06" + date + "\\n\\nReasoning: " + effort + "\\n\\n" -}}
{{- "# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>" -}}
{%- for message in messages -%}
  {%- if message.role in ["system", "developer"] -%}
    {{- "<|start|>developer<|message|># Instructions\\n\\n" + message.content + "<|end|>" -}}
  {%- elif message.role == "user" -%}
    {{- "<|start|>user<|message|>" + message.content + "<|end|>" -}}
  {%- elif message.role == "assistant" -%}
    {{- "<|start|>assistant" -}}
    {%- if loop.last and message.thinking -%}
      {{- "<|channel|>analysis<|message|>" + message.thinking + "<|end|><|start|>assistant" -}}
    {%- endif -%}
    {{- "<|channel|>final<|message|>" + message.content -}}
    {{- "<|return|>" if loop.last and not add_generation_prompt else "<|end|>" -}}
  {%- else -%}
    {{- raise_exception("this template knows system, developer, user and assistant, not " + message.role) -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- "<|start|>assistant" -}}
{%- endif -%}
"""


def build(folder: Path, vocabulary: Path, seed: int) -> None:
    """Write the whole base folder: same vocabulary file and seed, same bytes on any machine.

    vocabulary: o200k_base.tiktoken, lines of `base64(token bytes) rank`.
    """
    ranks = read_ranks(vocabulary)
    _write_json(folder / "tokenizer.json", tokenizer(ranks))
    _write_json(folder / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 131_072, "add_prefix_space": False,
        "clean_up_tokenization_spaces": False, "bos_token": CONTROL_TOKENS[STARTOFTEXT],
        "eos_token": CONTROL_TOKENS[RETURN], "pad_token": CONTROL_TOKENS[ENDOFTEXT],
    })  # fmt: skip
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, "utf-8")
    _write_json(folder / "config.json", CONFIG)
    _write_json(folder / "generation_config.json", {
        "bos_token_id": STARTOFTEXT, "do_sample": False, "eos_token_id": [RETURN, ENDOFTEXT, CALL],
        "pad_token_id": ENDOFTEXT,
    })  # fmt: skip
    save_safetensors(folder / "model.safetensors", dict(draw_weights(seed)))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=None if path.name == "tokenizer.json" else 2), "utf-8")


def read_ranks(path: Path) -> dict[bytes, int]:
    """Token bytes to rank, from a tiktoken file; refused unless it is o200k_base's size."""
    try:
        lines = path.read_text("ascii").split("\n")
        ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
    except OSError as error:
        raise TrainerError("ConfigMissing", f"vocabulary file {path.name}: {error.strerror}",
                           "name gpt-tokenizer's data/o200k_base.tiktoken") from error  # fmt: skip
    except ValueError as error:
        raise corrupt(f"vocabulary file {path.name}: {error}", "install gpt-tokenizer again") from error
    if sorted(ranks.values()) != list(range(ORDINARY_TOKENS)):
        raise corrupt(f"vocabulary file {path.name}: its ranks are not 0 to {ORDINARY_TOKENS - 1}")
    return ranks


def tokenizer(ranks: dict[bytes, int]) -> dict[str, Any]:
    """A tokenizer.json (Hugging Face tokenizers) that encodes as tiktoken does with these ranks.

    tiktoken merges any two neighbours whose union is a token, lowest rank first; BPE wants pairs, so each token's
    every split into two tokens becomes one, in order of rank.
    """
    letters = _byte_letters()

    def spell(token: bytes) -> str:
        return "".join(letters[byte] for byte in token)

    merges: list[tuple[int, int, int, str, str]] = []
    for token, rank in ranks.items():
        for cut in range(1, len(token)):
            left, right = ranks.get(token[:cut]), ranks.get(token[cut:])
            if left is not None and right is not None:
                merges.append((rank, left, right, spell(token[:cut]), spell(token[cut:])))
    merges.sort()
    added = [
        {"id": id, "content": CONTROL_TOKENS.get(id, f"<|reserved_{id}|>"), "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False, "special": True}
        for id in range(ORDINARY_TOKENS, VOCABULARY)
    ]  # fmt: skip
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    by_rank = sorted(ranks.items(), key=lambda item: item[1])
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
            "vocab": {spell(token): rank for token, rank in by_rank},
            "merges": [[left, right] for _, _, _, left, right in merges],
        },
    }  # fmt: skip


def _byte_letters() -> list[str]:
    """GPT-2's printable letter for each byte."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {byte: chr(256 + at) for at, byte in enumerate(others)}
    return [letters[byte] for byte in range(256)]


CONFIG: dict[str, Any] = {
    "architectures": ["GptOssForCausalLM"],
    "attention_bias": True,
    "attention_dropout": 0.0,
    "bos_token_id": STARTOFTEXT,
    "dtype": "bfloat16",
    "eos_token_id": RETURN,
    "head_dim": HEAD_DIM,
    "hidden_act": "silu",
    "hidden_size": HIDDEN,
    "initializer_range": 0.02,
    "intermediate_size": INTERMEDIATE,
    "layer_types": ["sliding_attention", "full_attention"] * (LAYERS // 2),
    "max_position_embeddings": 131_072,
    "model_type": "gpt_oss",
    "num_attention_heads": HEADS,
    "num_experts_per_tok": 2,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": KV_HEADS,
    "num_local_experts": EXPERTS,
    "output_router_logits": False,
    "pad_token_id": ENDOFTEXT,
    "rms_norm_eps": 1e-05,
    "rope_parameters": {
        "beta_fast": 32.0, "beta_slow": 1.0, "factor": 32.0, "original_max_position_embeddings": 4096,
        "rope_theta": 150000.0, "rope_type": "yarn", "truncate": False,
    },
    "router_aux_loss_coef": 0.9,
    "sliding_window": 64,
    "swiglu_limit": 7.0,
    "tie_word_embeddings": False,
    "vocab_size": VOCABULARY,
}  # fmt: skip

EMBED_STD, HEAD_STD, WEIGHT_STD, PRIOR = 1.0, 0.25, 0.125, 0.3


def draw_weights(seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """(name, bfloat16 bits as uint16) of every parameter.

    Default initialisation learns nothing visible: the final norm makes every logit small. Here one direction of the
    hidden state, which the random layers do not use, weighs tokens by their rank in the vocabulary (rank in o200k is
    frequency, roughly). A LoRA finds that direction first, so 40 steps on English text lower the loss by 4 to 5 nats.
    """
    q, kv, double = HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM, 2 * INTERMEDIATE
    stream = 0

    def draw(*shape: int, std: float) -> np.ndarray:
        nonlocal stream
        stream += 1
        generator = np.random.Philox(key=(seed % 2**64) + (stream << 64))
        integers = generator.random_raw(-(-int(np.prod(shape)) // 4)).view("<i2")[: int(np.prod(shape))]
        # Uniform with this standard deviation; float32 product of exact numbers: the same bits everywhere.
        return integers.astype(np.float32).reshape(shape) * np.float32(std * 3**0.5 / 2**15)

    head = draw(VOCABULARY, HIDDEN, std=HEAD_STD)
    yield "lm_head.weight", bfloat16(head + _log_frequency()[:, None] * np.float32(PRIOR / HIDDEN**0.5))
    yield "model.embed_tokens.weight", bfloat16(draw(VOCABULARY, HIDDEN, std=EMBED_STD))
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name, size in (("input_layernorm", HIDDEN), ("post_attention_layernorm", HIDDEN)):
            yield f"{prefix}{name}.weight", bfloat16(np.ones(size, np.float32))
        for name, out, width in (("q", q, HIDDEN), ("k", kv, HIDDEN), ("v", kv, HIDDEN), ("o", HIDDEN, q)):
            yield f"{prefix}self_attn.{name}_proj.weight", bfloat16(draw(out, width, std=WEIGHT_STD))
            yield f"{prefix}self_attn.{name}_proj.bias", bfloat16(draw(out, std=0.02))
        yield f"{prefix}self_attn.sinks", bfloat16(draw(HEADS, std=1.0))
        yield f"{prefix}mlp.router.weight", bfloat16(draw(EXPERTS, HIDDEN, std=WEIGHT_STD))
        yield f"{prefix}mlp.router.bias", bfloat16(draw(EXPERTS, std=0.02))
        yield f"{prefix}mlp.experts.gate_up_proj", bfloat16(draw(EXPERTS, HIDDEN, double, std=WEIGHT_STD))
        yield f"{prefix}mlp.experts.gate_up_proj_bias", bfloat16(draw(EXPERTS, double, std=0.02))
        yield f"{prefix}mlp.experts.down_proj", bfloat16(draw(EXPERTS, INTERMEDIATE, HIDDEN, std=WEIGHT_STD))
        yield f"{prefix}mlp.experts.down_proj_bias", bfloat16(draw(EXPERTS, HIDDEN, std=0.02))
    yield "model.norm.weight", bfloat16(np.ones(HIDDEN, np.float32))


def _log_frequency() -> np.ndarray:
    """float32 [VOCABULARY]: about -ln(rank + 20), mean near 0. Chords of log2, as libm's logarithms differ in bits."""
    rank = np.arange(VOCABULARY, dtype=np.int64)
    rank[ORDINARY_TOKENS:] = ORDINARY_TOKENS
    rank[[id for id in CONTROL_TOKENS if id > 200_001]] = 0
    shifted = rank + 20
    exponent = np.frexp(shifted.astype(np.float64))[1] - 1
    log2 = exponent + shifted / (1 << exponent.astype(np.int64)) - 1
    return ((16 - log2) * 0.6875).astype(np.float32)


def bfloat16(values: np.ndarray) -> np.ndarray:
    """float32 to bfloat16 bits (uint16), to the nearest, ties to even. numpy has no bfloat16."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
