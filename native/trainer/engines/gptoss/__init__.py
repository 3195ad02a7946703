"""Our own engine for GPT-OSS: a hand-written forward and backward pass with LoRA on attention and on every expert.

No autograd inside, no compiler, no transformers. Two ideas carry its speed:

1. LoRA and bias ride inside the expert GEMM. An expert's scratch weight has extra columns (B^T and the bias) and extra
   rows (A); the activations have the matching columns (scale * x A^T and a one). Forward and input gradient are one
   grouped GEMM each, with no pass that adds.
2. A of gate_up and B of down see tokens, not the rows that were copied to experts: their products, and their weight
   gradients, are dense GEMMs of width experts * r.

`plain` holds every operation in plain torch: the oracle of the tests, and what runs without CUDA or Triton. `fused` is
the same list of operations on Triton kernels, cuBLAS and flash attention.

Shape letters: T tokens of a micro-batch, R = T * K rows of (token, chosen expert), S supervised tokens, E experts,
K experts a token, H hidden, I intermediate, D head size, r LoRA rank, V vocabulary.
"""
