"""SIGTERM as a wish: training ends at the next step boundary, with a checkpoint."""

import signal

_requested = False


def listen() -> None:
    """From now on SIGTERM only sets the wish. Called before torch is imported, which takes seconds."""
    signal.signal(signal.SIGTERM, _note)


def requested() -> bool:
    """True once SIGTERM came."""
    return _requested


def _note(_signal: int, _frame: object) -> None:
    global _requested
    _requested = True
