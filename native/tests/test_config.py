"""Config files, event lines, and what the command line does with bad ones."""

import io
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from trainer.__main__ import main
from trainer.config import check_config, load_config
from trainer.errors import TrainerError
from trainer.events import Events

FIXTURES = Path(__file__).parent / "fixtures"


def materialise(**changed):
    return {"schema": 1, "out": "o", "command": "materialise", "source": {"kind": "folder", "folder": "f"}, **changed}


def test_defaults_of_the_contract_are_applied():
    assert check_config(materialise(), "materialise")["device"] == "auto"
    assert check_config(materialise(device="cpu"), "materialise")["device"] == "cpu"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"devise": "cpu"}, "unknown field devise"),
        ({"device": "tpu"}, "device: 'tpu'"),
        ({"schema": 2}, "schema: 1 was expected"),
        ({"source": {"kind": "hub", "id": "a/b", "revision": None, "token": "x"}}, "unknown field source.token"),
        ({"source": {"kind": "tiny-gpt-oss", "vocabulary": "v", "seed": "1"}}, "source.seed: '1'"),
        ({"command": "train"}, "command: 'materialise' was expected"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changed, named):
    with pytest.raises(TrainerError) as caught:
        check_config(materialise(**changed), "materialise")
    assert caught.value.exit == 2 and named in caught.value.message


def test_every_wrong_field_is_named_at_once():
    with pytest.raises(TrainerError) as caught:
        check_config(materialise(device="tpu", dtype="fp8", x=1), "materialise")
    assert all(word in caught.value.message for word in ("device", "dtype", "unknown field x"))


def test_a_file_that_is_not_json_is_refused(tmp_path):
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(TrainerError, match="not JSON"):
        load_config(tmp_path / "c.json", "train")


def test_the_command_line_ends_a_bad_config_with_exit_2_and_valid_events(tmp_path, schema_of):
    config = tmp_path / "c.json"
    config.write_text(json.dumps(materialise(lr=1)))
    assert main(["materialise", str(config), "--events", f"file:{tmp_path / 'events'}"]) == 2
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    validator = Draft202012Validator(schema_of("event"))
    for event in events:
        validator.validate(event)
    assert [event["type"] for event in events] == ["opened", "failed", "closed"]
    assert events[1]["code"] == "InvalidInput" and "unknown field lr" in events[1]["message"]
    assert events[1]["retry"] is False and events[2]["exit"] == 2


def test_event_lines_count_up_and_never_hold_a_nan():
    stream = io.StringIO()
    events = Events(stream, by_hand=False)
    events.emit("progress", what="x\ny", done=1, total=None)
    with pytest.raises(ValueError):
        events.emit("progress", what="x", done=float("nan"), total=None)
    events.warning("Code", "message", "remedy")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["v"], line["seq"], line["type"]) for line in lines] == [(1, 0, "progress"), (1, 1, "warning")]


def test_an_events_target_that_is_not_one_is_refused(tmp_path, capsys):
    assert main(["train", "c.json", "--events", "pipe"]) == 2
    assert "expected stdout, fd:N or file:PATH" in capsys.readouterr().err


def test_the_config_and_events_that_node_parses_are_valid_here_too(schema_of):
    """The same fixtures are read by test/contracts/trainer.test.ts."""
    config = load_config(FIXTURES / "train.json", "train")
    assert (config["device"], config["dtype"], config["simulatedLimitTokens"]) == ("auto", "auto", None)
    validator = Draft202012Validator(schema_of("event"))
    events = [json.loads(line) for line in (FIXTURES / "events.jsonl").read_text().splitlines()]
    for event in events:
        validator.validate(event)
    assert not validator.is_valid({**events[0], "v": 2}) and not validator.is_valid({**events[-1], "exit": "10"})


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (
            type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory\nmore"),
            "GpuOutOfMemory",
        ),
        (RuntimeError("CUDA error: an illegal memory access was encountered\n..."), "GpuLost"),
        (KeyError("x"), "TrainerCrashed"),
    ],
)
def test_what_a_library_raises_becomes_a_failure_of_the_table(tmp_path, monkeypatch, error, code):
    def load_config(*_):
        raise error

    monkeypatch.setattr("trainer.__main__.load_config", load_config)
    assert main(["doctor", "c.json", "--events", f"file:{tmp_path / 'events'}"]) == 11
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert events[1]["code"] == code and events[1]["retry"] is True and "\n" not in events[1]["message"]
