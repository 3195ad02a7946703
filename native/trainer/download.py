"""Files into Hugging Face's cache, byte by byte: a download that was cut goes on at its last byte, whoever began it.

huggingface_hub 1.33 begins such a file anew, since its temporary files' names are of one process. Here the part is
named by the sha256 that the Hub gives for the content, so what is there belongs to it whatever the branch does
meanwhile, and the hash is checked before the part becomes the cache's blob. Servers' own ETags say nothing more.
"""

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import MAY_RETRY, TrainerError, corrupt
from .events import Events
from .files import sync_folder

AT_A_TIME = 8
IDLE_TRIES = 6
"""Answers in a row that bring no byte before a download gives up; waits of 1, 2, 4, 8 and 16 s lie between them."""
LONGEST_WAIT_SECONDS = 120
"""A server that asks for more is come back to by the whole command."""
PIECE = 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """A file as the Hub lists it; `blob`: where its content goes; `lock`: what its downloaders lock."""

    url: str
    sha256: str
    size: int
    blob: Path
    lock: Path


class _Interrupted(Exception):
    """An answer that brought too little; wait: seconds that the server asks for, or None."""

    def __init__(self, why: str, wait: float | None = None):
        super().__init__(why)
        self.wait = wait


class _Received:
    """Bytes of all files that are on this machine, told as `progress` once a second, from any thread."""

    def __init__(self, events: Events, what: str, files: Sequence[RemoteFile]):
        self._events, self._what = events, what
        self._total = sum(file.size for file in files)
        self._bytes = dict.fromkeys(files, 0)
        self._lock = threading.Lock()
        self._spoke = 0.0

    def set(self, file: RemoteFile, bytes: int) -> None:
        with self._lock:
            self._bytes[file] = bytes
            done, now = sum(self._bytes.values()), time.monotonic()
            if now - self._spoke < 1 and done < self._total:
                return
            self._spoke = now
        self._events.emit("progress", what=self._what, done=done, total=self._total)


