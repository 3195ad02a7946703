"""The processes of one host that share each step: data parallel, gradients summed.

Rank 0 speaks (events, checkpoints, result); the others compute. Started by rank 0 itself (TrainConfig.devices) or by
torchrun. Every decision is made of numbers that all ranks have alike, so that none waits for another for ever.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from .errors import MAY_RETRY, bad_config
from .events import Events

BUCKET = 2**24
"""Gradient elements that travel together: 64 MiB."""
GRACE_SECONDS = 10
"""For rank 0 to say itself what went wrong, after another rank has ended."""


class Ranks:
    """This process among `size`; alone without a group."""

    def __init__(self, rank: int = 0, size: int = 1):
        self.rank, self.size = rank, size

    def mine(self, groups: Sequence[list[int]], lengths: Callable[[int], int]) -> list[list[int]]:
        """This rank's part of a step's micro-batches: the largest first, each to the rank with the fewest tokens."""
        if self.size == 1:
            return list(groups)
        weights = [sum(map(lengths, group)) for group in groups]
        load, owner = [0] * self.size, {}
        for at in sorted(range(len(groups)), key=lambda at: (-weights[at], at)):
            owner[at] = load.index(min(load))
            load[owner[at]] += weights[at]
        return [group for at, group in enumerate(groups) if owner[at] == self.rank]

    def sum(self, value: float, device: torch.device) -> float:
        """Sum over all ranks."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=device)
        torch.distributed.all_reduce(total)
        return float(total)

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether it is true on any rank."""
        return flag if self.size == 1 else self.sum(float(flag), device) > 0

    def least(self, value: Any, key: Callable[[Any], Any]) -> Any:
        """The smallest by `key` of every rank's value."""
        if self.size == 1:
            return value
        values: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(values, value)
        return min(values, key=key)

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Add up every parameter's gradient over all ranks; one without counts as zero."""
        if self.size == 1:
            return
        for bucket in _buckets(parameters):
            flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in bucket])
            torch.distributed.all_reduce(flat)
            for parameter, part in zip(bucket, flat.split([p.numel() for p in bucket]), strict=True):
                if parameter.grad is None:
                    parameter.grad = part.view_as(parameter).clone()
                else:
                    parameter.grad.copy_(part.view_as(parameter))


def _buckets(parameters: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    bucket: list[Tensor] = []
    for parameter in parameters:
        if bucket and sum(p.numel() for p in bucket) + parameter.numel() > BUCKET:
            yield bucket
            bucket = []
        bucket.append(parameter)
    if bucket:
        yield bucket


def join(devices: int, config_path: str | None, device: str, events: Events) -> Ranks:
    """The group of this training; alone for one device. Rank 0 of a config starts the other ranks itself.

    Raises InvalidInput where there are fewer GPUs than devices.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 and devices == 1:
        return Ranks()
    on_gpu = device != "cpu" and torch.cuda.is_available()
    wanted = size if size > 1 else devices
    if on_gpu and torch.cuda.device_count() < wanted:
        raise bad_config(f"devices {wanted}: torch sees {torch.cuda.device_count()} GPUs here")
    backend = "nccl" if on_gpu else "gloo"
    if size > 1:
        rank, store = int(os.environ["RANK"]), None
        port = os.environ.get("RETUNE_STORE_PORT")
        if port is not None:
            store = torch.distributed.TCPStore("127.0.0.1", int(port), size, is_master=False)
    else:
        if config_path is None:
            raise bad_config(f"devices {devices}: only the train command starts other ranks", "set devices to 1")
        rank, size = 0, devices
        store = torch.distributed.TCPStore("127.0.0.1", 0, size, is_master=True, wait_for_workers=False)
        start_others(config_path, size, store.port, events)
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)))
    if store is not None:
        torch.distributed.init_process_group(backend, store=store, rank=rank, world_size=size)
    else:
        torch.distributed.init_process_group(backend)
    return Ranks(rank, size)


def start_others(config_path: str, size: int, port: int, events: Events) -> None:
    """Ranks 1 to size - 1 as children that end with this process; when one ends too soon, this one ends too."""
    children = []
    for rank in range(1, size):
        environment = {
            **os.environ,
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(size),
            "RETUNE_STORE_PORT": str(port),
        }
        command = [sys.executable, "-m", "trainer", "train", config_path, "--events", f"file:{os.devnull}"]
        # Its stdin is a pipe from us that closes when we end, however we end.
        children.append(subprocess.Popen([*command, "--parent-pipe"], env=environment, stdin=subprocess.PIPE))
    for rank, child in enumerate(children, 1):
        threading.Thread(target=_watch, args=(rank, child, events), name=f"rank-{rank}", daemon=True).start()


def _watch(rank: int, child: subprocess.Popen, events: Events) -> None:
    code = child.wait()
    if code in (0, 12):
        return
    time.sleep(GRACE_SECONDS)
    message = f"rank {rank} ended with {code} before the training did"
    events.emit("failed", code="TrainerCrashed", message=message, remedy="its last words are in the log", retry=True)
    events.emit("closed", exit=MAY_RETRY)
    os._exit(MAY_RETRY)
