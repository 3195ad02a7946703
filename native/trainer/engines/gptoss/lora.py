"""The LoRA's parameters in PEFT's names and layouts, and the layouts that the operations want.

PEFT (target_parameters) nests its wrappers: `mlp.experts.base_layer` is gate_up_proj, `mlp.experts` is down_proj.
A [E * r, in] has expert-major rows (e * r + j), B [out, r * E] rank-major columns (j * E + e); gate_up's outputs are
interleaved, g0 u0 g1 u1.
"""

import hashlib
from collections.abc import Callable
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


class LoraParameters:
    """The trained fp32 parameters; layers of one kind share a tensor, so that a step copies kinds, not layers."""

    def __init__(self, s: Shape, targets: str, seed: int, device: torch.device):
        """A uniform as in PEFT, but keyed by (seed, name), so equal on every device and in every engine; B zero."""
        self.s, self.device = s, device
        self.stacks: dict[str, Tensor] = {}
        """Suffix of PEFT's key to fp32 [layers, ...]."""
        self.gradients: dict[str, Tensor] = {}
        """The same for the gradients, at addresses that stay (a captured graph writes there); made when first used."""
        named: dict[str, nn.Parameter] = {}
        for suffix, shape in shapes(s, targets).items():
            stack = torch.zeros(len(s.windows), *shape)
            if ".lora_A." in suffix:
                for layer, value in enumerate(stack):
                    key = hashlib.sha256(f"{seed}:{PREFIX}{layer}.{suffix}".encode()).digest()[:8]
                    generator = torch.Generator().manual_seed(int.from_bytes(key, "big") >> 1)
                    # Kaiming with a = sqrt(5), PEFT's choice: bound 1 / sqrt(fan in).
                    bound = shape[-1] ** -0.5
                    value.uniform_(-bound, bound, generator=generator)
            self.stacks[suffix] = stack.to(device)
            for layer, value in enumerate(self.stacks[suffix]):
                named[f"{PREFIX}{layer}.{suffix}"] = nn.Parameter(value)
        self.named = dict(sorted(named.items()))
        """By PEFT's key, sorted; each is a view of its stack."""

    def make_gradients(self) -> None:
        """Memory for the gradients, once: a graph that is captured writes there."""
        if not self.gradients:
            self.gradients = {suffix: torch.empty_like(stack) for suffix, stack in self.stacks.items()}

    def begin_gradients(self) -> None:
        """Zeros, unless an earlier pass of the same step has left gradients: `named` has none then."""
        self.make_gradients()
        if next(iter(self.named.values())).grad is not None:
            return
        for suffix, total in self.gradients.items():
            total.zero_()
            for layer, part in enumerate(total):
                self.named[f"{PREFIX}{layer}.{suffix}"].grad = part

    def add_gradients(self, layer: int, grads: LayerLora) -> None:
        """Add a layer's gradients (fp32, the operations' layouts; qkv_b's outside its blocks is ignored)."""
        s = self.s

        def total(name: str, letter: str) -> Tensor:
            return self.gradients[f"{name}.lora_{letter}.weight"][layer]

        if f"{ATTENTION[0]}.lora_A.weight" in self.gradients:
            start = 0
            for index, name in enumerate(ATTENTION[:3]):
                rows = slice(index * s.r, (index + 1) * s.r)
                b = total(name, "B")
                total(name, "A").add_(grads.qkv_a[rows])
                b.add_(grads.qkv_b[rows, start : start + len(b)].t())
                start += len(b)
            total(ATTENTION[3], "A").add_(grads.out_a)
            total(ATTENTION[3], "B").add_(grads.out_b.t())
        if f"{DOWN}.lora_A.weight" in self.gradients:
            total(GATE_UP, "A").add_(grads.gate_up_a.flatten(0, 1))
            total(DOWN, "A").add_(grads.down_a.flatten(0, 1))
            # [out, r, E] of PEFT, whose gates and ups alternate.
            b = total(GATE_UP, "B").view(s.intermediate, 2, s.r, s.experts)
            b.add_(grads.gate_up_b.unflatten(2, (2, -1)).permute(3, 2, 1, 0))
            total(DOWN, "B").view(s.hidden, s.r, s.experts).add_(grads.down_b.permute(2, 1, 0))


def working_copies(parameters: LoraParameters | None, s: Shape, dtype: torch.dtype, device: torch.device
                   ) -> list[LayerLora]:  # fmt: skip
    """Every layer's parameters as the operations want them; those that are no target (all, if None) are zero."""
    layers, wide, narrow = len(s.windows), s.heads * s.head_dim, s.kv_heads * s.head_dim
    stacks = {} if parameters is None else parameters.stacks

    def get(name: str, letter: str, lay_out: Callable[[Tensor], Tensor], *shape: int) -> Tensor:
        stack = stacks.get(f"{name}.lora_{letter}.weight")
        if stack is None:
            return torch.zeros(1, *shape, dtype=dtype, device=device).expand(layers, *shape)
        return torch.empty(layers, *shape, dtype=dtype, device=device).copy_(lay_out(stack))

    q, k, v, o = ATTENTION
    qkv_b = torch.zeros(layers, 3 * s.r, s.qkv, dtype=dtype, device=device)
    start = 0
    for index, (name, width) in enumerate(((q, wide), (k, narrow), (v, narrow))):
        stack = stacks.get(f"{name}.lora_B.weight")
        if stack is not None:
            qkv_b[:, index * s.r : (index + 1) * s.r, start : start + width] = stack.transpose(1, 2)
        start += width
    e = (s.experts, s.r)

    def by_expert(b: Tensor) -> Tensor:
        return b.view(layers, -1, s.r, s.experts).permute(0, 3, 2, 1)

    def gate_then_up(b: Tensor) -> Tensor:
        return b.view(layers, s.intermediate, 2, s.r, s.experts).permute(0, 4, 3, 2, 1)

    fields = {
        "qkv_a": torch.cat([get(name, "A", lambda a: a, s.r, s.hidden) for name in (q, k, v)], 1),
        "qkv_b": qkv_b,
        "out_a": get(o, "A", lambda a: a, s.r, wide),
        "out_b": get(o, "B", lambda b: b.transpose(1, 2), s.r, s.hidden),
        "gate_up_a": get(GATE_UP, "A", lambda a: a.unflatten(1, e), *e, s.hidden),
        "gate_up_b": get(GATE_UP, "B", gate_then_up, *e, 2, s.intermediate).flatten(3),
        "down_a": get(DOWN, "A", lambda a: a.unflatten(1, e), *e, s.intermediate),
        "down_b": get(DOWN, "B", by_expert, *e, s.hidden),
    }
    return [LayerLora(**{field: stack[layer] for field, stack in fields.items()}) for layer in range(layers)]
