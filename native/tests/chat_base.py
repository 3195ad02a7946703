"""A tiny random chat model that has what a real one has: byte-level BPE, ChatML tokens, a template, end tokens."""

import json
from pathlib import Path

CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEXT = """npm ci installs a project with a clean slate. It needs a package-lock.json file and removes node_modules.
    const { readFile } = require('node:fs/promises');
\tif (answer === 42) { return "Grüße, 世界 😀"; }

The assistant says what the user asked for; system messages come first.
"""


def save_tokenizer(folder: Path, template: str = CHATML) -> int:
    """Write tokenizer.json, tokenizer_config.json and the chat template; returns the vocabulary's size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT] * 4, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"bos_token": SPECIALS[1], "eos_token": SPECIALS[2], "pad_token": SPECIALS[2], "unk_token": SPECIALS[0]}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **names})
    )
    (folder / "chat_template.jinja").write_text(template, "utf-8")
    return tokenizer.get_vocab_size()


def save_chat_base(folder: Path) -> dict:
    """Write the whole base folder, base.json included; returns its BaseFolder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from trainer.base import inspect

    torch.manual_seed(11)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=save_tokenizer(folder),
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=2,
        )
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name:
                parameter.normal_(0.0, 0.2)
    model.save_pretrained(folder)
    base = inspect(folder, {"kind": "test"})
    (folder / "base.json").write_text(json.dumps(base))
    return {
        "folder": str(folder),
        "family": "chat",
        "id": "base",
        "revision": None,
        "weightsDigest": base["weightsDigest"],
    }
