"""Attention masks that keep packed documents apart, built by us.

transformers 5.17 isolates packed documents in GPT-OSS never, and in other models only under conditions.
"""

from typing import Any

import torch


def layer_kinds(config: Any) -> set[str]:
    """The kinds of attention layers in a model: full_attention, sliding_attention, or others."""
    kinds = set(getattr(config, "layer_types", None) or [])
    return kinds or {"sliding_attention" if getattr(config, "sliding_window", None) else "full_attention"}


def document_mask(config: Any, lengths: list[int], dtype: torch.dtype, device: torch.device) -> Any:
    """Additive mask [1, 1, T, T]: each token sees the earlier tokens of its own document, T = sum(lengths).

    One mask for models whose layers are all full; a dict of masks, one a kind, where windowed layers are among them;
    None for one document in a model of full layers, whose causal mask is transformers' own.
    """
    kinds = layer_kinds(config)
    if len(lengths) == 1 and kinds == {"full_attention"}:
        return None
    document = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(device)
    place = torch.arange(len(document), device=device)
    distance = place[:, None] - place[None, :]
    visible = (document[:, None] == document[None, :]) & (distance >= 0)
    masks = {}
    for kind in sorted(kinds):
        seen = visible & (distance < config.sliding_window) if kind == "sliding_attention" else visible
        blank = torch.zeros(seen.shape, dtype=dtype, device=device)
        masks[kind] = blank.masked_fill_(~seen, torch.finfo(dtype).min)[None, None]
    return masks["full_attention"] if kinds == {"full_attention"} else masks
