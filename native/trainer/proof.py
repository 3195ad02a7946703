"""Proof that a model file is the model that was trained: token by token, and able to fail.

Over the probe's supervised tokens, d is the mean |log-prob(artefact) - log-prob(trained)| and e the same between base
and trained. A lost adapter gives d = e, a lost layer a large part of it; a right artefact gives d of the size of
rounding, whose floor is measured in the same run. An adapter that does too little to be told from rounding is not
called proven.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .data import TokenFile, micro_batch
from .scoring import token_nll

PROVEN, WEAK, FAILED = "proven", "adapter too weak to prove", "failed"


@dataclass(frozen=True)
class Probe:
    """Rows of token files, in order, that the proof reads."""

    rows: list[tuple[TokenFile, list[int]]]

    def nats(self, engine: Any, scored: Callable[[], None]) -> np.ndarray:
        """float64 [S]: the loss of every supervised token. `scored` is called after each example."""
        losses: list[np.ndarray] = []
        for tokens, chosen in self.rows:
            for _, nats in token_nll(engine, tokens, chosen):
                losses.append(nats)
                scored()
        return np.concatenate(losses).astype(np.float64)

    @property
    def examples(self) -> int:
        """Number of rows."""
        return sum(len(chosen) for _, chosen in self.rows)


def choose_rows(files: Sequence[TokenFile], min_tokens: int) -> Probe:
    """Rows of the files in turn, each in its order, until `min_tokens` supervised tokens, or all."""
    chosen: list[list[int]] = [[] for _ in files]
    total = 0
    for index in range(max((len(tokens) for tokens in files), default=0)):
        for at, tokens in enumerate(files):
            if total < min_tokens and index < len(tokens):
                chosen[at].append(index)
                total += tokens.supervised(index)
    return Probe([(tokens, rows) for tokens, rows in zip(files, chosen, strict=True) if rows])


@dataclass(frozen=True)
class Reference:
    """Losses [S] of the trained model, of its base, and of the trained model with other rounding."""

    trained: np.ndarray
    base: np.ndarray
    rounded: np.ndarray

    @property
    def floor(self) -> float:
        """Mean difference that rounding alone makes, in nats a token."""
        return float(np.abs(self.rounded - self.trained).mean())


def judge(artefact: np.ndarray, reference: Reference) -> dict[str, Any]:
    """The proof of one artefact as a record: verdict, d, e, floor, bounds and mean losses, all in nats a token."""
    trained, base = float(reference.trained.mean()), float(reference.base.mean())
    d = float(np.abs(artefact - reference.trained).mean())
    e = float(np.abs(reference.base - reference.trained).mean())
    floor = reference.floor
    rounding = reference.rounded - reference.trained
    nll_noise = max(abs(float(rounding.mean())), 2 * float(rounding.std()) / len(rounding) ** 0.5)
    bound = max(0.1 * e, floor)
    # Never below what rounding alone does to the mean: an adapter that overfits has almost no loss left.
    nll_bound = max(min(0.005 * abs(trained), 0.1 * abs(base - trained)), nll_noise)
    nll_difference = abs(float(artefact.mean()) - trained)
    # Whether the mean loss can show anything: where rounding may move it by a tenth of the improvement, it cannot.
    resolved = 10 * nll_noise <= abs(base - trained)
    if e < 2 * floor:
        verdict = WEAK if d <= 2 * floor else FAILED
    elif d > bound or (resolved and nll_difference > nll_bound):
        verdict = FAILED
    else:
        verdict = PROVEN if resolved or e >= 10 * floor else WEAK
    return {
        "verdict": verdict, "tokens": len(artefact), "d": d, "e": e, "floor": floor, "bound": bound,
        "nll": float(artefact.mean()), "nllTrained": trained, "nllBase": base, "nllBound": nll_bound,
    }  # fmt: skip


def first_differing_layer(artefact: Any, trained: Any, probe: Probe) -> str:
    """The first attention or feed-forward block whose output differs by more than a tenth of what the adapter changes.

    Both engines run the probe's first row; a block before the adapter's first change is bound by rounding instead.
    """
    tokens, chosen = probe.rows[0]
    batch = micro_batch(tokens, chosen[:1])
    right, wrong = _block_outputs(trained, batch), _block_outputs(artefact, batch)
    with trained.without_adapter():
        bare = _block_outputs(trained, batch)
    for name, expected in right.items():
        effect = float((bare[name] - expected).norm())
        rounding = 0.03 * float(expected.norm())
        if float((wrong[name] - expected).norm()) > max(0.1 * effect, rounding):
            return name
    return "output head"


def _block_outputs(engine: Any, batch: Any) -> dict[str, Any]:
    """fp32 output of every layer's attention and feed-forward block, in order of execution."""
    import torch

    outputs: dict[str, Any] = {}
    hooks = [
        module.register_forward_hook(
            lambda _, __, out, name=name: outputs.__setitem__(name, (out[0] if isinstance(out, tuple) else out).float())
        )
        for name, module in _blocks(engine.model)
    ]
    try:
        with torch.inference_mode():
            engine.nll(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return outputs


def _blocks(model: Any) -> Iterator[tuple[str, Any]]:
    for name, module in model.named_modules():
        parts = name.split(".")
        if len(parts) >= 3 and parts[-2].isdigit() and parts[-1] in ("self_attn", "mlp"):
            yield name, module
