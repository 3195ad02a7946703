"""The LoRA's parameters in PEFT's names and layouts, and the layouts that the operations want.

PEFT (target_parameters) nests its wrappers: `mlp.experts.base_layer` is gate_up_proj, `mlp.experts` is down_proj.
A [E * r, in] has expert-major rows (e * r + j), B [out, r * E] rank-major columns (j * E + e); gate_up's outputs are
interleaved, g0 u0 g1 u1.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .shape import Shape

PREFIX = "base_model.model.model.layers."
ATTENTION = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
GATE_UP, DOWN = "mlp.experts.base_layer", "mlp.experts"


@dataclass
class LayerLora:
    """One layer's LoRA in the engine's numbers: attention A [3r, H] (q, k, v) and block-diagonal B [3r, qkv],
    o A [r, heads * D] and B [r, H], gate_up A [E, r, H] and B [E, r, 2I] (gate, up), down A [E, r, I], B [E, r, H].
    """

    qkv_a: Tensor
    qkv_b: Tensor
    out_a: Tensor
    out_b: Tensor
    gate_up_a: Tensor
    gate_up_b: Tensor
    down_a: Tensor
    down_b: Tensor


def shapes(s: Shape, targets: str) -> dict[str, tuple[int, int]]:
    """Suffix of PEFT's key to shape, for one layer and `targets` (attention, mlp: every expert, both)."""
    wide, narrow = s.heads * s.head_dim, s.kv_heads * s.head_dim
    found: dict[str, tuple[int, int]] = {}
    if targets != "mlp":
        outs = (wide, narrow, narrow, s.hidden)
        for name, out in zip(ATTENTION, outs, strict=True):
            found[f"{name}.lora_A.weight"] = (s.r, wide if name.endswith("o_proj") else s.hidden)
            found[f"{name}.lora_B.weight"] = (out, s.r)
    if targets != "attention":
        for name, width, out in ((GATE_UP, s.hidden, 2 * s.intermediate), (DOWN, s.intermediate, s.hidden)):
            found[f"{name}.lora_A.weight"] = (s.experts * s.r, width)
            found[f"{name}.lora_B.weight"] = (out, s.r * s.experts)
    return found


def fresh_parameters(s: Shape, targets: str, seed: int, device: torch.device) -> dict[str, nn.Parameter]:
    """fp32 parameters by PEFT's key, sorted: A uniform as in PEFT but keyed by (seed, name), B zero."""
    parameters = {}
    for layer in range(len(s.windows)):
        for suffix, shape in shapes(s, targets).items():
            name = f"{PREFIX}{layer}.{suffix}"
            value = torch.zeros(shape)
            if ".lora_A." in name:
                key = hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8]
                generator = torch.Generator().manual_seed(int.from_bytes(key, "big") >> 1)
                # Kaiming with a = sqrt(5), PEFT's choice: bound 1 / sqrt(fan in).
                bound = shape[-1] ** -0.5
                value.uniform_(-bound, bound, generator=generator)
            parameters[name] = nn.Parameter(value.to(device))
    return dict(sorted(parameters.items()))


def _by_expert(b: Tensor, s: Shape, interleaved: bool) -> Tensor:
    """B [out, r * E] as [E, r, out], gate before up."""
    if interleaved:
        return b.view(s.intermediate, 2, s.r, s.experts).permute(3, 2, 1, 0).flatten(2)
    return b.view(-1, s.r, s.experts).permute(2, 1, 0)


def working_copy(parameters: Mapping[str, Tensor], layer: int, s: Shape, dtype: torch.dtype, device: torch.device
                 ) -> LayerLora:  # fmt: skip
    """The layer's parameters as the operations want them; those that are no target are zero."""
    wide, narrow = s.heads * s.head_dim, s.kv_heads * s.head_dim

    def get(name: str, letter: str, lay_out: Callable[[Tensor], Tensor], *shape: int) -> Tensor:
        out = torch.zeros(shape, dtype=dtype, device=device)
        parameter = parameters.get(f"{PREFIX}{layer}.{name}.lora_{letter}.weight")
        return out if parameter is None else out.copy_(lay_out(parameter.detach()))

    q, k, v, o = ATTENTION
    qkv_b = torch.zeros(3 * s.r, s.qkv, dtype=dtype, device=device)
    start = 0
    for index, (name, width) in enumerate(((q, wide), (k, narrow), (v, narrow))):
        block = qkv_b[index * s.r : (index + 1) * s.r, start : start + width]
        block.copy_(get(name, "B", Tensor.t, s.r, width))
        start += width
    e = (s.experts, s.r)
    return LayerLora(
        qkv_a=torch.cat([get(name, "A", lambda a: a, s.r, s.hidden) for name in (q, k, v)]),
        qkv_b=qkv_b,
        out_a=get(o, "A", lambda a: a, s.r, wide),
        out_b=get(o, "B", Tensor.t, s.r, s.hidden),
        gate_up_a=get(GATE_UP, "A", lambda a: a.view(*e, -1), *e, s.hidden),
        gate_up_b=get(GATE_UP, "B", lambda b: _by_expert(b, s, True), *e, 2 * s.intermediate),
        down_a=get(DOWN, "A", lambda a: a.view(*e, -1), *e, s.intermediate),
        down_b=get(DOWN, "B", lambda b: _by_expert(b, s, False), *e, s.hidden),
    )


def add_gradients(parameters: Mapping[str, nn.Parameter], layer: int, grads: LayerLora, s: Shape) -> None:
    """Add one layer's gradients (fp32, in the operations' layouts; qkv_b's outside its blocks is ignored)."""
    wide, narrow = s.heads * s.head_dim, s.kv_heads * s.head_dim

    def add(name: str, letter: str, grad: Tensor) -> None:
        parameter = parameters.get(f"{PREFIX}{layer}.{name}.lora_{letter}.weight")
        if parameter is None:
            return
        grad = grad.reshape(parameter.shape)
        parameter.grad = grad.contiguous() if parameter.grad is None else parameter.grad.add_(grad)

    start = 0
    for index, (name, width) in enumerate(zip(ATTENTION[:3], (wide, narrow, narrow), strict=True)):
        rows = slice(index * s.r, (index + 1) * s.r)
        add(name, "A", grads.qkv_a[rows])
        add(name, "B", grads.qkv_b[rows, start : start + width].t())
        start += width
    add(ATTENTION[3], "A", grads.out_a)
    add(ATTENTION[3], "B", grads.out_b.t())
    add(GATE_UP, "A", grads.gate_up_a)
    add(GATE_UP, "B", grads.gate_up_b.unflatten(2, (2, -1)).permute(3, 2, 1, 0))
    add(DOWN, "A", grads.down_a)
    add(DOWN, "B", grads.down_b.permute(2, 1, 0))
