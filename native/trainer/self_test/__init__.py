"""Engine gptoss against its reference before hours are spent: python -m trainer self-test config.json, and in train."""

from .command import run
from .comparison import before_training

__all__ = ["before_training", "run"]
