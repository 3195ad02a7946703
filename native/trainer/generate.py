"""python -m trainer generate config.json: one answer of base or adapter, streamed as `token` events."""

import time
from typing import Any

from .decoding import Prompts, TextStream, generate_ids
from .engines.loading import load_engine
from .events import Events


def run(config: dict[str, Any], events: Events) -> None:
    """Stream the answer; `result` repeats it whole: {text, newTokens, stopped, seconds}."""
    prompts = Prompts(config["base"])
    ids, stop_ids = prompts.encode(config["prompt"])
    engine = load_engine(config, events, config["adapter"])
    started = time.monotonic()
    answer: list[int] = []
    stream = TextStream(prompts)
    for id in generate_ids(engine, ids, stop_ids, config["maxNewTokens"], config["temperature"], config["topP"],
                           config["seed"]):  # fmt: skip
        answer.append(id)
        last = id in stop_ids or len(answer) == config["maxNewTokens"]
        events.emit("token", text=stream.push(id, last), id=id)
    metrics = {
        "text": prompts.text(answer),
        "newTokens": len(answer),
        "stopped": answer[-1] in stop_ids,
        "seconds": round(time.monotonic() - started, 3),
    }
    events.say(metrics["text"] or f"{len(answer)} tokens")
    events.emit("result", files=[], metrics=metrics)
