"""python -m trainer self-test config.json: is engine gptoss right on this machine, with this model?"""

from typing import Any

from ..errors import bad_config
from ..events import Events


def run(config: dict[str, Any], events: Events) -> None:
    """`result`: relative errors of the loss and of every kind of gradient. Raises EngineMismatch naming the part."""
    from ..engines.choice import choose_engine, load_engine_named
    from .comparison import GRADIENT_BOUND, LOSS_BOUND, require_agreement

    name, reason = choose_engine(config, config["dtype"])
    if config["engine"] == "auto" and name != "gptoss":
        events.say(f"engine {name}: {reason}")
        events.emit("result", files=[], metrics={"engine": name, "reason": reason, "tested": False})
        return
    if name != "gptoss":
        raise bad_config("engine transformers is the reference: there is nothing to compare it with")
    engine = load_engine_named(name, config["base"], config["device"], config["dtype"])
    engine.add_lora(config["lora"], seed=0)
    outcome = require_agreement(engine, events)
    metrics = {
        "engine": name,
        "reason": reason,
        "tested": True,
        "dtype": str(engine.dtype).removeprefix("torch."),
        "lossError": outcome.loss,
        "gradientErrors": outcome.gradients,
        "lossBound": LOSS_BOUND[engine.dtype],
        "gradientBound": GRADIENT_BOUND[engine.dtype],
        "seconds": round(outcome.seconds, 3),
    }
    events.emit("result", files=[], metrics=metrics)
