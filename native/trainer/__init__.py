"""retune's trainer: a child process that does what needs tensors. `python -m trainer --help`."""
