"""Writes checkpoints beside the training: a thread, at most one checkpoint in flight."""

import threading
import time
from pathlib import Path

from .checkpoint import Checkpoint, prune, write_checkpoint
from .events import Events


class CheckpointWriter:
    """`write` returns at once; the caller must not change the checkpoint's tensors afterwards."""

    def __init__(self, folder: Path, fence: int, keep: int, keep_best: int, events: Events):
        self.folder, self.fence, self.events = folder, fence, events
        self.keep, self.keep_best = keep, keep_best
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def write(self, checkpoint: Checkpoint) -> None:
        """Begin writing, after the one before is whole. Raises what went wrong with that one."""
        self.wait()
        # Not a daemon: a checkpoint that was begun is finished before the process ends.
        self._thread = threading.Thread(target=self._run, args=(checkpoint,), name="checkpoint")
        self._thread.start()

    def wait(self) -> None:
        """Until nothing is in flight. Raises what went wrong."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self, checkpoint: Checkpoint) -> None:
        try:
            started = time.monotonic()
            path, digest = write_checkpoint(self.folder, self.fence, checkpoint)
            prune(self.folder, self.keep, self.keep_best, self.fence)
            seconds = round(time.monotonic() - started, 3)
            step = checkpoint.state["step"]
            self.events.emit("checkpoint", step=step, folder=str(path), digest=digest, seconds=seconds)
        except BaseException as error:
            self._error = error
