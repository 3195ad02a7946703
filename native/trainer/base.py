"""python -m trainer materialise config.json

Turns a base model's source (GGUF in a Python package, Hub, folder, or tiny-gpt-oss's recipe) into one folder that every
other command loads: safetensors, config.json, tokenizer.json, chat template, and base.json, written last, that says
what is in it. A whole folder is found again at once: no tensor is loaded and nothing heavy is imported.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from .errors import bad_config, corrupt
from .events import Events
from .files import canonical_json, file_entry, write_durably
from .weights import read_header

SPECIAL_TOKENS = ("bos_token", "eos_token", "pad_token", "unk_token")
COPIED = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "chat_template.jinja", "model.safetensors.index.json",
)  # fmt: skip
"""What is taken from a Hugging Face folder, beside its safetensors."""


def run(config: dict[str, Any], events: Events) -> None:
    """Make the base folder at `out`, or find it there. `result`: base.json's content as metrics, its files as files."""
    out = Path(config["out"])
    source = describe_source(config["source"])
    found = find(out, source)
    if found is None:
        found = _make(out, source, config["source"], events)
    events.emit("result", files=found["files"], metrics={key: found[key] for key in found if key != "files"})


def find(folder: Path, source: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """base.json of a whole base folder (made from `source`, if given), else None. Compares sizes, not hashes."""
    try:
        base = json.loads((folder / "base.json").read_text("utf-8"))
        whole = all((folder / file["name"]).stat().st_size == file["bytes"] for file in base["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if base.get("schema") != 1:
        raise corrupt(f"{folder.name}/base.json has schema {base.get('schema')}; this version reads 1")
    return base if whole and (source or {}).items() <= base["source"].items() else None


def describe_source(source: dict[str, Any]) -> dict[str, Any]:
    """What base.json says of a source and recognises it by: never a path of this machine."""
    kind = source["kind"]
    if kind == "gguf":
        from .gguf_source import describe_gguf

        return {"kind": kind, **describe_gguf(source["package"])}
    if kind == "tiny-gpt-oss":
        from .tiny_gpt_oss import RECIPE_VERSION

        return {"kind": kind, "seed": source["seed"], "recipe": RECIPE_VERSION}
    if kind == "hub":
        return {"kind": kind, "id": source["id"], "revision": source["revision"]}
    folder = Path(source["folder"])
    if not folder.is_dir():
        raise bad_config(f"source.folder: {folder} is not a folder", "name a folder with a Hugging Face model")
    # Hashing a large model again at each start costs minutes; a file changed in place has another time.
    stamp = sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in _files_of(folder))
    return {"kind": kind, "stamp": _digest(stamp)}


def _make(out: Path, source: dict[str, Any], wanted: dict[str, Any], events: Events) -> dict[str, Any]:
    if out.exists() and any(out.iterdir()) and not (out / "base.json").is_file():
        raise bad_config(f"out: {out} holds other files", "name a new folder for the base model")
    _remove_abandoned(out)
    partial = out.with_name(f"{out.name}.partial-{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        events.emit("progress", what=f"make the base model from {source['kind']}", done=0, total=None)
        source = _fill(partial, source, wanted, events)
        base = inspect(partial, source)
        write_durably(partial / "base.json", (json.dumps(base, indent=2, sort_keys=True) + "\n").encode())
        if (out / "base.json").is_file() and find(out, source) is None:
            shutil.rmtree(out)
        try:
            os.rename(partial, out)
        except OSError:
            # Another process made the same base meanwhile; its folder is as good.
            other = find(out, source)
            if other is None:
                raise
            return other
        return base
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fill(folder: Path, source: dict[str, Any], wanted: dict[str, Any], events: Events) -> dict[str, Any]:
    """Write the model's files; returns the source's description, completed by what only now is known."""
    if wanted["kind"] == "gguf":
        from .gguf_source import convert_gguf

        return {**source, "sha256": convert_gguf(wanted["package"], folder, events)}
    if wanted["kind"] == "tiny-gpt-oss":
        from .tiny_gpt_oss import build

        build(folder, Path(wanted["vocabulary"]), wanted["seed"])
    elif wanted["kind"] == "folder":
        _take_folder(Path(wanted["folder"]), folder)
    else:
        from .hub_source import download

        snapshot = download(wanted["id"], wanted["revision"], COPIED, events)
        _take_folder(snapshot, folder)
        return {**source, "commit": snapshot.name}
    return source


def _files_of(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix == ".safetensors" or file.name in COPIED)


def _take_folder(source: Path, folder: Path) -> None:
    """Weights by hard link where the file system allows it, small files as copies."""
    for file in _files_of(source):
        target = folder / file.name
        try:
            if file.suffix != ".safetensors":
                raise OSError
            os.link(file.resolve(), target)
        except OSError:
            shutil.copyfile(file, target)
    if not (folder / "chat_template.jinja").exists() and (folder / "tokenizer_config.json").exists():
        template = _json(folder / "tokenizer_config.json").get("chat_template")
        if isinstance(template, str):
            (folder / "chat_template.jinja").write_text(template, "utf-8")


def inspect(folder: Path, source: dict[str, Any]) -> dict[str, Any]:
    """base.json of a folder: its files and digests. Raises when it is not a base that can be trained.

    weightsDigest: config and every weight file; tokenizerDigest: sha256 of tokenizer.json, as token files name it;
    templateDigest: the chat template and the special tokens that it may name.
    """
    for needed in ("config.json", "tokenizer.json"):
        if not (folder / needed).is_file():
            raise bad_config(f"the model has no {needed}", "use a model in Hugging Face format with a fast tokenizer")
    files = [file_entry(file) for file in sorted(folder.iterdir()) if file.name != "base.json"]
    weights = [(entry["name"], entry["sha256"]) for entry in files if entry["name"].endswith(".safetensors")]
    if not weights:
        raise bad_config("the model has no safetensors file", "convert its weights to safetensors first")
    config = _json(folder / "config.json")
    family = "gpt-oss" if config.get("model_type") == "gpt_oss" else "chat"
    template = folder / "chat_template.jinja"
    if not template.is_file():
        raise bad_config("the model has no chat template", "use an instruct model: base models cannot answer a chat")
    return {
        "schema": 1,
        "family": family,
        "source": source,
        "files": files,
        "weightsDigest": _digest({"config": _stable(config), "weights": weights}),
        "tokenizerDigest": next(entry["sha256"] for entry in files if entry["name"] == "tokenizer.json"),
        "templateDigest": template_digest(folder),
        "parameters": sum(count_parameters(folder / name) for name, _ in weights),
    }


def template_digest(folder: Path) -> str:
    """Digest of the chat template and of the special tokens that it may name."""
    template = (folder / "chat_template.jinja").read_text("utf-8")
    return _digest({"template": template, "tokens": special_tokens(folder)})


def special_tokens(folder: Path) -> dict[str, str]:
    """bos_token, eos_token, pad_token and unk_token as tokenizer_config.json spells them; absent ones are left out."""
    path = folder / "tokenizer_config.json"
    config = _json(path) if path.is_file() else {}
    spelled = {name: config.get(name) for name in SPECIAL_TOKENS}
    spelled = {name: value["content"] if isinstance(value, dict) else value for name, value in spelled.items()}
    return {name: value for name, value in spelled.items() if value}


def _stable(config: dict[str, Any]) -> dict[str, Any]:
    """A config without what names a program or a place."""
    return {key: value for key, value in config.items() if key not in ("transformers_version", "_name_or_path")}


def count_parameters(path: Path) -> int:
    """Number of parameters in a safetensors file; an MXFP4 byte holds two, its scales none."""
    total = 0
    for name, entry in read_header(path).items():
        size = 1
        for length in entry["shape"]:
            size *= length
        total += 0 if name.endswith("_scales") else size * (2 if name.endswith("_blocks") else 1)
    return total


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise corrupt(f"{path.name} is not JSON: {error}", "download the model again") from error


def _remove_abandoned(out: Path) -> None:
    """Delete what processes that no longer live had begun beside `out`."""
    for partial in out.parent.glob(f"{out.name}.partial-*"):
        try:
            os.kill(int(partial.name.rpartition("-")[2]), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(partial, ignore_errors=True)
        except PermissionError:
            continue
