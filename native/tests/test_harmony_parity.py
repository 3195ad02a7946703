"""Node's harmony ids, masks and files against openai-harmony, the trainer's own reader and pyarrow.

cd native && OMP_WAIT_POLICY=PASSIVE .venv/bin/python -m pytest tests/test_harmony_parity.py
"""

import json
from pathlib import Path

import pytest

from trainer.data import CONTENT, CONTEXT, METADATA_KEYS, read_tokens, write_tokens

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rows(node_files) -> list[dict]:
    """1,000 conversations."""
    lines = (node_files / "conversations.jsonl").read_text("utf-8").split("\n")[:-1]
    assert len(lines) == 1000
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def encoding():
    harmony = pytest.importorskip("openai_harmony")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_ENCODINGS_BASE", str(CHECKOUT / "node_modules" / "gpt-tokenizer" / "data"))
        return harmony.load_harmony_encoding(harmony.HarmonyEncodingName.HARMONY_GPT_OSS)


def conversation(row: dict):
    """The same conversation in openai-harmony's own words."""
    from openai_harmony import Conversation, DeveloperContent, Message, ReasoningEffort, Role, SystemContent

    system = SystemContent.new().with_reasoning_effort(ReasoningEffort(row["reasoning"].capitalize()))
    if row["date"] is not None:
        system = system.with_conversation_start_date(row["date"])
    messages = [Message.from_role_and_content(Role.SYSTEM, system)]
    for message in row["messages"]:
        if message["role"] == "developer":
            content = DeveloperContent.new().with_instructions(message["content"])
            messages.append(Message.from_role_and_content(Role.DEVELOPER, content))
        elif message["role"] == "user":
            messages.append(Message.from_role_and_content(Role.USER, message["content"]))
        else:
            answer = Message.from_role_and_content(Role.ASSISTANT, message["content"])
            messages.append(answer.with_channel("final"))
    return Conversation.from_messages(messages)


def test_every_example_has_the_ids_of_openai_harmony(rows, manual, encoding):
    for row in rows + manual:
        assert row["ids"] == encoding.render_conversation_for_training(conversation(row)), row["messages"]


def test_every_prompt_has_the_ids_of_openai_harmony(rows, manual, encoding):
    from openai_harmony import Conversation, Role

    for row in rows + manual:
        prompt = Conversation.from_messages(conversation(row).messages[:-1])
        assert row["prompt"] == encoding.render_conversation_for_completion(prompt, Role.ASSISTANT), row["messages"]


def test_supervised_is_exactly_what_follows_the_prompt(rows, manual, encoding):
    for row in rows + manual:
        cut = len(row["prompt"])
        assert row["ids"][:cut] == row["prompt"]
        assert set(row["roles"][:cut]) == {CONTEXT} and CONTEXT not in row["roles"][cut:]
        content = [token for token, role in zip(row["ids"], row["roles"], strict=True) if role == CONTENT]
        assert encoding.decode(content) == row["messages"][-1]["content"]


def test_a_token_file_written_by_node_is_read_and_written_alike_by_the_trainer(node_files, rows, tmp_path):
    path = node_files / "tokens.safetensors"
    tokens = read_tokens(path)
    assert len(tokens) == len(rows)
    for index, row in enumerate(rows):
        ids, roles = tokens.row(index)
        assert ids.tolist() == row["ids"] and roles.tolist() == row["roles"]
    again = tmp_path / "again.safetensors"
    metadata = {key: tokens.metadata[key] for key in METADATA_KEYS}
    write_tokens(again, tokens.ids, tokens.offsets, tokens.role, tokens.example, metadata)
    assert again.read_bytes() == path.read_bytes()


def test_parquet_and_jsonl_agree_row_by_row_and_messages_are_typed(node_files):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(node_files / "examples.parquet")
    lines = (node_files / "examples.jsonl").read_text("utf-8").split("\n")[:-1]
    assert table.to_pylist() == [json.loads(line) for line in lines]
    message = table.schema.field("messages").type.value_type
    assert {field.name: str(field.type) for field in message} == {"role": "string", "content": "string"}
