"""Event lines of protocol 1 (contracts/trainer.ts): what the parent process, or a person, sees of a command."""

import json
import os
import sys
import threading
import time
from typing import IO, Any

from .errors import ParentGone, bad_config

PROTOCOL = 1


class Events:
    """Writes one JSON object a line. `emit` may be called from any thread; lines never interleave."""

    def __init__(self, stream: IO[str], by_hand: bool):
        self._stream = stream
        self._lock = threading.Lock()
        self._seq = 0
        self.by_hand = by_hand
        """True when a person reads the terminal: commands then also say what they do on stderr."""

    def emit(self, type: str, **fields: Any) -> None:
        """Write one event. Raises ParentGone when the reader closed its end, ValueError for NaN or infinity."""
        with self._lock:
            event = {"v": PROTOCOL, "seq": self._seq, "t": round(time.time(), 3), "type": type, **fields}
            line = json.dumps(event, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except BrokenPipeError as error:
                raise ParentGone from error
            self._seq += 1

    def warning(self, code: str, message: str, remedy: str) -> None:
        """Something went wrong that the command could answer itself."""
        self.emit("warning", code=code, message=message, remedy=remedy)

    def say(self, text: str) -> None:
        """A line for the person at the terminal; nothing when a program reads the events."""
        if self.by_hand:
            print(text, file=sys.stderr, flush=True)


class Counter:
    """Work of a known size as `progress` events, at most one a second and one at the end."""

    def __init__(self, events: Events, total: int):
        self._events, self.total, self.done, self._last = events, total, 0, 0.0

    def count(self, what: str) -> None:
        """One part of the work is done."""
        self.done += 1
        self.show(what)

    def show(self, what: str) -> None:
        """Says what is under way, without counting it."""
        if time.monotonic() - self._last >= 1 or self.done == self.total:
            self._last = time.monotonic()
            self._events.emit("progress", what=what, done=self.done, total=self.total)


def open_events(target: str) -> Events:
    """target: "stdout", "fd:N" (a descriptor opened by the parent) or "file:PATH" (appended to)."""
    kind, _, value = target.partition(":")
    if target == "stdout":
        return Events(sys.stdout, by_hand=True)
    if kind == "fd" and value.isdigit():
        try:
            return Events(os.fdopen(int(value), "w", encoding="utf-8"), by_hand=False)
        except OSError as error:
            raise bad_config(f"--events {target}: {error.strerror}", "open the descriptor in the parent") from error
    if kind == "file" and value:
        # The stream lives as long as the process.
        return Events(open(value, "a", encoding="utf-8"), by_hand=False)
    raise bad_config(f"--events {target!r}: expected stdout, fd:N or file:PATH", "see --help")
