"""python -m trainer evaluate config.json

Scores the base model and its adapters on probes (token files) and lets each answer the prompts, in one process and one
dtype. Writes nll.jsonl and answers.jsonl; statistics and verdict are Node's (lib/stats, lib/gate).
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from .data import CONTENT, FORMAT, TokenFile, read_tokens, require_tokenizer
from .decoding import Prompts, generate_ids
from .engines.loading import load_engine
from .errors import bad_config
from .events import Counter, Events
from .files import file_entry, write_durably
from .scoring import token_nll

BASE = "base"
"""The name of the model without an adapter."""


def run(config: dict[str, Any], events: Events) -> None:
    """The evaluate command; `result` has, by model and probe, token-weighted and mean NLL of content and format."""
    from .engines.peft_config import lora_of

    names = [BASE, *(adapter["name"] for adapter in config["adapters"])]
    if len(set(names)) != len(names):
        raise bad_config(f"adapters: names must differ from each other and from {BASE!r}: {', '.join(names[1:])}")
    probes = {probe["name"]: _read(probe, config["base"]) for probe in config["probes"]}
    prompts = Prompts(config["base"])
    encoded = [(prompt["id"], *prompts.encode(prompt)) for prompt in config["prompts"]]
    started = time.monotonic()
    progress = Counter(events, len(names) * (sum(len(chosen) for _, chosen in probes.values()) + len(encoded)))
    engine = load_engine(config, events)
    losses: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for name, folder in zip(names, [None, *(adapter["folder"] for adapter in config["adapters"])], strict=True):
        if folder is not None:
            if engine.peft is not None and engine.lora != lora_of(folder):
                engine = None  # Another LoRA shape needs a fresh engine, and two models may not fit at once.
                engine = load_engine(config, events)
            engine.load_adapter(folder)
        for probe, (tokens, chosen) in probes.items():
            for index, nats in token_nll(engine, tokens, chosen):
                losses.append(_loss_row(probe, name, tokens, index, nats))
                progress.count(f"score {name} on {probe}")
        for id, ids, stop_ids in encoded:
            new = list(generate_ids(engine, ids, stop_ids, config["maxNewTokens"]))
            answers.append({"id": id, "model": name, "text": prompts.text(new), "ids": new, "newTokens": len(new),
                            "stopped": new[-1] in stop_ids})  # fmt: skip
            progress.count(f"{name} answers")
    out = Path(config["out"])
    order = {name: at for at, name in enumerate(names)}
    answers.sort(key=lambda answer: ([id for id, _, _ in encoded].index(answer["id"]), order[answer["model"]]))
    files = [_write(out / "nll.jsonl", losses), _write(out / "answers.jsonl", answers)]
    metrics = {
        "models": {name: _summary(name, losses, answers) for name in names},
        "dtype": str(engine.dtype).removeprefix("torch."),
        "seconds": round(time.monotonic() - started, 3),
    }
    events.emit("result", files=[file_entry(path) for path in files], metrics=metrics)


def _read(probe: dict[str, Any], base: dict[str, Any]) -> tuple[TokenFile, range]:
    tokens = read_tokens(probe["tokens"])
    require_tokenizer(tokens, base["folder"], f"probe {probe['name']}")
    most = probe["maxExamples"]
    return tokens, range(len(tokens) if most is None else min(most, len(tokens)))


def _loss_row(probe: str, model: str, tokens: TokenFile, index: int, nats: np.ndarray) -> dict[str, Any]:
    role = tokens.row(index)[1]
    role = role[role > 0]
    total = nats.astype(np.float64)
    return {
        "probe": probe,
        "example": bytes(tokens.example[index]).hex(),
        "model": model,
        "contentNats": float(total[role == CONTENT].sum()),
        "contentTokens": int((role == CONTENT).sum()),
        "formatNats": float(total[role == FORMAT].sum()),
        "formatTokens": int((role == FORMAT).sum()),
    }


def _summary(model: str, losses: list[dict[str, Any]], answers: list[dict[str, Any]]) -> dict[str, Any]:
    """What a person wants to see of a model; None where nothing was scored."""
    summary: dict[str, Any] = {"probes": {}}
    mine = [row for row in losses if row["model"] == model]
    for probe in dict.fromkeys(row["probe"] for row in mine):
        rows = [row for row in mine if row["probe"] == probe]
        content, form = sum(row["contentTokens"] for row in rows), sum(row["formatTokens"] for row in rows)
        each = [row["contentNats"] / row["contentTokens"] for row in rows if row["contentTokens"]]
        summary["probes"][probe] = {
            "examples": len(rows),
            "contentTokens": content,
            "nll": sum(row["contentNats"] for row in rows) / content if content else None,
            "meanExampleNll": sum(each) / len(each) if each else None,
            "formatNll": sum(row["formatNats"] for row in rows) / form if form else None,
        }
    own = [answer for answer in answers if answer["model"] == model]
    summary["answers"] = {"count": len(own), "stopped": sum(answer["stopped"] for answer in own)}
    return summary


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    write_durably(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    return path
