"""How a step is cut so that it fits: the first plan from free memory, the next ones from the out-of-memory ladder.

A plan changes only the grouping of a step's examples and what is recomputed, never the examples, so the effective
batch stays. Of two plans that fit, the one that should be faster is taken: a pass has a fixed cost (weights that are
de-quantised, launches), which the engine states in tokens, and recomputation a share of the pass. Both were measured
on one kind of card, so plans that recompute differently and are near by this estimate are timed on the card itself.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

SMALLEST_MICRO_TOKENS = 16
LARGEST_MICRO_TOKENS = {"cpu": 512, "cuda": 16384}
"""More gain nothing: a few hundred tokens keep a CPU busy, and attention across documents is wasted work."""

TIME = {"none": 1.0, "moe": 1.17, "full": 1.29}
"""Time of a pass by what is recomputed, as measured on an H100 at 8,192 and 16,384 tokens (bench/results)."""

NEAR = 1.15
"""Plans whose estimated times a token differ by less are timed: by so much another card's factors may differ."""
NOISE = 1.1
"""Of timed plans another is taken only where it is faster by more: a repeat must come to the same plan."""


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


def first_plans(engine: Any, micro_tokens: int | None, supervised_share: float, longest: int, most: int) -> list[Plan]:
    """The plan to start with: of those that should fit in the engine's share of the free memory, the fastest; behind
    it the best of every other way of recomputing that may be as fast.

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
    # Where none should fit the smallest is tried, as the estimate is no proof; the ladder says the rest.
    order = sorted(fitting, key=lambda plan: (plan.cost(longest, engine), -plan.micro_tokens)) or [
        min(plans, key=lambda plan: (expected(plan), -plan.micro_tokens))
    ]
    best_of = {plan.checkpointing: plan for plan in reversed(order)}
    limit = NEAR * order[0].cost(longest, engine)
    near = [plan for plan in order if best_of[plan.checkpointing] is plan and plan.cost(longest, engine) <= limit]

    def explained(plan: Plan) -> Plan:
        reason = f"{free / 2**30:.1f} GiB free, {expected(plan) / 2**30:.2f} expected for a pass"
        if micro_tokens is not None:
            reason = f"microTokens from the config; {reason}"
        return replace(plan, reason="; ".join(filter(None, [reason, why_not])))

    return [explained(plan) for plan in near]


def fastest(timed: list[tuple[float, Plan]]) -> Plan:
    """Of (seconds a token, plan) in the order of the estimate: the first, unless another is clearly faster."""
    seconds, plan = min(timed, key=lambda one: one[0])
    if seconds * NOISE > timed[0][0]:
        plan = timed[0][1]
    times = ", ".join(f"{1e6 * time:.1f} ({one.checkpointing}, {one.micro_tokens})" for time, one in timed)
    return replace(plan, reason=f"{plan.reason}; tried, microseconds a token: {times}") if len(timed) > 1 else plan


def _powers(largest: int) -> list[int]:
    sizes = [largest]
    while sizes[-1] > SMALLEST_MICRO_TOKENS:
        sizes.append(sizes[-1] // 2)
    return sizes
