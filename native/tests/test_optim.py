"""The optimiser's state in fp32, bf16 and 8 bits: the same training, less memory, and bits that survive a resume."""

import pytest
import torch
from conftest import FAMILIES
from training import losses, train_config, train_here

from trainer.compact_adamw import CHUNK, CompactAdamW, Moments
from trainer.optim import create_optimizer
from trainer.quantise import BLOCK, decode, dynamic_code, encode, to_bf16
from trainer.random_bits import uniform

SETTINGS = {"weightDecay": 0.01, "lr": 1e-2}


def descend(state: str, steps: int = 200) -> list[float]:
    """A least-squares problem of 16,384 badly scaled unknowns: losses of the steps."""
    generator = torch.Generator().manual_seed(3)
    wanted = torch.randn(128, 128, generator=generator)
    inputs = torch.randn(256, 128, generator=generator) * torch.logspace(-3, 0, 128)
    weight = torch.nn.Parameter(torch.zeros(128, 128))
    bias = torch.nn.Parameter(torch.zeros(128))
    optimizer = create_optimizer({"weight": weight, "bias": bias}, {**SETTINGS, "state": state}, seed=1)
    curve = []
    for step in range(steps):
        rows = torch.randint(0, 256, (32,), generator=torch.Generator().manual_seed(step))
        loss = (inputs[rows] @ (weight - wanted) + bias).square().mean()
        loss.backward()
        optimizer.step(SETTINGS["lr"])
        weight.grad = bias.grad = None
        curve.append(loss.item())
    return curve


def test_states_of_fewer_bits_end_within_a_hundredth_of_fp32s_loss():
    full = descend("fp32")
    assert full[-1] < 0.5 * full[0]
    for state in ("bf16", "8bit"):
        curve = descend(state)
        assert all(loss < float("inf") for loss in curve)
        mean, expected = sum(curve[-10:]) / 10, sum(full[-10:]) / 10
        assert mean == pytest.approx(expected, rel=0.01), state


def test_fp32_chunks_make_torchs_own_update():
    """Small tensors keep fp32 state in our implementation: it must be AdamW, not something near it."""
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(30, 40, generator=generator)
    mine, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    ours = CompactAdamW({"w": mine}, 0.01, "8bit", seed=1)
    torchs = torch.optim.AdamW([theirs], lr=1e-2, weight_decay=0.01)
    for _ in range(20):
        mine.grad = torch.randn(30, 40, generator=generator)
        theirs.grad = mine.grad.clone()
        ours.step(1e-2)
        torchs.step()
    assert torch.allclose(mine, theirs, rtol=1e-6, atol=1e-7)


def test_the_8_bit_code_spans_seven_decades_and_every_code_decodes_to_itself():
    for signed in (True, False):
        code = torch.tensor(dynamic_code(signed))
        assert len(code) == 256 and len(code.unique()) == 256 and code.max() == 1.0
        assert code[code > 0].min() < 1e-6
        codes, scales = encode(code, signed, uniform(0, 0, 1, 256)[0])
        assert torch.equal(codes, torch.arange(256, dtype=torch.uint8))
        assert torch.equal(decode(codes, scales, signed), code)


@pytest.mark.parametrize("rounding", ["bf16", "8bit"])
def test_rounding_keeps_the_mean_where_rounding_to_nearest_would_lose_it(rounding):
    x = torch.full((BLOCK * 400,), 0.5003)
    x[::BLOCK] = 1.0
    draw = uniform(5, 0, 400, BLOCK).flatten()
    back = to_bf16(x, draw).float() if rounding == "bf16" else decode(*encode(x, True, draw), True)
    inner = torch.cat([back[start + 1 : start + BLOCK] for start in range(0, len(x), BLOCK)])
    assert len(inner.unique()) == 2
    assert float(inner.mean()) == pytest.approx(0.5003, abs=5e-5)


