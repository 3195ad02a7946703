"""Every operation of the engine in plain torch: what the kernels in `fused` must equal, and what runs without them.

Sums are made in fp32, results stored in the inputs' number format. Both modules have the same functions.
"""

import torch
from torch import Tensor

from ...random_bits import uniform
from .plain_attention import attention as attention
from .plain_attention import attention_backward as attention_backward
from .plain_attention import rotate as rotate
from .plain_attention import rotate_backward as rotate_backward
from .shape import Mask, Routing, Shape


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """[T, H] normed (Zhang and Sennrich 2019)."""
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps) * weight.float()).to(x.dtype)


def add_rms_norm(h: Tensor, t: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """(norm of h + t, h + t)."""
    total = (h.float() + t.float()).to(h.dtype)
    return rms_norm(total, weight, eps), total


def rms_norm_backward(
    x: Tensor,
    weight: Tensor,
    dy: Tensor,
    eps: float,
    residual: Tensor | None = None,
    rows: Tensor | None = None,
    routing: Routing | None = None,
) -> Tensor:
    """Gradient of x [T, H]; dy is first increased by the token's expert rows [R, H], the result by `residual`."""
    d = dy.float()
    if rows is not None and routing is not None:
        d = d + rows[routing.inverse.long()].float().sum(1)
    wide = x.float()
    inverse = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    unit, g = wide * inverse, d * weight.float()
    out = inverse * (g - unit * (g * unit).mean(-1, keepdim=True))
    return (out if residual is None else out + residual.float()).to(x.dtype)


def combine(h: Tensor, rows: Tensor, routing: Routing, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """(h + the weighted rows [R, H] of each token, its norm with the next layer's weight)."""
    mixed = (rows[routing.inverse.long()].float() * routing.weights[..., None]).sum(1)
    total = (h.float() + mixed).to(h.dtype)
    return total, rms_norm(total, weight, eps)


def route(logits: Tensor, s: Shape) -> Routing:
    """The K best experts of each token, with a softmax over them."""
    best, experts = logits.float().topk(s.top_k, dim=-1)
    weights = best.softmax(-1)
    flat = experts.flatten()
    order = torch.argsort(flat, stable=True)
    inverse = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
    ends = torch.bincount(flat, minlength=s.experts).cumsum(0)
    i32 = torch.int32
    return Routing(
        experts.to(i32), weights, inverse.view_as(experts).to(i32), weights.flatten()[order], ends.to(i32)
    )  # fmt: skip


def _row_experts(routing: Routing) -> Tensor:
    """Expert of each row, int64 [R]."""
    flat = routing.experts.flatten().long()
    return torch.empty_like(flat).scatter_(0, routing.inverse.flatten().long(), flat)


def _row_tokens(routing: Routing) -> Tensor:
    """Token of each row, int64 [R]."""
    tokens, k = routing.experts.shape
    token = torch.arange(tokens, device=routing.experts.device).repeat_interleave(k)
    return torch.empty_like(token).scatter_(0, routing.inverse.flatten().long(), token)


def gather(x: Tensor, thin: Tensor, routing: Routing, s: Shape, bias: bool) -> tuple[Tensor, Tensor]:
    """Rows [R, ld_hidden] = (x of the row's token, scale * thin[token, expert], one if `bias`), and the thin part.

    x [T, H]; thin [T, >= E * r]: what each token gives to each expert's LoRA. The thin part is [R, r].
    """
    token, expert = _row_tokens(routing), _row_experts(routing)
    part = thin[:, : s.experts * s.r].reshape(len(x), s.experts, s.r)[token, expert]
    part = (part.float() * s.scale).to(x.dtype)
    out = x.new_zeros(len(token), s.ld_hidden)
    out[:, : s.hidden] = x[token]
    out[:, s.hidden : s.hidden + s.r] = part
    if bias:
        out[:, s.hidden + s.r] = 1.0
    return out, part


def _kept(x: Tensor, mask: Mask, s: Shape) -> Tensor:
    """x [rows, columns] in fp32: scaled where it stays, else 0."""
    keep = uniform(mask.key, mask.part, *x.shape, device=x.device) >= s.dropout
    return torch.where(keep, x.float() * (1 / (1 - s.dropout)), 0.0)


def drop(x: Tensor, mask: Mask, s: Shape) -> Tensor:
    """Dropout (Srivastava et al. 2014) of x [rows, columns] by a mask that can be made again."""
    return _kept(x, mask, s).to(x.dtype)


def add_dropped(total: Tensor, x: Tensor, mask: Mask, s: Shape, factor: float) -> None:
    """total += factor * drop(x): the way back of `drop`. Both [rows, columns]."""
    total.copy_(total.float() + _kept(x, mask, s) * factor)


def grouped(x: Tensor, weight: Tensor, offsets: Tensor) -> Tensor:
    """x [R, k] by each row's expert of weight [E, k, n] -> [R, n]."""
    start, parts = 0, []
    for expert, end in enumerate(offsets.tolist()):
        parts.append(x[start:end] @ weight[expert])
        start = end
    return torch.cat(parts)


def product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b in fp32, also of bf16 factors."""
    return a.float() @ b.float()


def _glu(gate_up: Tensor, s: Shape) -> tuple[Tensor, Tensor, Tensor]:
    gate, up = gate_up[:, : s.intermediate].float(), gate_up[:, s.intermediate : 2 * s.intermediate].float()
    gate, up = gate.clamp(max=s.limit), up.clamp(-s.limit, s.limit)
    return gate, up, torch.sigmoid(gate * s.gate_slope)


def swiglu(
    gate_up: Tensor, a: Tensor, routing: Routing, s: Shape, mask: Mask | None = None
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Rows [R, ld_intermediate] = (activation, scale * activation A^T, one), and the thin part [R, r].

    gate_up [R, 2I], gate first; a [E, r, I]: down's A; mask: of A's input, the activation.
    """
    gate, up, sigmoid = _glu(gate_up, s)
    out = gate_up.new_zeros(len(gate_up), s.ld_intermediate)
    out[:, : s.intermediate] = (up + 1) * gate * sigmoid
    narrow = out[:, : s.intermediate] if mask is None else drop(out[:, : s.intermediate], mask, s)
    thin = grouped(narrow.float(), a.float().transpose(1, 2), routing.offsets) * s.scale
    out[:, s.intermediate : s.intermediate + s.r] = thin
    out[:, s.intermediate + s.r] = 1.0
    return out, thin.to(gate_up.dtype)


def swiglu_backward(
    gate_up: Tensor, dact: Tensor, b: Tensor, routing: Routing, s: Shape, mask: Mask | None = None,
    a: Tensor | None = None, thin: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(rows [R, ld_gate_up] = (d gate, d up, scale * those by B), gradient of the row's weight without bias, fp32 [R]).

    dact [R, I]: gradient before the routing weight; the activation, dropped by the mask, replaces it. b [E, r, 2I]:
    gate_up's B. With a mask, dact is without the part that comes through down's A, a [E, r, I], from thin [R, >= r].
    """
    gate, up, sigmoid = _glu(gate_up, s)
    raw_gate, raw_up = gate_up[:, : s.intermediate].float(), gate_up[:, s.intermediate : 2 * s.intermediate].float()
    act = (up + 1) * gate * sigmoid
    d = dact.float()
    if mask is not None and a is not None and thin is not None:
        d = d + _kept(grouped(thin[:, : s.r].float(), a.float(), routing.offsets), mask, s)
    dweight = (d * act).sum(1)
    d = d * routing.row_weights[:, None]
    slope = sigmoid + s.gate_slope * gate * sigmoid * (1 - sigmoid)
    out = gate_up.new_zeros(len(gate_up), s.ld_gate_up)
    out[:, : s.intermediate] = torch.where(raw_gate <= s.limit, d * (up + 1) * slope, 0.0)
    inside = (raw_up >= -s.limit) & (raw_up <= s.limit)
    out[:, s.intermediate : 2 * s.intermediate] = torch.where(inside, d * gate * sigmoid, 0.0)
    wide = out[:, : 2 * s.intermediate].float()
    out[:, 2 * s.intermediate : 2 * s.intermediate + s.r] = (
        grouped(wide, b.float().transpose(1, 2), routing.offsets) * s.scale
    )
    dact.copy_(act if mask is None else _kept(act, mask, s))
    return out, dweight


def expert_outer(rows: Tensor, thin: Tensor, routing: Routing, width: int, s: Shape, weighted: bool) -> Tensor:
    """Sum over each expert's rows of thin x row, fp32 [E, r, width]: a LoRA weight's gradient.

    rows [R, >= width], thin [R, >= r]; `weighted`: thin is first multiplied by the row's routing weight.
    """
    thin = thin[:, : s.r].float()
    if weighted:
        # Rounded as the kernel rounds it before its matrix unit.
        thin = (thin * routing.row_weights[:, None]).to(rows.dtype).float()
    out = torch.zeros(s.experts, s.r, width, device=rows.device)
    start = 0
    for expert, end in enumerate(routing.offsets.tolist()):
        out[expert] = thin[start:end].T @ rows[start:end, :width].float()
        start = end
    return out


def token_gradients(
    dgate_up: Tensor, thin: Tensor, dweight: Tensor, d_bias: Tensor, routing: Routing, s: Shape
) -> tuple[Tensor, Tensor, Tensor]:
    """From rows back to tokens: (by gate_up's A [T, E * r], by down's B [T, E * r], gradient of the router [T, E]).

    dgate_up: rows of swiglu_backward; thin [R, r] of swiglu; dweight fp32 [R]; d_bias [T, E]: the output gradient
    by each expert's down bias, which is the bias's part of the weight's gradient.
    """
    tokens, dtype = len(routing.experts), dgate_up.dtype
    experts, inverse = routing.experts.long(), routing.inverse.long()
    place = experts[..., None].expand(-1, -1, s.r)

    def spread(parts: Tensor) -> Tensor:
        empty = torch.zeros(tokens, s.experts, s.r, device=parts.device)
        return empty.scatter_(1, place, parts).flatten(1).to(dtype)

    first = spread(dgate_up[:, 2 * s.intermediate : 2 * s.intermediate + s.r][inverse].float())
    second = spread(routing.weights[..., None] * thin[inverse].float())
    d = dweight[inverse] + d_bias.gather(1, experts).float()
    # Softmax over the chosen experts.
    d = routing.weights * (d - (routing.weights * d).sum(1, keepdim=True))
    router = torch.zeros(tokens, s.experts, device=d.device).scatter_(1, experts, d)
    return first, second, router.to(dtype)


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Negative log likelihood in nats, fp32 [S], of logits [S, V]; the logits are overwritten by its gradient."""
    logs = logits.float().log_softmax(-1)
    nll = -logs.gather(1, targets[:, None])[:, 0]
    grad = logs.exp_()
    grad[torch.arange(len(targets), device=grad.device), targets] -= 1.0
    logits.copy_(grad)
    return nll


E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)
"""Values of the 4-bit codes of OCP MXFP4."""


def dequantise(blocks: Tensor, scales: Tensor, out: Tensor, interleaved: bool) -> None:
    """MXFP4 into out[:, :N, :k]: blocks uint8 [E, N, k / 32, 16] (low half first), scales uint8 [E, N, k / 32].

    `interleaved`: rows are g0 u0 g1 u1 and become gate, then up. Exact: every value fits bf16.
    """
    experts, rows, groups, _ = blocks.shape
    for expert in range(experts):
        codes = torch.stack((blocks[expert] & 15, blocks[expert] >> 4), -1).long().flatten(-2)
        values = torch.tensor(E2M1, device=blocks.device)[codes]
        values = torch.ldexp(values, scales[expert].int()[..., None] - 127).flatten(-2)
        if interleaved:
            values = torch.cat((values[::2], values[1::2]))
        out[expert, :rows, : groups * 32] = values


def put_lora(out: Tensor, a: Tensor, b: Tensor, bias: Tensor, s: Shape) -> None:
    """Write LoRA and bias around the weights in out [E, N + extra_rows, ld]: a [E, r, k], b [E, r, N], bias [E, N]."""
    n, k = b.shape[2], a.shape[2]
    out[:, :n, k : k + s.r] = b.transpose(1, 2)
    out[:, :n, k + s.r] = bias
    out[:, n : n + s.r, :k] = a
