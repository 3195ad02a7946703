"""How a step is cut so that it fits: the first plan from free memory, the next ones from the out-of-memory ladder.

A plan changes only the grouping of a step's examples and what is recomputed, never the examples, so the effective
batch stays. Of two plans that fit, the one that should be faster is taken: a pass has a fixed cost (weights that are
de-quantised, launches), which the engine states in tokens, and recomputation a share of the pass.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

SMALLEST_MICRO_TOKENS = 16
LARGEST_MICRO_TOKENS = {"cpu": 512, "cuda": 16384}
"""More gain nothing: a few hundred tokens keep a CPU busy, and attention across documents is wasted work."""

TIME = {"none": 1.0, "moe": 1.17, "full": 1.29}
"""Time of a pass by what is recomputed, as measured on an H100 at 8,192 and 16,384 tokens (bench/results)."""


@dataclass(frozen=True)
class Plan:
    """micro_tokens: most tokens a forward pass; packing: documents share one; checkpointing: none, moe or full;
    resident: whether the engine may keep weights unpacked for speed.
    """

    micro_tokens: int
    packing: bool
    checkpointing: str
    reason: str
    resident: bool = True

    def to_json(self) -> dict[str, Any]:
        """For a checkpoint; read back with Plan(**...)."""
        return asdict(self)

    def smaller(self, longest: int, engine: Any) -> "Plan | None":
        """The next rung of the ladder, or None at its end. longest: tokens of the step's longest example.

        First the memory that only buys speed is given back. Then a smaller micro-batch or more recomputation,
        whichever should be faster. Below the longest example a smaller micro-batch changes nothing: that example is
        alone in its own.
        """
        if self.resident and engine.resident_layers:
            return replace(self, resident=False, reason="out of memory: no layer is kept in 16 bits")
        rungs = []
        if self.micro_tokens > max(longest, SMALLEST_MICRO_TOKENS):
            half = max(self.micro_tokens // 2, SMALLEST_MICRO_TOKENS)
            rungs.append(
                replace(self, micro_tokens=half, reason=f"out of memory: {self.micro_tokens} tokens to {half}")
            )
        later = engine.modes[engine.modes.index(self.checkpointing) + 1 :]
        if later:
            what = {"moe": "expert activations", "full": "activations"}[later[0]]
            rungs.append(replace(self, checkpointing=later[0], reason=f"out of memory: {what} are recomputed"))
        return min(rungs, key=lambda plan: plan.cost(longest, engine), default=None)

    def cost(self, longest: int, engine: Any) -> float:
        """Expected time a token, in units of a token's in an endless pass without recomputation."""
        tokens = max(self.micro_tokens, longest)
        return TIME[self.checkpointing] * (1 + engine.pass_overhead_tokens / tokens)


def first_plan(engine: Any, micro_tokens: int | None, supervised_share: float, longest: int, most: int) -> Plan:
    """The plan to start with: of those that should fit in the engine's share of the free memory, the fastest.

    micro_tokens: the config's, or None for any power of two. supervised_share: supervised tokens / tokens of the data
    set, for the size of the logits. longest: tokens of the longest example; most: tokens of the largest step.
    """
    from .engines.device import free_memory

    packing, why_not = engine.packing
    free = free_memory(engine.device)
    sizes = [micro_tokens] if micro_tokens is not None else _powers(LARGEST_MICRO_TOKENS[engine.device.type])
    plans = [Plan(size, packing, mode, "") for mode in engine.modes for size in sizes]

    def expected(plan: Plan) -> float:
        tokens = min(max(plan.micro_tokens, longest), most)
        return engine.expected_bytes(tokens, supervised_share, plan.checkpointing)

    fitting = [plan for plan in plans if expected(plan) <= engine.memory_share * free]
    if fitting:
        chosen = min(fitting, key=lambda plan: (plan.cost(longest, engine), -plan.micro_tokens))
    else:
        # The estimate is no proof: the smallest is tried, and the ladder says the rest.
        chosen = min(plans, key=lambda plan: (expected(plan), -plan.micro_tokens))
    reason = f"{free / 2**30:.1f} GiB free, {expected(chosen) / 2**30:.2f} expected for a pass"
    if micro_tokens is not None:
        reason = f"microTokens from the config; {reason}"
    return replace(chosen, reason="; ".join(filter(None, [reason, why_not])))


def _powers(largest: int) -> list[int]:
    sizes = [largest]
    while sizes[-1] > SMALLEST_MICRO_TOKENS:
        sizes.append(sizes[-1] // 2)
    return sizes
