"""Cross entropy of one row a program, in two sweeps over the vocabulary."""

import triton
import triton.language as tl


@triton.jit
def cross_entropy(logits, targets, nll, V, BV: tl.constexpr):
    """nll in nats (fp32); the logits are overwritten by its gradient."""
    p = tl.program_id(0).to(tl.int64)
    t = tl.load(targets + p)
    wanted = tl.load(logits + p * V + t).to(tl.float32)
    top = float("-inf")
    total = 0.0
    for c0 in range(0, V, BV):
        c = c0 + tl.arange(0, BV)
        v = tl.load(logits + p * V + c, mask=c < V, other=float("-inf")).to(tl.float32)
        higher = tl.maximum(top, tl.max(v, 0))
        total = total * tl.exp(top - higher) + tl.sum(tl.exp(v - higher), 0)
        top = higher
    log_sum = top + tl.log(total)
    tl.store(nll + p, log_sum - wanted)
    for c0 in range(0, V, BV):
        c = c0 + tl.arange(0, BV)
        v = tl.load(logits + p * V + c, mask=c < V, other=float("-inf")).to(tl.float32)
        tl.store(logits + p * V + c, tl.exp(v - log_sum) - tl.where(c == t, 1.0, 0.0), mask=c < V)
