"""The stock way beside ours: transformers' GptOss with PEFT's LoRA on attention and every expert, fastest settings.

usage: python -m bench.stock_peer ROW... [--layers N] [--steps N]

A ROW is documents x tokens a document [/ recompute=1]. Flex attention, grouped GEMM for experts, bf16, random weights
of gpt-oss-20b's shapes made in GPU memory; one document a row of the batch (transformers does not keep packed documents
of GPT-OSS apart); forward, backward, clipping, fused AdamW. One line of JSON a row, median after 2 steps.
"""

import argparse
import json
import time
from statistics import median
from typing import Any

import torch

from .random_gpt_oss import CONFIG

WARM = 2


def stock_model(layers: int, device: torch.device, r: int = 8) -> Any:
    """PEFT around a random GptOssForCausalLM."""
    import peft
    import transformers
    from transformers.initialization import no_init_weights

    config = transformers.GptOssConfig(**{
        **{key: value for key, value in CONFIG.items() if key not in ("quantization_config", "rope_scaling")},
        "num_hidden_layers": layers, "rope_parameters": {**CONFIG["rope_scaling"], "rope_theta": CONFIG["rope_theta"]},
        "use_cache": False,
    })  # fmt: skip
    config._attn_implementation = "flex_attention" if device.type == "cuda" else "eager"
    config._experts_implementation = "grouped_mm"
    torch.set_default_dtype(torch.bfloat16)
    with device, no_init_weights():
        model = transformers.GptOssForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "norm" in name else 0.0, 0.02)
    lora = peft.LoraConfig(
        task_type="CAUSAL_LM", r=r, lora_alpha=16, bias="none",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"],
        target_parameters=["mlp.experts.gate_up_proj", "mlp.experts.down_proj"],
    )  # fmt: skip
    return peft.get_peft_model(model, lora)


def run_row(model: Any, row: str, steps: int, device: torch.device) -> dict[str, Any]:
    """Measure one row."""
    shape, *options = row.split("/")
    documents, length = map(int, shape.split("x"))
    if "recompute=1" in options:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    else:
        model.gradient_checkpointing_disable()
    model.train()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=2e-4, fused=device.type == "cuda")
    generator = torch.Generator().manual_seed(0)
    seconds = []
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for _ in range(WARM + steps):
        ids = torch.randint(0, 199_998, (documents, length), generator=generator).to(device)
        labels = ids.clone()
        labels[:, : int(length * 0.3)] = -100
        started = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16):
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss = float(loss)
        seconds.append(time.perf_counter() - started)
    typical = median(seconds[WARM:])
    peak = torch.cuda.max_memory_reserved() / 2**30 if device.type == "cuda" else 0.0
    return {
        "row": row, "seconds": round(typical, 4), "tokensPerSecond": round(documents * length / typical),
        "examplesPerSecond": round(documents / typical, 1), "peakGiB": round(peak, 2), "loss": round(loss, 4),
        "trained": sum(parameter.numel() for parameter in parameters),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+")
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--steps", type=int, default=5)
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = stock_model(arguments.layers, device)
    for row in arguments.rows:
        try:
            result = run_row(model, row, arguments.steps, device)
        except torch.OutOfMemoryError as error:
            result = {"row": row, "failed": str(error).split("\n")[0]}
        print(json.dumps(result), flush=True)
        if device.type == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
