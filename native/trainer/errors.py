"""The trainer's failures. `code` is a row of the failure table in contracts/errors.ts, shared with Node."""

DONE = 0
BAD_CONFIG = 2
DO_NOT_RETRY = 10
MAY_RETRY = 11
STOPPED = 12


class TrainerError(Exception):
    """A command cannot go on.

    code: type in the failure table; message: what and where; remedy: what the person does next;
    exit: BAD_CONFIG, DO_NOT_RETRY or MAY_RETRY.
    """

    def __init__(self, code: str, message: str, remedy: str, exit: int = DO_NOT_RETRY):
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.exit = exit


class OutOfMemory(Exception):
    """One forward or backward pass did not fit; the ladder in plan.py answers it."""


class Stopped(Exception):
    """SIGTERM was obeyed: the state is in a checkpoint, the process leaves with STOPPED."""


class ParentGone(Exception):
    """The events' reader is gone: nobody wants the result, so stop without writing (MAY_RETRY)."""


def bad_config(message: str, remedy: str = "correct the named field of the config file") -> TrainerError:
    """The config file is wrong; no retry can heal it."""
    return TrainerError("InvalidInput", message, remedy, BAD_CONFIG)


def corrupt(message: str, remedy: str = "start the run again: the stage that made it runs again") -> TrainerError:
    """A file is not what its manifest or its format promises."""
    return TrainerError("ArtifactCorrupt", message, remedy, DO_NOT_RETRY)
