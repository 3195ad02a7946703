"""A chat model's own template: prompts and training rows as token ids, with the loss mask made by construction.

Message texts never meet the tokenizer's special tokens: the template is rendered with a sentinel for each text, and
only what the template itself wrote may become a control token. So a scraped "<|im_end|>" stays text, and where each
text begins and ends is known instead of searched for.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .base import special_tokens
from .data import CONTENT, CONTEXT, FORMAT
from .errors import TrainerError

Message = dict[str, str]

_OPEN, _CLOSE, _DIGITS = "\ue000", "\ue001", "\ue010\ue011\ue012\ue013\ue014\ue015\ue016\ue017\ue018\ue019"
_SENTINEL = re.compile(f"{_OPEN}([{_DIGITS}]+){_CLOSE}")
_PROBE = [
    {"role": "system", "content": " \tBe brief. \n"},
    {"role": "user", "content": "\n  What is <b>2 & 2</b>?\n\n"},
    {"role": "assistant", "content": '  It\'s "4".\n '},
]
"""Texts with edges that a template may not trim and characters that it may not escape."""


@dataclass(frozen=True)
class Row:
    """Token ids and the role of each (CONTEXT, FORMAT, CONTENT)."""

    ids: list[int]
    role: list[int]


@dataclass
class _Run:
    """Text between two control tokens, with the role of each stretch of it: (first character, role)."""

    text: str = ""
    stretches: list[tuple[int, int]] = field(default_factory=list)

    def add(self, text: str, role: int) -> None:
        if text:
            self.stretches.append((len(self.text), role))
            self.text += text


class ChatTemplate:
    """Template and tokenizer of a base folder. Raises FormatMismatch when the template cannot be masked safely."""

    def __init__(self, folder: Path):
        from tokenizers import Tokenizer

        spelled = json.loads((folder / "tokenizer.json").read_text("utf-8"))
        self.tokenizer = Tokenizer.from_str(json.dumps(spelled))
        self._control = {token["content"]: token["id"] for token in spelled["added_tokens"]}
        self._control_ids = frozenset(self._control.values())
        longest_first = sorted(self._control, key=lambda text: (-len(text), text))
        self._control_pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
        # The same tokenizer without added tokens knows no control token at all; without the post-processor its
        # offsets are those of the text.
        self._plain = Tokenizer.from_str(json.dumps({**spelled, "added_tokens": [], "post_processor": None}))
        self._names = special_tokens(folder)
        self._compiled = _environment().from_string((folder / "chat_template.jinja").read_text("utf-8"))
        self.end_id = self._check()

    def row(self, messages: Sequence[Message]) -> Row:
        """A training row: every assistant text is CONTENT, what follows it up to its end token FORMAT.

        A token that holds both template and text counts as template: when answering, the model never writes it.
        """
        ids, role, _ = self._encode(messages, add_generation_prompt=False)
        return Row(ids, role)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """The ids after which the model answers."""
        return self._encode(messages, add_generation_prompt=True)[0]

    def render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        """The template's own text, as transformers' apply_chat_template gives it."""
        from jinja2 import TemplateError

        try:
            return self._compiled.render(messages=list(messages), tools=None, documents=None,
                                         add_generation_prompt=add_generation_prompt, **self._names)  # fmt: skip
        except TemplateError as error:
            roles = ", ".join(message["role"] for message in messages)
            raise _refused(f"it refuses a conversation of {roles}: {error}") from error

    def _encode(
        self, messages: Sequence[Message], add_generation_prompt: bool
    ) -> tuple[list[int], list[int], int | None]:
        """(ids, roles, id of the last end token)."""
        pieces = self._pieces(messages, add_generation_prompt)
        ids: list[int] = []
        roles: list[int] = []
        run = _Run()
        ending = False
        end_id: int | None = None

        def close() -> None:
            encoded = self._plain.encode(run.text, add_special_tokens=False)
            for id, (start, _) in zip(encoded.ids, encoded.offsets, strict=True):
                if id in self._control_ids:
                    raise _refused(f"its tokenizer makes control token {id} from plain text {run.text[:80]!r}")
                ids.append(id)
                roles.append(next(role for first, role in reversed(run.stretches) if first <= start))

        for piece, message in pieces:
            if message is not None:
                if ending:
                    raise _refused("nothing ends an assistant's turn before the next text")
                ending = message["role"] == "assistant"
                run.add(piece, CONTENT if ending else CONTEXT)
                continue
            at = 0
            for found in self._control_pattern.finditer(piece):
                run.add(piece[at : found.start()], FORMAT if ending else CONTEXT)
                close()
                run = _Run()
                ids.append(self._control[found.group()])
                roles.append(FORMAT if ending else CONTEXT)
                end_id = ids[-1] if ending else end_id
                ending = False
                at = found.end()
            run.add(piece[at:], FORMAT if ending else CONTEXT)
        if ending:
            raise _refused("no control token ends an assistant's turn")
        close()
        self._compare(messages, add_generation_prompt, ids)
        return ids, roles, end_id

    def _pieces(self, messages: Sequence[Message], add_generation_prompt: bool) -> list[tuple[str, Message | None]]:
        """The rendered text in order: (template text, None) and (message text, its message)."""
        marked = [{**message, "content": _sentinel(at)} for at, message in enumerate(messages)]
        parts = _SENTINEL.split(self.render(marked, add_generation_prompt))
        pieces: list[tuple[str, Message | None]] = [(parts[0], None)]
        order = [int("".join(str(_DIGITS.index(digit)) for digit in part)) for part in parts[1::2]]
        if order != list(range(len(messages))):
            raise _refused(f"it does not write each message's text once and in order ({order})")
        for at, template_text in zip(order, parts[2::2], strict=True):
            pieces += [(messages[at]["content"], messages[at]), (template_text, None)]
        if "".join(text for text, _ in pieces) != self.render(messages, add_generation_prompt):
            raise _refused(f"it trims or rewrites a message's text: {_shown(messages)}")
        return pieces

    def _compare(self, messages: Sequence[Message], add_generation_prompt: bool, ids: list[int]) -> None:
        """Rows without control spellings must have the ids that the template's own text has."""
        if any(self._control_pattern.search(message["content"]) for message in messages):
            return
        own = self.tokenizer.encode(self.render(messages, add_generation_prompt), add_special_tokens=False).ids
        if own != ids:
            at = next((at for at, (a, b) in enumerate(zip(own, ids, strict=False)) if a != b), min(len(own), len(ids)))
            raise _refused(f"token {at} is {own[at : at + 1]} in its own text, {ids[at : at + 1]} by parts: "
                           f"{_shown(messages)}")  # fmt: skip

    def _check(self) -> int:
        """Try the template with and, where it takes one, without a system message; returns its end-of-turn token."""
        end_id: int | None = None
        for messages in (_PROBE[1:], _PROBE):
            try:
                full = self.render(messages, add_generation_prompt=False)
            except TrainerError:
                if messages is _PROBE:
                    continue  # Rows with a system message will say so.
                raise
            end_id = self._encode(messages, add_generation_prompt=False)[2]
            if not full.startswith(self.render(messages[:-1], add_generation_prompt=True) + messages[-1]["content"]):
                raise _refused(f"a prompt and its answer are not the beginning of the row trained on: {full[:400]!r}")
        assert end_id is not None
        return end_id


def _sentinel(index: int) -> str:
    return _OPEN + "".join(_DIGITS[int(digit)] for digit in str(index)) + _CLOSE


def _shown(messages: Sequence[Message]) -> str:
    return json.dumps(list(messages), ensure_ascii=False)[:400]


def _refused(why: str) -> TrainerError:
    return TrainerError("FormatMismatch", f"this model's chat template cannot be used: {why}",
                        "choose a model whose template writes the messages' texts as they are")  # fmt: skip


def _environment() -> Any:
    """Jinja as transformers sets it up (utils/chat_template_utils.py), without a clock."""
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """{% generation %} only marks; its body is written as it is."""

        tags = {"generation"}  # noqa: RUF012 - Jinja's own declaration

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True)).set_lineno(line)

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    def strftime_now(_: str) -> None:
        raise TemplateError("it writes today's date, so training rows would change every day")

    def tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None,
               sort_keys: bool = False) -> str:  # fmt: skip
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = strftime_now
    return environment
