"""Measurements of the trainer on a GPU; results are written by hand into ../bench/results with their command."""
