"""Token losses of examples, the same way for every model that is compared: grouped in file order, one dtype."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .data import TokenFile, micro_batch
from .errors import OutOfMemory

GROUP_TOKENS = {"cpu": 512, "cuda": 4096}
"""Most tokens of one forward pass; longer examples are alone in theirs."""


def token_nll(engine: Any, tokens: TokenFile, indices: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
    """(index, nats of its supervised tokens as float32 [S]) of each example, in the order of `indices`.

    Groups depend on lengths alone, so two models see the same ones. A group that does not fit into memory is halved;
    raises OutOfMemory when one example alone does not fit.
    """
    limit = GROUP_TOKENS.get(engine.device.type, GROUP_TOKENS["cpu"])
    lengths = tokens.lengths
    group: list[int] = []
    size = 0
    for index in indices:
        if group and size + int(lengths[index]) > limit:
            yield from _score(engine, tokens, group)
            group, size = [], 0
        group.append(index)
        size += int(lengths[index])
    if group:
        yield from _score(engine, tokens, group)


def _score(engine: Any, tokens: TokenFile, group: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    import torch

    try:
        with torch.inference_mode():
            nats = engine.nll(micro_batch(tokens, group)).float().cpu().numpy()
    except OutOfMemory:
        if len(group) == 1:
            raise
        middle = len(group) // 2
        yield from _score(engine, tokens, group[:middle])
        yield from _score(engine, tokens, group[middle:])
        return
    at = 0
    for index in group:
        count = tokens.supervised(index)
        yield index, nats[at : at + count]
        at += count
