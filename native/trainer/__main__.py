"""python -m trainer <command> config.json [--events stdout|fd:N|file:PATH] [--parent-pipe]

Reads one config file, writes event lines, ends with a `result` or `failed` event and then `closed`.
Exit codes: 0 done, 2 bad config, 10 do not retry, 11 may retry, 12 stopped after a checkpoint.
"""

import argparse
import importlib
import importlib.metadata
import os
import stat
import sys
import threading
import traceback

from . import errors, stopping
from .config import load_config
from .events import Events, open_events

COMMANDS = {
    "materialise": ("trainer.base", "make a base model's folder, ready to load, from GGUF, Hub, folder or recipe"),
    "tokenize": ("trainer.tokenize", "messages to token files, with a chat model's own template"),
    "train": ("trainer.train", "train a LoRA adapter, with checkpoints"),
    "evaluate": ("trainer.evaluate", "token losses and answers of base and adapters"),
    "convert": ("trainer.convert", "adapter and merged folders, reloaded and proven"),
    "generate": ("trainer.generate", "stream one answer"),
    "self-test": ("trainer.self_test", "is our GPT-OSS engine right on this machine, with this model?"),
    "bench": ("trainer.bench", "tokens a second and memory of trainings of given shapes on this machine"),
    "doctor": ("trainer.doctor", "what this machine can do, and how it would train a model"),
}
"""Command to (module, summary). Each module has run(config: dict, events: Events) -> None and emits `result` itself."""


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = _parse(argv)
    # OpenMP's threads spin while they wait; beside any other process on a small machine that costs 10 times the
    # work itself. Read once, when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Micro-batches differ in size; segments that grow are not left behind in pieces.
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # A base is a folder: only `materialise` may ask the network.
    if arguments.command != "materialise":
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if int(os.environ.get("RANK", "0")) > 0:
        # Under torchrun every rank has the same command line; the first one speaks.
        arguments.events = f"file:{os.devnull}"
    try:
        events = open_events(arguments.events)
    except errors.TrainerError as error:
        print(f"{error.message}. {error.remedy}", file=sys.stderr)
        return error.exit
    if arguments.parent_pipe or arguments.events.startswith("fd:"):
        _leave_with_parent()
    if arguments.command == "train":
        stopping.listen()
    try:
        exit_code = _run(arguments.command, arguments.config, events)
        events.emit("closed", exit=exit_code)
    except errors.ParentGone:
        return errors.MAY_RETRY
    return exit_code


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m trainer",
        description=__doc__.split("\n\n")[1],
        epilog="commands:\n" + "\n".join(f"  {name:12} {summary}" for name, (_, summary) in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="one of the commands below")
    parser.add_argument("config", help="the command's config file (JSON; native/schema/<command>.json)")
    parser.add_argument("--events", default="stdout", help="where event lines go: stdout (default), fd:N or file:PATH")
    parser.add_argument(
        "--parent-pipe",
        action="store_true",
        help="stdin is a pipe from the parent: when it closes, stop at once with exit 11 (implied by --events fd:N)",
    )
    return parser.parse_args(argv)


def _run(command: str, config_path: str, events: Events) -> int:
    """One command from `opened` to `result` or `failed`; returns the exit code."""
    events.emit("opened", command=command, pid=os.getpid(), versions=_versions())
    try:
        config = load_config(config_path, command)
        os.makedirs(config["out"], exist_ok=True)
        module = importlib.import_module(COMMANDS[command][0])
        # Other ranks read the config from its file.
        module.run(config, events, config_path) if command == "train" else module.run(config, events)
        return errors.DONE
    except errors.Stopped as stop:
        events.say(str(stop))
        return errors.STOPPED
    except errors.TrainerError as error:
        return _failed(events, error)
    except errors.ParentGone:
        raise
    except Exception as error:
        traceback.print_exc()
        return _failed(events, _from_exception(error))


def _from_exception(error: Exception) -> errors.TrainerError:
    """The row of the failure table for what a library raised; matched by name, since torch may not be imported."""
    first_line = str(error).strip().split("\n")[0]
    message = f"{type(error).__name__}: {first_line or 'no message'}"
    if isinstance(error, errors.OutOfMemory) or type(error).__name__ == "OutOfMemoryError":
        return errors.TrainerError("GpuOutOfMemory", message, "free memory on the device", errors.MAY_RETRY)
    if "CUDA error" in first_line:
        return errors.TrainerError("GpuLost", message, "look at the device: nvidia-smi, dmesg", errors.MAY_RETRY)
    return errors.TrainerError("TrainerCrashed", message, "the traceback is in the trainer's log", errors.MAY_RETRY)


def _failed(events: Events, error: errors.TrainerError) -> int:
    retry = error.exit == errors.MAY_RETRY
    events.emit("failed", code=error.code, message=error.message, remedy=error.remedy, retry=retry)
    events.say(f"{error.message}\n{error.remedy}")
    return error.exit


def _versions() -> dict[str, str]:
    """Versions of what the results depend on, without importing it."""
    versions = {"python": sys.version.split()[0]}
    for package in ("torch", "transformers", "peft", "tokenizers", "safetensors"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _leave_with_parent() -> None:
    """End this process at once, writing nothing, when stdin's other end closes.

    Nobody signals a child whose parent was killed with SIGKILL; the pipe tells it. Node's pipes are sockets.
    """
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def wait_for_end() -> None:
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass
        os._exit(errors.MAY_RETRY)

    threading.Thread(target=wait_for_end, name="parent-pipe", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
