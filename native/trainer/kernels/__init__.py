"""Triton kernels of the trainer itself; those of engine gptoss are beside it."""
