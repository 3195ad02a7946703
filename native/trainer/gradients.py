"""A step's gradients and a data set's loss, micro-batch by micro-batch, shared between ranks."""

import hashlib
from typing import Any

import torch
from torch import Tensor

from .data import TokenFile, micro_batch, pack
from .parallel import Ranks


def passes(tokens: TokenFile, members: list[int], micro_tokens: int, ranks: Ranks) -> list[list[int]]:
    """This rank's micro-batches of these examples, packed."""
    lengths = {index: int(tokens.lengths[index]) for index in members}
    return ranks.mine(pack(lengths, micro_tokens), lengths.__getitem__)


def add_gradients(engine: Any, tokens: TokenFile, groups: list[list[int]], total: int, seed: int, step: int) -> Tensor:
    """Add the gradients of sum(nats) / total over the supervised tokens of `groups`; returns that sum, fp64 [].

    It is still on the device: to ask for its number is to wait for the passes.

    total: the whole step's number of supervised tokens, over all ranks, so that the loss does not depend on the
    grouping. Raises OutOfMemory.
    """
    engine.train(True)
    nats = torch.zeros((), dtype=torch.float64, device=engine.device)
    for group in groups:
        # Dropout is keyed by (seed, step, micro-batch), not by the calls before it: resume needs no state.
        key = hashlib.sha256(f"{seed}:{step}:{group[0]}".encode()).digest()
        torch.manual_seed(int.from_bytes(key[:8], "big") >> 1)
        nll = engine.nll(micro_batch(tokens, group))
        nats += nll.detach().double().sum()
        engine.backward(nll.sum() / total)
    return nats / total


def total_nats(engine: Any, tokens: TokenFile, micro_tokens: int, ranks: Ranks) -> float:
    """Sum of nats over this rank's part of the supervised tokens of a file, adapter on, dropout off."""
    engine.train(False)
    with torch.no_grad():
        groups = passes(tokens, list(range(len(tokens))), micro_tokens, ranks)
        return sum(float(engine.nll(micro_batch(tokens, group)).double().sum()) for group in groups)


def largest_pass(tokens: TokenFile, steps: list[list[int]], micro_tokens: int) -> list[int]:
    """The micro-batch of the most tokens that these steps will hold, up to the choice among equals."""
    lengths = tokens.lengths
    step = max(steps, key=lambda members: min(int(lengths[members].sum()), micro_tokens))
    longest = max(steps, key=lambda members: int(lengths[members].max()))
    groups = [
        group
        for members in (step, longest)
        for group in pack({index: int(lengths[index]) for index in members}, micro_tokens)
    ]
    return max(groups, key=lambda group: int(lengths[group].sum()))
