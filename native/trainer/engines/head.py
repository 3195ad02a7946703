"""The loss behind the language model head, without ever holding the logits of all rows.

Shape letters: S supervised rows, H hidden size, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor

CHUNK_NUMBERS = {"cpu": 2**24, "cuda": 2**27}
"""Logits computed at a time: 64 MiB on a CPU, where larger tensors cost page faults, 512 MiB on a GPU."""


class HeadNll(torch.autograd.Function):
    """Negative log likelihood [S] fp32 of `targets` [S] under hidden [S, H] @ weight [V, H]^T; weight is frozen.

    The gradient of each row is made beside its loss, while the chunk's logits are there: a row's gradient is
    softmax(logits) - onehot(target), times what comes from above, which the backward pass multiplies in.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        """Losses of all rows, chunk by chunk."""
        with_gradient = ctx.needs_input_grad[0]
        nll = torch.empty(len(targets), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden) if with_gradient else None
        size = max(1, CHUNK_NUMBERS[hidden.device.type] // len(weight))
        for start in range(0, len(targets), size):
            rows = slice(start, start + size)
            logits = (hidden[rows] @ weight.T).float()
            wanted = targets[rows, None]
            log_total = logits.logsumexp(-1, keepdim=True)
            nll[rows] = (log_total - logits.gather(-1, wanted)).squeeze(-1)
            if gradient is not None:
                share = logits.sub_(log_total).exp_()
                share.scatter_(-1, wanted, share.gather(-1, wanted) - 1)
                gradient[rows] = share.to(weight.dtype) @ weight
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return nll

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None, None]:
        """above [S] fp32."""
        (gradient,) = ctx.saved_tensors
        return (gradient * above[:, None]).to(gradient.dtype), None, None


def plain_head(model: Any, device: torch.device) -> Tensor | None:
    """The head's weight [V, H] where logits are hidden @ weight^T and nothing else, found by trying; else None.

    Some families scale or cap their logits, or add a bias.
    """
    head = model.get_output_embeddings()
    if not isinstance(head, torch.nn.Linear) or head.bias is not None:
        return None
    ids = torch.arange(4, device=device)[None]
    mode = model.training
    model.eval()
    with torch.no_grad():
        hidden = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
        same = torch.equal(model(input_ids=ids, use_cache=False).logits, head(hidden))
    model.train(mode)
    return head.weight if same else None
