"""A base model from the Hugging Face Hub: its weights by download.py, the rest and the cache by huggingface_hub."""

from collections.abc import Iterable
from pathlib import Path

from .download import RemoteFile, fetch
from .errors import DO_NOT_RETRY, MAY_RETRY, TrainerError, bad_config
from .events import Events


def download(id: str, revision: str | None, names: Iterable[str], events: Events) -> Path:
    """The snapshot of a Hub repository in Hugging Face's cache, which all runs and tools of this machine share:
    its safetensors and the files `names` of its top folder. What is there already is not downloaded again.

    Without the Hub, what the cache holds of that revision. Raises TrainerError.
    """
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from huggingface_hub.utils import build_hf_headers, disable_progress_bars

    disable_progress_bars()
    what = f"download {id}"
    events.emit("progress", what=what, done=0, total=None)
    try:
        try:
            revision, weights = _weights(id, revision)
            fetch(weights, build_hf_headers(), events, what)
        except (httpx.TransportError, OfflineModeIsEnabled):
            # snapshot_download knows what the cache holds, and whether that is all.
            events.say(f"the Hub does not answer; {id} as it is on this machine")
        return Path(snapshot_download(id, revision=revision, allow_patterns=["*.safetensors", *names],
                                      ignore_patterns=["*/*"]))  # fmt: skip
    except RevisionNotFoundError as error:
        raise bad_config(f"source.revision: {id} has no revision {revision}", "name a branch, tag or commit") from error
    except RepositoryNotFoundError as error:
        raise TrainerError("HubDenied", f"the Hub has no model {id}, or it is not open to this token",
                           "check the id, and that HF_TOKEN may read it") from error  # fmt: skip
    except LocalEntryNotFoundError as error:
        raise TrainerError(
            "RemoteUnavailable",
            f"{id} is not on this machine and the Hub cannot be reached",
            "connect to the internet, or name a local folder with the model",
            MAY_RETRY,
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        code = "HubDenied" if status in (401, 403) else "RemoteUnavailable"
        remedy = "accept the model's terms and check HF_TOKEN" if code == "HubDenied" else "wait; a retry goes on"
        retry = DO_NOT_RETRY if status < 500 and status != 429 else MAY_RETRY
        raise TrainerError(code, f"the Hub answered {status} for {id}", remedy, retry) from error


def _weights(id: str, revision: str | None) -> tuple[str, list[RemoteFile]]:
    """The commit that a revision is now, and its large safetensors: the Hub's list has their sha256."""
    from huggingface_hub import HfApi, constants, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.hf_api import RepoFile

    api = HfApi()
    commit = api.model_info(id, revision=revision).sha
    assert commit is not None
    cache, name = Path(constants.HF_HUB_CACHE), repo_folder_name(repo_id=id, repo_type="model")
    return commit, [
        RemoteFile(
            url=hf_hub_url(id, entry.path, revision=commit),
            sha256=entry.lfs.sha256,
            size=entry.lfs.size,
            blob=cache / name / "blobs" / entry.lfs.sha256,
            lock=cache / ".locks" / name / f"{entry.lfs.sha256}.part.lock",
        )
        for entry in api.list_repo_tree(id, revision=commit)
        if isinstance(entry, RepoFile) and entry.path.endswith(".safetensors") and entry.lfs is not None
    ]