def fetch(
    files: Sequence[RemoteFile],
    headers: Mapping[str, str],
    events: Events,
    what: str,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Bring every file to its `blob`; one that is there, or that another process brings, is not fetched again.

    headers: of the requests to the Hub; its Authorization does not follow a redirect to another host.
    Raises TrainerError: RemoteUnavailable (may be retried, goes on at the byte) or ArtifactCorrupt;
    huggingface_hub's errors for what the Hub refuses.
    """
    received, stop = _Received(events, what, files), threading.Event()

    def bring(file: RemoteFile) -> None:
        try:
            _Download(file, headers, received, stop, sleep).run()
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        # Every result is asked for: the first failure is raised, after the others have noticed `stop`.
        for done in [pool.submit(bring, file) for file in files]:
            done.result()


class _Download:
    """One file."""

    def __init__(self, file: RemoteFile, headers: Mapping[str, str], received: _Received, stop: threading.Event,
                 sleep: Callable[[float], None]):  # fmt: skip
        self.file, self.received, self.stop, self.sleep = file, received, stop, sleep
        # A compressed answer has other bytes to count.
        self.headers = {**headers, "Accept-Encoding": "identity"}
        self.part = file.blob.with_name(f"{file.sha256}.incomplete")

    def run(self) -> None:
        file = self.file
        file.blob.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            # A part may be damaged (power loss, or a file system without locks): then once more from the start.
            for _ in range(2):
                if file.blob.exists() or self._complete():
                    return self.received.set(file, file.size)
                self.part.unlink()
        raise corrupt(f"{file.url}: its bytes do not have the sha256 that the Hub names", "report it to its publisher")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While this process is the one that downloads the file; the system frees the lock of one that was killed."""
        self.file.lock.parent.mkdir(parents=True, exist_ok=True)
        with open(self.file.lock, "ab") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self._stop_with_the_others()
                    self.received.set(self.file, self.part.stat().st_size if self.part.exists() else 0)
                    self.sleep(1)
            yield

    def _complete(self) -> bool:
        """Fetch what the part lacks; true when it became the blob, false when its hash is wrong."""
        # Unbuffered: what was received is in the file when the process is killed.
        with open(self.part, "a+b", buffering=0) as part:
            known, idle = self._hash_of(part), 0
            while known.size < self.file.size:
                before = known.size
                try:
                    self._receive(part, known)
                except _Interrupted as cut:
                    idle = 0 if known.size > before else idle + 1
                    wait = 2.0 ** max(0, idle - 1) if cut.wait is None else cut.wait
                    if idle == IDLE_TRIES or wait > LONGEST_WAIT_SECONDS:
                        what = f"{self.file.url}: {cut} at byte {known.size} of {self.file.size}"
                        raise TrainerError(
                            "RemoteUnavailable", what, "wait; a retry goes on at that byte", MAY_RETRY
                        ) from cut
                    self.sleep(wait)
            if known.size != self.file.size or known.hash.hexdigest() != self.file.sha256:
                return False
            os.fsync(part.fileno())
        os.replace(self.part, self.file.blob)
        sync_folder(self.file.blob.parent)
        return True

    def _hash_of(self, part: Any) -> "_Known":
        known = _Known()
        part.seek(0)
        while piece := part.read(PIECE):
            known.add(piece)
            self._stop_with_the_others()
        self.received.set(self.file, known.size)
        return known

    def _receive(self, part: Any, known: "_Known") -> None:
        """One request from the first missing byte on. Raises _Interrupted unless it brought bytes to the end."""
        import httpx
        from huggingface_hub.utils import get_session, hf_raise_for_status

        headers = {**self.headers, "Range": f"bytes={known.size}-"}
        timeout = httpx.Timeout(30, read=60)
        try:
            # Asked at the Hub each time: the address that it redirects to holds for an hour or so.
            with get_session().stream(
                "GET", self.file.url, headers=headers, timeout=timeout, follow_redirects=True
            ) as answer:
                if answer.status_code not in (200, 206):
                    self._refused(answer, part, known)
                    answer.read()
                    hf_raise_for_status(answer)
                    raise _Interrupted(f"an answer with status {answer.status_code}")
                first, total = _range_of(answer, self.file.size)
                if total != self.file.size:
                    raise _Interrupted(f"the server has {total} bytes, the Hub's list says {self.file.size}")
                if first != known.size:
                    self._start_over(part, known)
                    if first != 0:
                        raise _Interrupted(f"the server began at byte {first}")
                for piece in answer.iter_raw():
                    self._stop_with_the_others()
                    part.write(piece)
                    known.add(piece)
                    self.received.set(self.file, known.size)
        except httpx.TransportError as error:
            raise _Interrupted(f"the connection ended ({type(error).__name__})") from error
        if known.size < self.file.size:
            raise _Interrupted("the server sent less than was asked for")

    def _refused(self, answer: Any, part: Any, known: "_Known") -> None:
        """Raises _Interrupted where asking again may help."""
        status, redirected = answer.status_code, bool(answer.history)
        if status == 416:
            self._start_over(part, known)
        if status in (408, 416, 429) or status >= 500 or redirected:
            asked = answer.headers.get("Retry-After", "")
            raise _Interrupted(f"an answer with status {status}", float(asked) if asked.isdigit() else None)

    def _start_over(self, part: Any, known: "_Known") -> None:
        part.truncate(0)
        known.clear()

    def _stop_with_the_others(self) -> None:
        if self.stop.is_set():
            raise TrainerError("RemoteUnavailable", "another file could not be fetched", "see its message", MAY_RETRY)


class _Known:
    """How many bytes are in the part, and their hash so far."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.size, self.hash = 0, hashlib.sha256()

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        self.hash.update(piece)


def _range_of(answer: Any, size: int) -> tuple[int, int]:
    """(first byte, bytes of the whole file) of a 200 or 206; a 200 begins at 0, whatever was asked for."""
    if answer.status_code == 200:
        return 0, int(answer.headers.get("Content-Length", size))
    unit, _, spans = answer.headers.get("Content-Range", "").partition(" ")
    span, _, total = spans.partition("/")
    first = span.partition("-")[0]
    if unit != "bytes" or not first.isdigit():
        raise _Interrupted("an answer without a Content-Range")
    return int(first), int(total) if total.isdigit() else size
