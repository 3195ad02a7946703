"""Answers, token by token, with a key-value cache: greedy or sampled, and as text that never splits a character."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .chat import ChatTemplate
from .errors import bad_config


class Prompts:
    """Turns contracts/trainer.ts prompts of one base into token ids, and answers back into text."""

    def __init__(self, base: dict[str, Any]):
        self.template = ChatTemplate(Path(base["folder"])) if base["family"] == "chat" else None
        self._stop_ids = _end_ids(Path(base["folder"]))

    def encode(self, prompt: dict[str, Any]) -> tuple[list[int], set[int]]:
        """(prompt ids, ids that end the answer). Raises InvalidInput when the prompt is not of this base's family."""
        if self.template is not None and prompt["messages"]:
            return self.template.prompt(prompt["messages"]), {self.template.end_id, *self._stop_ids}
        if self.template is None and prompt["ids"] and prompt["stopIds"]:
            return prompt["ids"], set(prompt["stopIds"])
        wanted = "messages" if self.template is not None else "ids and stopIds"
        raise bad_config(f"prompt {prompt['id']}: a base of this family needs {wanted}")

    def text(self, ids: Sequence[int]) -> str | None:
        """An answer without control tokens; None for GPT-OSS, whose answers Node parses (lib/harmony)."""
        return self.template.tokenizer.decode(list(ids)) if self.template is not None else None


def _end_ids(folder: Path) -> set[int]:
    import json

    path = folder / "generation_config.json"
    ends = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
    return set(ends if isinstance(ends, list) else [] if ends is None else [ends])


class TextStream:
    """Text of a growing answer: `push` gives what is certain, so that a character of several tokens comes whole."""

    def __init__(self, prompts: Prompts):
        self._prompts = prompts
        self._ids: list[int] = []
        self._said = ""

    def push(self, id: int, last: bool) -> str | None:
        """What this token adds; "" while a character is incomplete. `last` gives out the rest as it is."""
        self._ids.append(id)
        text = self._prompts.text(self._ids)
        if text is None:
            return None
        if text.endswith("\ufffd") and not last:
            return ""
        added = text[len(self._said) :]
        self._said = text
        return added


def generate_ids(engine: Any, prompt: Sequence[int], stop_ids: set[int], max_new_tokens: int, temperature: float = 0.0,
                 top_p: float = 1.0, seed: int = 0) -> Iterator[int]:  # fmt: skip
    """New token ids, the ending one included. temperature 0: greedy, the lowest id among equals.

    Each sampled token draws once from a generator that `seed` alone decides.
    """
    import torch
    from transformers import DynamicCache

    generator = torch.Generator().manual_seed(seed)
    cache = DynamicCache(config=engine.model.config)
    given = torch.tensor([list(prompt)], device=engine.device)
    for _ in range(max_new_tokens):
        with torch.inference_mode():
            output = engine.model(input_ids=given, past_key_values=cache, use_cache=True, logits_to_keep=1)
        logits = output.logits[0, -1].float().cpu()
        id = int(logits.argmax()) if temperature == 0 else _sample(logits / temperature, top_p, generator)
        yield id
        if id in stop_ids:
            return
        given = torch.tensor([[id]], device=engine.device)


def _sample(logits: Any, top_p: float, generator: Any) -> int:
    """One id from the smallest set of likeliest tokens whose probability reaches top_p (at least one)."""
    import torch

    probabilities, ids = logits.softmax(-1).sort(descending=True, stable=True)
    kept = probabilities * (probabilities.cumsum(-1) - probabilities < top_p)
    kept[0] = probabilities[0]
    return int(ids[torch.multinomial(kept, 1, generator=generator)])
