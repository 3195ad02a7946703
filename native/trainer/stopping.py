"""SIGTERM, and Ctrl-C at the terminal, as a wish: training ends at the next step boundary, with a checkpoint."""

import signal

_requested = False


def listen() -> None:
    """From now on the signals only set the wish; a second Ctrl-C ends the process at once.

    Called before torch is imported, which takes seconds.
    """
    signal.signal(signal.SIGTERM, _note)
    signal.signal(signal.SIGINT, _note)


def requested() -> bool:
    """True once a signal came."""
    return _requested


def _note(number: int, _frame: object) -> None:
    global _requested
    _requested = True
    if number == signal.SIGINT:
        signal.signal(signal.SIGINT, signal.default_int_handler)
