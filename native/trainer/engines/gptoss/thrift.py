"""What a card with little memory does without: the embedding on the GPU, whole layers of decoded experts, many logits.

Every saving costs time and changes sums only in their rounding. It is chosen by what the weights will leave free.
"""

from dataclasses import dataclass

from .loss import CHUNK
from .shape import Shape

GIB = 2**30


@dataclass(frozen=True)
class Thrift:
    """embedding_on_cpu saves 1.1 GiB of gpt-oss-20b and costs a copy of T x H numbers a pass; experts_at_a_time:
    how many have scratch weights at once (all of the 20B's: 1.5 GiB); head_rows: rows whose logits exist at once.
    """

    embedding_on_cpu: bool = False
    experts_at_a_time: int | None = None
    head_rows: int = CHUNK

    def saving(self) -> tuple[bool, bool, int]:
        """Order of the choices below, from the least saving."""
        return self.embedding_on_cpu, self.experts_at_a_time is not None, -self.head_rows


def thrift_for(left: int, s: Shape) -> Thrift:
    """By the bytes that stay free beside the weights, of which a LoRA of rank 8 on everything and one layer of decoded
    experts are taken off first (3 GiB for the 20B, 15 for the 120B).
    """
    expert = 3 * s.hidden * s.intermediate
    # Parameter, gradient, two moments in 32 bits and a working copy in 16.
    lora = 8 * len(s.windows) * s.experts * (2 * s.hidden + 3 * s.intermediate) * 18
    spare = left - 2 * s.experts * expert - lora
    if spare >= 7 * GIB:
        return Thrift()
    if spare >= 3.5 * GIB:
        return Thrift(embedding_on_cpu=True, head_rows=1024)
    return Thrift(embedding_on_cpu=True, experts_at_a_time=max(1, s.experts // 4), head_rows=512)