def test_a_second_moment_never_vanishes_beside_a_larger_one():
    x = torch.zeros(BLOCK)
    x[0], x[1] = 1.0, 1e-12
    codes, scales = encode(x, False, uniform(0, 0, 1, BLOCK)[0])
    back = decode(codes, scales, False)
    assert back[1] > 0 and torch.equal(back[2:], x[2:])


def test_the_state_takes_the_bytes_that_its_name_promises():
    parameters = {"w": torch.nn.Parameter(torch.zeros(1024, 1024)), "odd": torch.nn.Parameter(torch.zeros(4097))}
    for state, a_parameter in (("fp32", 8), ("bf16", 4), ("8bit", 2 + 8 / BLOCK)):
        optimizer = create_optimizer(parameters, {**SETTINGS, "state": state}, seed=1)
        size = sum(tensor.nbytes for tensor in optimizer.state().values())
        assert size == pytest.approx(a_parameter * (1024 * 1024 + 4097), rel=1e-3)


def test_parameters_beyond_a_chunk_are_updated_in_several():
    parameters = {str(at): torch.nn.Parameter(torch.zeros(CHUNK // 2 + 1)) for at in range(3)}
    optimizer = CompactAdamW(parameters, 0.0, "8bit", seed=1)
    assert len(optimizer.chunks) == 3
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step(0.5)
    assert all(torch.allclose(parameter, torch.tensor(-0.5), rtol=1e-5) for parameter in parameters.values())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("state", ["bf16", "8bit"])
def test_a_training_with_a_compact_state_learns_alike_and_resumes_in_all_bits(
    bases, token_path, tmp_path, family, state
):
    changed = {"optimizer.state": state, "lora.r": 16, "steps": 8}
    config = train_config(bases[family], token_path, tmp_path / "a", **changed)
    train_here(config)
    train_here(train_config(bases[family], token_path, tmp_path / "full", **{**changed, "optimizer.state": "fp32"}))
    mine, full = losses(tmp_path / "a"), losses(tmp_path / "full")
    assert mine != full and mine[-1]["loss"] == pytest.approx(full[-1]["loss"], rel=0.01)
    again = {**config, "out": str(tmp_path / "b")}
    again["checkpoint"] = {**config["checkpoint"], "resume": str(tmp_path / "a" / "checkpoints" / "4-1"), "fence": 2}
    train_here(again)
    for name in ("adapter_model.safetensors", "metrics.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("state", ["bf16", "8bit"])
def test_an_update_that_ran_out_of_memory_half_way_goes_on_to_the_same_bits(monkeypatch, state):
    """Several chunks; memory ends in the third, after its new state was computed and before it was stored."""
    monkeypatch.setattr("trainer.compact_adamw.CHUNK", 8192)
    generator = torch.Generator().manual_seed(1)
    start = {f"w{index}": torch.randn(80, 90, generator=generator) for index in range(5)}
    calm, short = ({name: torch.nn.Parameter(value.clone()) for name, value in start.items()} for _ in range(2))
    optimizers = [create_optimizer(ones, {**SETTINGS, "state": state}, seed=1) for ones in (calm, short)]
    assert len(optimizers[1].chunks) == 5
    real, calls = Moments._encoded, []

    def fails(self, *arguments):
        new = real(self, *arguments)
        calls.append(self)
        if len(calls) == 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return new

    for step in range(3):
        for name in start:
            calm[name].grad = torch.randn(80, 90, generator=torch.Generator().manual_seed(step))
            short[name].grad = calm[name].grad.clone()
        optimizers[0].step(1e-2)
        with monkeypatch.context() as patched:
            patched.setattr(Moments, "_encoded", fails)
            try:
                optimizers[1].step(1e-2)
            except torch.OutOfMemoryError:
                assert step == 1 and not torch.equal(calm["w4"], short["w4"])
                optimizers[1].step(1e-2)
        assert all(torch.equal(calm[name], short[name]) for name in start)
    assert len(calls) == 16
    ours, theirs = (optimizer.state() for optimizer in optimizers)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
