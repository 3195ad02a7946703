"""evaluate.py, generate.py, doctor.py and what they share: scoring and decoding."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import save_tokens
from test_tokenize import Recorder, config_of, write_split

from trainer import doctor, evaluate, generate, tokenize
from trainer.adapter import write_adapter
from trainer.data import read_tokens
from trainer.decoding import Prompts, TextStream, generate_ids
from trainer.engines import transformers
from trainer.errors import OutOfMemory, TrainerError
from trainer.scoring import token_nll

LORA = {"r": 2, "alpha": 4, "dropout": 0, "rslora": False, "targets": "both"}


def save_random_adapter(base, folder, lora=LORA, scale=0.3, seed=1):
    """An adapter with A and B random, so that its effect is large."""
    engine = transformers.load(base, "cpu", "fp32")
    engine.add_lora(lora, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in engine.trainable.values():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    folder.mkdir(parents=True)
    write_adapter(folder, engine)
    return str(folder)


@pytest.fixture(scope="module")
def chat_tokens(chat_base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    rows = [[("user", f"Question {at}?"), ("assistant", "npm ci answers " * (at + 1))] for at in range(6)]
    write_split(folder / "test.jsonl", rows)
    tokenize.run({**config_of(chat_base, folder, test=str(folder / "test.jsonl")), "maxTokens": 256}, Recorder())
    return folder / "test.safetensors"


def evaluate_config(base, out, **fields):
    common = {"base": base, "out": str(out), "device": "cpu", "dtype": "fp32", "maxNewTokens": 8}
    return {**common, "adapters": [], "probes": [], "prompts": [], **fields}


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("family", ["chat", "gpt-oss"])
def test_each_example_is_scored_as_if_alone_for_base_and_every_adapter(bases, tmp_path, family):
    base = bases[family]
    path = save_tokens(tmp_path / "test.safetensors", base)
    adapters = [
        {"name": "tuned", "folder": save_random_adapter(base, tmp_path / "a")},
        {"name": "last", "folder": save_random_adapter(base, tmp_path / "b", {**LORA, "r": 3, "targets": "attention"})},
    ]
    base = {**base, "family": "gpt-oss"}  # A base of random tokens has no template.
    events = Recorder()
    probe = {"name": "test", "tokens": str(path), "maxExamples": 12}
    evaluate.run(evaluate_config(base, tmp_path, adapters=adapters, probes=[probe]), events)
    rows = rows_of(tmp_path / "nll.jsonl")
    tokens = read_tokens(path)
    order = [(name, bytes(tokens.example[at]).hex()) for name in ("base", "tuned", "last") for at in range(12)]
    assert [(row["model"], row["example"]) for row in rows] == order
    for name, folder in (("base", None), *((adapter["name"], adapter["folder"]) for adapter in adapters)):
        engine = transformers.load(base, "cpu", "fp32")
        if folder:
            engine.load_adapter(folder)
        mine = [row for row in rows if row["model"] == name]
        for at in (0, 5, 11):
            ids, role = tokens.row(at)
            with torch.no_grad():
                logits = engine.model(torch.tensor(ids)[None].long()).logits[0].float()
            nats = torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:]).long(), reduction="none")
            content = float(nats[torch.tensor(role[1:] == 2)].sum())
            assert mine[at]["contentNats"] == pytest.approx(content, rel=1e-5)
            assert mine[at]["formatNats"] == pytest.approx(float(nats[torch.tensor(role[1:] == 1)].sum()), rel=1e-5)
            assert (mine[at]["contentTokens"], mine[at]["formatTokens"]) == (int((role == 2).sum()), 1)
    summary = events.result["metrics"]["models"]
    assert len({summary[name]["probes"]["test"]["nll"] for name in summary}) == 3, "the adapters made a difference"


def test_groups_that_do_not_fit_are_halved_with_equal_losses_and_a_single_one_gives_up(bases, token_path):
    engine = transformers.load(bases["chat"], "cpu", "fp32")
    tokens = read_tokens(token_path)
    whole = dict(token_nll(engine, tokens, range(len(tokens))))
    engine.simulated_limit = int(tokens.lengths.max())
    halved = dict(token_nll(engine, tokens, range(len(tokens))))
    assert list(halved) == list(whole)
    assert all(np.allclose(halved[at], whole[at], rtol=1e-5) for at in whole)
    engine.simulated_limit = int(tokens.lengths.max()) - 1
    with pytest.raises(OutOfMemory):
        list(token_nll(engine, tokens, range(len(tokens))))


@pytest.mark.parametrize("family", ["chat", "gpt-oss"])
def test_greedy_answers_with_the_cache_are_those_without_it(bases, family):
    engine = transformers.load(bases[family], "cpu", "fp32")
    prompt = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]
    ids = list(prompt)
    for _ in range(24):
        with torch.no_grad():
            ids.append(int(engine.model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    assert list(generate_ids(engine, prompt, set(), 24)) == ids[len(prompt) :]
    stop = ids[len(prompt) + 5]
    first = ids[len(prompt) :].index(stop)
    assert list(generate_ids(engine, prompt, {stop}, 24)) == ids[len(prompt) : len(prompt) + first + 1]


def test_sampling_is_decided_by_the_seed_and_a_tiny_nucleus_is_greedy(bases):
    engine = transformers.load(bases["chat"], "cpu", "fp32")

    def sample(**settings):
        return list(generate_ids(engine, [3, 1, 4], set(), 12, **settings))

    assert sample(temperature=1.0, seed=5) == sample(temperature=1.0, seed=5) != sample(temperature=1.0, seed=6)
    assert sample(temperature=1.0, top_p=0.0, seed=5) == sample()


def test_base_and_adapter_answer_every_prompt_side_by_side(chat_base, chat_tokens, tmp_path):
    adapters = [{"name": "tuned", "folder": save_random_adapter(chat_base, tmp_path / "a")}]
    prompts = [
        {"id": f"q{at}", "messages": [{"role": "user", "content": text}], "ids": None, "stopIds": None}
        for at, text in enumerate(("Why?", "How?"))
    ]
    events = Recorder()
    probe = {"name": "test", "tokens": str(chat_tokens), "maxExamples": None}
    evaluate.run(evaluate_config(chat_base, tmp_path, adapters=adapters, prompts=prompts, probes=[probe]), events)
    answers = rows_of(tmp_path / "answers.jsonl")
    assert [(a["id"], a["model"]) for a in answers] == [(q, m) for q in ("q0", "q1") for m in ("base", "tuned")]
    for answer in answers:
        assert answer["newTokens"] == len(answer["ids"]) <= 8 and isinstance(answer["text"], str)
        assert answer["stopped"] == (answer["ids"][-1] == 2)
    assert events.result["metrics"]["models"]["tuned"]["answers"]["count"] == 2
    counted = [event for event in events.events if event["type"] == "progress"]
    assert counted[-1]["done"] == counted[-1]["total"] == 2 * (6 + 2)


def test_a_probe_of_another_tokenizer_and_a_prompt_of_another_family_are_refused(chat_base, token_path, tmp_path):
    probe = {"name": "test", "tokens": str(token_path), "maxExamples": None}
    with pytest.raises(TrainerError, match="probe test: its tokenizerSha256"):
        evaluate.run(evaluate_config(chat_base, tmp_path, probes=[probe]), Recorder())
    prompt = {"id": "q", "messages": None, "ids": [1, 2], "stopIds": [2]}
    with pytest.raises(TrainerError, match="prompt q: a base of this family needs messages"):
        evaluate.run(evaluate_config(chat_base, tmp_path, prompts=[prompt]), Recorder())


def test_streamed_text_is_whole_characters_and_adds_up(chat_base):
    prompts = Prompts(chat_base)
    text = "Grüße, 世界 😀 é – ok"
    ids = prompts.template.tokenizer.encode(text).ids
    stream = TextStream(prompts)
    pieces = [stream.push(id, last=at == len(ids) - 1) for at, id in enumerate(ids)]
    assert "".join(pieces) == text and "" in pieces and not any("\ufffd" in piece for piece in pieces)
    cut = TextStream(prompts)
    assert "".join(cut.push(id, last=at == 4) for at, id in enumerate(ids[:5])) == prompts.text(ids[:5])


def test_generate_streams_the_greedy_answer_of_the_adapter(chat_base, tmp_path):
    adapter = save_random_adapter(chat_base, tmp_path / "a")
    prompt = {"id": "q", "messages": [{"role": "user", "content": "Why?"}], "ids": None, "stopIds": None}
    texts = []
    for folder in (None, adapter):
        events = Recorder()
        settings = {"temperature": 0, "topP": 1, "seed": 0, "adapter": folder, "prompt": prompt}
        generate.run({**evaluate_config(chat_base, tmp_path), **settings}, events)
        tokens = [event for event in events.events if event["type"] == "token"]
        assert "".join(event["text"] for event in tokens) == events.result["metrics"]["text"]
        assert len(tokens) == events.result["metrics"]["newTokens"]
        texts.append(events.result["metrics"]["text"])
    assert texts[0] != texts[1]


def test_gpt_oss_prompts_are_ids_and_so_are_the_answers(bases, tmp_path):
    events = Recorder()
    prompt = {"id": "q", "messages": None, "ids": [5, 6, 7], "stopIds": [2]}
    settings = {"temperature": 0.7, "topP": 0.9, "seed": 3, "adapter": None, "prompt": prompt}
    generate.run({**evaluate_config(bases["gpt-oss"], tmp_path), **settings}, events)
    tokens = [event for event in events.events if event["type"] == "token"]
    assert tokens and all(event["text"] is None and 0 <= event["id"] < 512 for event in tokens)


def test_doctor_says_what_the_machine_has(tmp_path):
    events = Recorder()
    doctor.run({"device": "cpu", "dtype": "auto", "out": str(tmp_path)}, events)
    metrics = events.result["metrics"]
    assert metrics["torch"] == torch.__version__.split("+")[0] or metrics["torch"] == torch.__version__
    assert len(metrics["devices"]) == torch.cuda.device_count() and metrics["threads"] >= 1
    assert metrics["cpuBf16"] == (metrics["dtype"] == "bfloat16")
    assert Path(tmp_path).exists()
