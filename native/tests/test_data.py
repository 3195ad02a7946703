"""Token files and the pure functions of steps and packing."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from trainer.data import epoch_order, micro_batch, pack, plan_steps, read_tokens, require_tokenizer, write_tokens
from trainer.errors import TrainerError

METADATA = {"tokenizerSha256": "a" * 64, "templateSha256": "b" * 64, "vocabSize": 100, "maxTokens": 16, "endTokenId": 2}


def write_three(path, role=(0, 1, 2, 0, 2, 0, 0, 1), offsets=(0, 3, 5, 8)):
    ids = np.array([5, 6, 7, 8, 9, 10, 11, 12])
    write_tokens(path, ids, np.array(offsets), np.array(role), np.arange(96).reshape(3, 32), METADATA)
    return path


def test_a_token_file_has_the_bytes_that_the_layout_names(tmp_path):
    raw = write_three(tmp_path / "t.safetensors").read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = raw[8 : 8 + size].decode()
    assert size % 8 == 0 and " " not in header.rstrip(" ")
    parsed = json.loads(header)
    assert list(parsed) == ["__metadata__", "ids", "offsets", "role", "example"]
    assert parsed["offsets"] == {"dtype": "I64", "shape": [4], "data_offsets": [32, 64]}
    assert parsed["example"]["data_offsets"] == [72, 168] and len(raw) == 8 + size + 168
    assert raw[8 + size : 12 + size] == struct.pack("<i", 5)
    # The writer in Node must make the same file of the same rows.
    assert raw == (Path(__file__).parent / "fixtures" / "tokens.safetensors").read_bytes()


def test_a_token_file_is_read_back_as_it_was_written(tmp_path):
    tokens = read_tokens(write_three(tmp_path / "t.safetensors"))
    assert len(tokens) == 3 and tokens.lengths.tolist() == [3, 2, 3]
    assert [row.tolist() for row in tokens.row(2)] == [[10, 11, 12], [0, 0, 1]]
    assert tokens.supervised(0) == 2
    assert tokens.metadata["maxTokens"] == "16" and tokens.example[1].tolist() == list(range(32, 64))


@pytest.mark.parametrize(
    ("role", "offsets", "what"),
    [
        ((1, 1, 2, 0, 2, 0, 0, 1), (0, 3, 5, 8), "first token is supervised"),
        ((0, 1, 2, 0, 0, 0, 0, 1), (0, 3, 5, 8), "no supervised token"),
        ((0, 1, 2, 0, 2, 0, 0, 1), (0, 3, 5, 7), "do not fit together"),
        ((0, 1, 2, 0, 2, 0, 0, 3), (0, 3, 5, 8), "outside its range"),
    ],
)
def test_a_token_file_that_cannot_be_trained_on_is_refused_with_the_reason(tmp_path, role, offsets, what):
    with pytest.raises(TrainerError, match=what):
        read_tokens(write_three(tmp_path / "t.safetensors", role, offsets))


def test_a_truncated_token_file_is_refused(tmp_path):
    path = write_three(tmp_path / "t.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TrainerError, match=r"t\.safetensors") as caught:
        read_tokens(path)
    assert caught.value.code == "ArtifactCorrupt"


def test_a_token_file_of_another_tokenizer_is_refused_naming_what_differs(tmp_path, bases, token_path):
    require_tokenizer(read_tokens(token_path), bases["chat"]["folder"], "train")
    with pytest.raises(TrainerError, match="train: its tokenizerSha256"):
        require_tokenizer(read_tokens(write_three(tmp_path / "t.safetensors")), bases["chat"]["folder"], "train")


def test_every_epoch_is_another_permutation_and_the_seed_decides_it():
    assert sorted(epoch_order(50, 1, 0)) == list(range(50))
    assert epoch_order(50, 1, 0) == epoch_order(50, 1, 0)
    assert len({tuple(epoch_order(50, seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4
    assert epoch_order(6, 1, 0) == [3, 5, 4, 0, 1, 2]


def test_steps_take_whole_examples_and_keep_the_last_short_one():
    steps = plan_steps([10] * 20, seed=1, examples=8, max_tokens=None, steps=None, epochs=1)
    assert [len(step) for step in steps] == [8, 8, 4]
    assert sorted(index for step in steps for index in step) == list(range(20))
    limited = plan_steps([10] * 20, seed=1, examples=8, max_tokens=25, steps=None, epochs=1)
    assert [len(step) for step in limited] == [2] * 10
    assert [len(step) for step in plan_steps([40, 40], 1, 8, max_tokens=25, steps=None, epochs=1)] == [1, 1]


def test_steps_or_epochs_decide_how_long_it_trains():
    assert len(plan_steps([10] * 20, 1, 8, None, steps=7, epochs=1)) == 7
    assert len(plan_steps([10] * 20, 1, 8, None, steps=None, epochs=2.5)) == 3 + 3 + 2
    longer = plan_steps([10] * 20, 1, 8, None, steps=7, epochs=1)
    assert plan_steps([10] * 20, 1, 8, None, steps=3, epochs=9) == longer[:3]


def test_packing_is_best_fit_decreasing_with_ties_by_index():
    assert pack({0: 5, 1: 4, 2: 3, 3: 3, 4: 1}, 8) == [[0, 2], [1, 3, 4]]
    assert pack({3: 4, 1: 4, 2: 4}, 8) == [[1, 2], [3]]
    assert pack({0: 20, 1: 2}, 8) == [[0], [1]]


def test_packing_changes_the_grouping_and_never_the_examples():
    lengths = {index: 3 + (index * 7) % 30 for index in range(40)}
    for micro_tokens in (16, 32, 64, 1000):
        groups = pack(lengths, micro_tokens)
        assert sorted(index for group in groups for index in group) == sorted(lengths)
        assert all(len(group) == 1 or sum(lengths[i] for i in group) <= micro_tokens for group in groups)


def test_a_micro_batch_lays_documents_end_to_end(tmp_path):
    batch = micro_batch(read_tokens(write_three(tmp_path / "t.safetensors")), [2, 0])
    assert batch.ids.tolist() == [10, 11, 12, 5, 6, 7]
    assert batch.lengths == [3, 3] and batch.targets.tolist() == [2, 4, 5]
