"""Triton kernels of the engine; `fused` launches them, `plain` says what each must compute."""
