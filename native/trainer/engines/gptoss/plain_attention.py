"""Attention of `plain`: documents one by one, scores written out."""

import torch
from torch import Tensor

from .shape import Documents, Shape


def rotate(qkv: Tensor, cos: Tensor, sin: Tensor, s: Shape) -> None:
    """Turn queries and keys of qkv [T, (heads + 2 kv) D] by position, in place."""
    turned = qkv[:, : (s.heads + s.kv_heads) * s.head_dim].view(len(qkv), -1, 2, s.head_dim // 2)
    first, second = turned[:, :, 0].float(), turned[:, :, 1].float()
    c, n = cos[:, None], sin[:, None]
    turned.copy_(torch.stack((first * c - second * n, second * c + first * n), 2))


def rotate_backward(dq: Tensor, dk: Tensor, dv: Tensor, cos: Tensor, sin: Tensor, s: Shape) -> Tensor:
    """Gradient of qkv before `rotate`, from those of q, k, v [T, heads, D]."""
    turned = torch.cat((dq, dk), 1).view(len(dq), -1, 2, s.head_dim // 2)
    first, second = turned[:, :, 0].float(), turned[:, :, 1].float()
    c, n = cos[:, None], sin[:, None]
    back = torch.stack((first * c + second * n, second * c - first * n), 2).to(dq.dtype)
    return torch.cat((back.flatten(1), dv.flatten(1)), 1)


def split(qkv: Tensor, s: Shape) -> tuple[Tensor, Tensor, Tensor]:
    """Views q [T, heads, D], k and v [T, kv_heads, D]."""
    widths = (s.heads * s.head_dim, s.kv_heads * s.head_dim, s.kv_heads * s.head_dim)
    q, k, v = (part.unflatten(1, (-1, s.head_dim)) for part in qkv.split(widths, 1))
    return q, k, v


def _attend(q: Tensor, k: Tensor, v: Tensor, documents: Documents, window: int, sinks: Tensor) -> Tensor:
    outputs = []
    group = q.shape[1] // k.shape[1]
    for part_q, part_k, part_v in zip(*(x.split(documents.lengths) for x in (q, k, v)), strict=True):
        n = len(part_q)
        keys, values = (x.repeat_interleave(group, 1).transpose(0, 1) for x in (part_k, part_v))
        scores = part_q.transpose(0, 1) @ keys.transpose(1, 2) * q.shape[-1] ** -0.5
        place = torch.arange(n, device=q.device)
        distance = place[:, None] - place[None]
        unseen = (distance < 0) | (distance >= (window or n))
        scores = scores.masked_fill(unseen, float("-inf"))
        # The sink takes its share of the probability and has no value.
        shares = torch.cat((scores, sinks[:, None, None].expand(-1, n, 1)), -1).softmax(-1)[..., :-1]
        outputs.append((shares @ values).transpose(0, 1))
    return torch.cat(outputs)


def attention(qkv: Tensor, documents: Documents, window: int, sinks: Tensor, s: Shape) -> tuple[Tensor, Tensor]:
    """(output [T, heads * D], whatever the backward pass wants beside it) of each document by itself, with sinks."""
    q, k, v = (x.float() for x in split(qkv, s))
    out = _attend(q, k, v, documents, window, sinks.float())
    return out.flatten(1).to(qkv.dtype), qkv.new_empty(0)


def attention_backward(
    do: Tensor, qkv: Tensor, out: Tensor, saved: Tensor, documents: Documents, window: int, sinks: Tensor, s: Shape
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of q, k, v [T, heads, D]; the sinks are frozen."""
    with torch.enable_grad():
        q, k, v = (x.detach().float().requires_grad_() for x in split(qkv, s))
        again = _attend(q, k, v, documents, window, sinks.float())
        grads = torch.autograd.grad(again, (q, k, v), do.unflatten(1, (-1, s.head_dim)).float())
    return tuple(g.to(qkv.dtype) for g in grads)
