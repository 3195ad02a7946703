"""python -m trainer convert config.json

Writes the trained adapter as files for users (PEFT folder; merged 16-bit folder), reloads each as a user would, and
proves that it is the model that was trained. Writes proof.json; a failed proof is a failed command.
"""

import json
import shutil
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from .base import count_parameters
from .data import read_tokens, require_tokenizer
from .errors import TrainerError, corrupt
from .events import Counter, Events
from .files import canonical_json, file_entry, write_durably
from .merge import merge
from .proof import FAILED, Probe, Reference, choose_rows, first_differing_layer, judge


def run(config: dict[str, Any], events: Events) -> None:
    """The convert command; `result` names every file and has each format's proof."""
    started = time.monotonic()
    out, base, adapter = Path(config["out"]), Path(config["base"]["folder"]), Path(config["adapter"])
    files = [read_tokens(path) for path in config["probe"]]
    for tokens, path in zip(files, config["probe"], strict=True):
        require_tokenizer(tokens, base, f"probe {Path(path).name}")
    probe = choose_rows(files, config["minProbeTokens"])
    # Each example is scored by the trained model, its base, the trained model in other rounding, and every artefact.
    counter = Counter(events, probe.examples * (3 + len(config["formats"])))
    precision, reference = _reference(config, probe, counter)
    proofs: dict[str, Any] = {}
    written: list[Path] = []
    for form in config["formats"]:
        folder = out / form
        shutil.rmtree(folder, ignore_errors=True)
        written += WRITERS[form](base, adapter, folder, counter)
        engine = RELOADERS[form](config, folder, precision)
        proofs[form] = judge(probe.nats(engine, partial(counter.count, f"prove {form}")), reference)
        if proofs[form]["verdict"] == FAILED:
            trained = _trained(config, precision)
            proofs[form]["firstDifferingLayer"] = first_differing_layer(engine, trained, probe)
        engine = None  # Models take turns: two may not fit.
    record = {"schema": 1, "precision": precision, "examples": probe.examples, "formats": proofs}
    write_durably(out / "proof.json", (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())
    _raise_if_failed(proofs)
    entries = [
        {**file_entry(path), "name": path.relative_to(out).as_posix()} for path in [*written, out / "proof.json"]
    ]
    metrics = {"proofs": proofs, "precision": precision, "seconds": round(time.monotonic() - started, 3)}
    events.emit("result", files=entries, metrics=metrics)


def _raise_if_failed(proofs: dict[str, Any]) -> None:
    failed = {form: proof for form, proof in proofs.items() if proof["verdict"] == FAILED}
    if failed:
        said = "; ".join(
            f"{form}: differs from the trained model by {proof['d']:.4f} nats a token (allowed {proof['bound']:.4f}), "
            f"mean loss {proof['nll']:.4f} against {proof['nllTrained']:.4f}, first in {proof['firstDifferingLayer']}"
            for form, proof in failed.items()
        )
        raise TrainerError(
            "ArtifactCorrupt", f"proof failed: {said}", "report it with proof.json; nothing is published"
        )


def _trained(config: dict[str, Any], precision: str) -> Any:
    from .engines import transformers

    engine = transformers.load(config["base"], config["device"], precision)
    engine.load_adapter(config["adapter"])
    return engine


def _reference(config: dict[str, Any], probe: Probe, counter: Counter) -> tuple[str, Reference]:
    """(precision of the proof, losses to compare with): fp32 where the model fits so, else bf16.

    Its floor is the difference to the trained model in bf16 or, in bf16 already, to PEFT's own merge in memory, whose
    weights are rounded as a merged artefact's are.
    """
    from .engines.device import free_memory, resolve_device
    from .engines.transformers import load

    device = resolve_device(config["device"])
    # Counted, not weighed: an MXFP4 file is an eighth of its size in fp32. Half as much again for the activations.
    parameters = sum(count_parameters(path) for path in Path(config["base"]["folder"]).glob("*.safetensors"))
    precision = "fp32" if parameters * 4 * 1.5 < free_memory(device) else "bf16"
    engine = _trained(config, precision)
    trained = probe.nats(engine, partial(counter.count, "score the trained model"))
    with engine.without_adapter():
        base = probe.nats(engine, partial(counter.count, "score the base"))
    if precision == "fp32":
        engine = None
        engine = load(config["base"], config["device"], "bf16")
        engine.load_adapter(config["adapter"])
    else:
        engine.peft.merge_adapter()
    rounded = probe.nats(engine, partial(counter.count, "score the trained model in other rounding"))
    return precision, Reference(trained, base, rounded)


def write_adapter_format(base: Path, adapter: Path, folder: Path, counter: Counter) -> list[Path]:
    """The adapter's tensors byte for byte, its config in canonical form."""
    folder.mkdir(parents=True)
    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    for key in ("target_modules", "target_parameters"):
        if isinstance(config.get(key), list):
            config[key] = sorted(config[key])
    write_durably(folder / "adapter_config.json", canonical_json(config) + b"\n")
    shutil.copyfile(adapter / "adapter_model.safetensors", folder / "adapter_model.safetensors")
    return [folder / "adapter_config.json", folder / "adapter_model.safetensors"]


def write_merged_format(base: Path, adapter: Path, folder: Path, counter: Counter) -> list[Path]:
    """Base and adapter as one 16-bit model."""
    return merge(base, adapter, folder, lambda done, total: counter.show(f"merge tensor {done} of {total}"))


def reload_adapter(config: dict[str, Any], folder: Path, precision: str) -> Any:
    """An engine around PEFT's own reading of the folder; refused when PEFT left a tensor out."""
    import peft
    from safetensors import safe_open

    from .engines.transformers import Engine, load

    engine = load(config["base"], config["device"], precision)
    with warnings.catch_warnings():
        # PEFT only warns of missing tensors, and goes on with fresh ones.
        warnings.filterwarnings("error", message=".*missing adapter keys.*")
        try:
            model = peft.PeftModel.from_pretrained(engine.model, folder)
        except UserWarning as warning:
            raise corrupt(f"PEFT does not find every tensor of the adapter: {warning}") from warning
    with safe_open(str(folder / "adapter_model.safetensors"), "pt") as file:
        names = set(file.keys())
    mine = {name.replace(".default.", ".") for name, _ in model.named_parameters() if ".lora_" in name}
    if mine != names:
        raise corrupt(f"PEFT loads other tensors than the adapter holds: {sorted(mine ^ names)[0]}")
    engine = Engine(engine.model, config["base"], engine.device, engine.dtype)
    engine.peft = model
    return engine


def reload_merged(config: dict[str, Any], folder: Path, precision: str) -> Any:
    """An engine around the merged folder alone; refused when a tensor is missing, unexpected or of another shape."""
    from .engines.transformers import load

    return load({**config["base"], "folder": str(folder)}, config["device"], precision)


WRITERS = {"adapter": write_adapter_format, "merged": write_merged_format}
RELOADERS = {"adapter": reload_adapter, "merged": reload_merged}
