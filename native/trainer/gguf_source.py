"""A GGUF file inside a Python package, de-quantised into a Hugging Face folder."""

import importlib.metadata
import json
import re
from pathlib import Path
from typing import Any

from .errors import TrainerError
from .events import Events
from .files import file_entry
from .weights import save_safetensors

CONFIG_LEFT_OUT = ("quantization_config", "transformers_version", "_name_or_path", "name_or_path")


def locate_gguf(package: str) -> tuple[Path, str]:
    """(path, package version) of the one .gguf file of a distribution. The package itself is never imported."""
    try:
        distribution = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError as error:
        raise TrainerError("ConfigMissing", f"the Python package {package} is not installed",
                           "run the set-up again: npm start") from error  # fmt: skip
    paths = [Path(str(distribution.locate_file(file))) for file in distribution.files or [] if file.suffix == ".gguf"]
    if len(paths) != 1 or not paths[0].is_file():
        raise TrainerError("ConfigMissing", f"the Python package {package} holds {len(paths)} GGUF files, not one",
                           "install the locked version of the package")  # fmt: skip
    return paths[0], distribution.version


def describe_gguf(package: str) -> dict[str, Any]:
    """{package, version, file, bytes}: what a card says of the weights' origin."""
    path, version = locate_gguf(package)
    return {"package": package, "version": version, "file": path.name, "bytes": path.stat().st_size}


def convert_gguf(package: str, folder: Path, events: Events) -> str:
    """Write model.safetensors (bf16), configs, tokenizer and chat template into `folder`; returns the GGUF's sha256.

    End and padding token come from the GGUF's own fields: transformers 5.17 reports the start token as the end.
    """
    import torch
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    path, _ = locate_gguf(package)
    fields = GGUFReader(path).fields

    def field(name: str) -> Any:
        return fields[name].contents() if name in fields else None

    events.emit("progress", what="tokenizer", done=1, total=3)
    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    names = {name: field(f"tokenizer.ggml.{key}_token_id") for name, key in
             (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))}  # fmt: skip
    if names["eos"] is None:
        raise TrainerError("InvalidInput", f"{path.name} names no end token", "use a GGUF of a chat model")
    names["pad"] = names["eos"] if names["pad"] is None else names["pad"]
    _write_tokenizer(folder, tokenizer, names, field("tokenizer.chat_template"))

    events.emit("progress", what="weights", done=2, total=3)
    model, loading = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.bfloat16, output_loading_info=True
    )
    problems = {kind: sorted(map(str, keys)) for kind, keys in loading.items() if keys}
    if problems:
        raise TrainerError("ArtifactCorrupt", f"{path.name} does not fit its architecture: {problems}",
                           "use a GGUF whose architecture transformers loads")  # fmt: skip
    state = model.state_dict()
    if model.config.tie_word_embeddings:
        state.pop("lm_head.weight", None)
    save_safetensors(folder / "model.safetensors", state)

    ids = {f"{name}_token_id": id for name, id in names.items() if id is not None and name != "unk"}
    config = {key: value for key, value in model.config.to_dict().items() if key not in CONFIG_LEFT_OUT}
    _write(folder / "config.json", {**config, **ids, "dtype": "bfloat16", "architectures": [type(model).__name__]})
    _write(folder / "generation_config.json", {**ids, "do_sample": False})
    events.emit("progress", what="written", done=3, total=3)
    return file_entry(path)["sha256"]


def _write_tokenizer(folder: Path, tokenizer: Any, ids: dict[str, int | None], template: str | None) -> None:
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    if content["pre_tokenizer"]["type"] == "ByteLevel":
        # transformers adds SentencePiece's steps too; with them U+2581 in a text decodes to a space.
        content["decoder"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    (folder / "tokenizer.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    spelled = {f"{name}_token": tokenizer.convert_ids_to_tokens(id) for name, id in ids.items() if id is not None}
    _write(folder / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": False, "clean_up_tokenization_spaces": False,
        **spelled,
    })  # fmt: skip
    if template is None or re.fullmatch(r"\s*", template):
        raise TrainerError("InvalidInput", "the GGUF has no chat template", "use a GGUF of a chat model")
    (folder / "chat_template.jinja").write_text(template, "utf-8")


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
