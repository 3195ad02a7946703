"""How a step is cut so that it fits: the first plan from free memory, the next ones from the out-of-memory ladder.

A plan changes only the grouping of a step's examples, never the examples, so the effective batch stays.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

SMALLEST_MICRO_TOKENS = 16
LARGEST_MICRO_TOKENS = {"cpu": 512, "cuda": 16384}
"""More gain nothing: a few hundred tokens keep a CPU busy, and attention across documents is wasted work."""


@dataclass(frozen=True)
class Plan:
    """micro_tokens: most tokens a forward pass; packing: documents share one; checkpointing: none or full."""

    micro_tokens: int
    packing: bool
    checkpointing: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """For a checkpoint; read back with Plan(**...)."""
        return asdict(self)

    def smaller(self, longest: int) -> "Plan | None":
        """The next rung of the ladder, or None at its end. longest: tokens of the step's longest example.

        Below the longest example a smaller micro-batch changes nothing: that example is alone in its own.
        """
        if self.micro_tokens > max(longest, SMALLEST_MICRO_TOKENS):
            half = max(self.micro_tokens // 2, SMALLEST_MICRO_TOKENS)
            return replace(self, micro_tokens=half, reason=f"out of memory: {self.micro_tokens} tokens to {half}")
        if self.checkpointing == "none":
            return replace(self, checkpointing="full", reason="out of memory: activations are recomputed")
        return None


def first_plan(engine: Any, micro_tokens: int | None, supervised_share: float) -> Plan:
    """The plan to start with: the config's micro_tokens, or the largest power of two that should fit
    in the engine's share of the free memory.

    supervised_share: supervised tokens / tokens of the data set, for the size of the logits.
    """
    from .engines.device import free_memory

    packing, why_not = engine.packing
    if micro_tokens is not None:
        return Plan(micro_tokens, packing, "none", "; ".join(filter(None, ["microTokens from the config", why_not])))
    free = free_memory(engine.device)
    chosen = LARGEST_MICRO_TOKENS[engine.device.type]
    limit = engine.memory_share * free
    while chosen > SMALLEST_MICRO_TOKENS and engine.expected_bytes(chosen, supervised_share) > limit:
        chosen //= 2
    reason = f"{free / 2**30:.1f} GiB free, {engine.expected_bytes(chosen, supervised_share) / 2**30:.2f} expected"
    return Plan(chosen, packing, "none", "; ".join(filter(None, [reason, why_not])))
