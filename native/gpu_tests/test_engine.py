"""The engine on the GPU at real widths, two layers: near fp32, the same bits in every repeat and mode."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gptoss_base import random_adapter
from test_gptoss_engine import distances, gradients

from trainer.data import MicroBatch
from trainer.engines.gptoss import engine as gptoss
from trainer.engines.gptoss import plain

LORA = {"r": 8, "alpha": 16, "dropout": 0.0, "rslora": False, "targets": "both"}


def documents(lengths=(300, 129, 512, 83), seed=0) -> MicroBatch:
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, 201_088, sum(lengths)).astype(np.int32)
    role = (generator.random(sum(lengths)) < 0.7).astype(np.uint8) * 2
    role[np.cumsum([0, *lengths[:-1]])] = 0
    return MicroBatch(ids, role, list(lengths))


def adapted(base, dtype="bf16", dropout=0.0):
    engine = gptoss.load(base, "cuda", dtype)
    engine.add_lora({**LORA, "dropout": dropout}, seed=0)
    engine.load_adapter(random_adapter(engine.trainable, scale=0.01))
    engine.train(True)
    return engine


def result_of(engine):
    """(loss, gradients, routing of each layer)."""
    chosen = []
    real = engine.built.ops.route
    engine.built.ops.route = lambda *given: chosen.append(real(*given)) or chosen[-1]
    torch.manual_seed(5)
    loss, grads = gradients(engine, [documents()])
    engine.built.ops.route = real
    return loss, grads, chosen


@pytest.fixture(scope="module")
def engine(two_layers):
    return adapted(two_layers)


@pytest.fixture(scope="module")
def result(engine):
    return result_of(engine)


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_loss_and_gradients_are_near_those_of_the_plain_twin_in_fp32(two_layers, dropout):
    """Bounds of decisions-training 17. The experts are those of the fast engine: a tie may fall otherwise in bf16."""
    loss, grads, chosen = result_of(adapted(two_layers, dropout=dropout))
    reference = adapted(two_layers, "fp32", dropout)
    assert reference.built.ops is plain

    def route(logits, s):
        routing = chosen[len(seen)]
        seen.append(routing)
        weights = logits.float().gather(1, routing.experts.long()).softmax(-1)
        rows = torch.empty_like(routing.row_weights)
        rows[routing.inverse.flatten().long()] = weights.flatten()
        return type(routing)(routing.experts, weights, routing.inverse, rows, routing.offsets)

    seen = []
    shared = SimpleNamespace(**{**vars(plain), "route": route})
    for layer in reference.built.layers:
        layer.ops = shared
    torch.manual_seed(5)
    expected_loss, expected = gradients(reference, [documents()])
    assert len(seen) == 2
    assert abs(loss - expected_loss) < 1e-3 * expected_loss
    far = distances(grads, expected)
    print("loss", loss, expected_loss, {kind: round(value, 4) for kind, value in far.items()})
    assert max(far.values()) < 0.06, max(far, key=far.get)


def test_every_repeat_and_every_mode_has_the_same_bits(engine, result):
    loss, grads, _ = result
    for mode in ("none", "moe", "full"):
        engine.set_checkpointing(mode)
        again_loss, again = gradients(engine, [documents()])
        assert loss == again_loss, mode
        assert all(torch.equal(grads[name], again[name]) for name in grads), mode
    engine.set_checkpointing("none")


def test_a_captured_graph_has_the_bits_of_the_launches_one_by_one(two_layers):
    engine = adapted(two_layers)
    batches = [documents(seed=seed) for seed in range(3)]
    padding = [documents((290, 129, 512, 83), seed=7), documents((300, 129, 512, 70), seed=8)]
    engine.graphs.why_not = "by hand"
    expected = [gradients(engine, [batch]) for batch in (*batches, *padding)]
    both = gradients(engine, batches)
    engine.graphs.why_not = ""
    got = [gradients(engine, [batch]) for batch in (*batches, *padding)]
    assert engine.graph.startswith("on") and engine.graphs._captured
    for (loss, grads), (wanted_loss, wanted) in zip([*got, gradients(engine, batches)], [*expected, both], strict=True):
        assert loss == wanted_loss
        assert all(torch.equal(grads[name], wanted[name]) for name in grads)
    # Evaluation and another pass between a forward pass and its backward.
    first, second = engine.nll(batches[0]), engine.nll(batches[1])
    with torch.no_grad(), engine.without_adapter():
        engine.nll(batches[2])
    for parameter in engine.trainable.values():
        parameter.grad = None
    for nll in (second, first):
        engine.backward(nll.sum() / 5)
    engine.graphs.why_not = "by hand"
    engine.graphs._captured.clear()
    wanted = {name: p.grad.clone() for name, p in engine.trainable.items()}
    for parameter in engine.trainable.values():
        parameter.grad = None
    for batch in (batches[1], batches[0]):
        engine.backward(engine.nll(batch).sum() / 5)
    assert all(torch.equal(p.grad, wanted[name]) for name, p in engine.trainable.items())


def test_with_dropout_modes_and_a_captured_graph_have_the_same_bits_and_each_key_its_own(two_layers):
    engine = adapted(two_layers, dropout=0.1)

    def by_key():
        found = []
        for key in (1, 2, 3):
            torch.manual_seed(key)
            found.append(gradients(engine, [documents()]))
        return found

    engine.graphs.why_not = "by hand"
    expected = by_key()
    assert len({loss for loss, _ in expected}) == 3
    for mode in ("moe", "full", "none"):
        engine.set_checkpointing(mode)
        engine.graphs.why_not = "" if mode == "none" else "by hand"
        for (loss, grads), (wanted_loss, wanted) in zip(by_key(), expected, strict=True):
            assert loss == wanted_loss, mode
            assert all(torch.equal(grads[name], wanted[name]) for name in grads), mode
    assert engine.graphs._captured, engine.graph


def test_a_captured_graph_of_long_documents_takes_the_lengths_of_each_batch(two_layers):
    """From 2,048 tokens on attention's backward is flash's, which is given documents in groups by their lengths."""
    engine = adapted(two_layers)
    batches = [documents((2100, 900), seed=1), documents((900, 2100), seed=2), documents((2500, 460), seed=3)]
    engine.graphs.why_not = "by hand"
    expected = [gradients(engine, [batch]) for batch in batches]
    engine.graphs.why_not = ""
    got = [gradients(engine, [batch]) for batch in (*batches, *batches)]
    assert len(engine.graphs._captured) == 1, engine.graph
    for (loss, grads), (wanted_loss, wanted) in zip(got, expected * 2, strict=True):
        assert loss == wanted_loss
        assert all(torch.equal(grads[name], wanted[name]) for name in grads)


def test_a_captured_graph_is_not_replayed_on_weights_that_have_moved(two_layers):
    engine = adapted(two_layers)
    expected = gradients(engine, [documents()])
    engine.built.bank.keep(0)

    def captured_again() -> None:
        for _ in range(3):
            loss, grads = gradients(engine, [documents()])
            assert loss == expected[0]
            assert all(torch.equal(grads[name], expected[1][name]) for name in grads)
        assert len(engine.graphs._captured) == 1, engine.graph

    captured_again()
    engine.built.bank.keep(1)
    captured_again()
    engine.release()
    # What the graphs still point to is gone, and holds other numbers now.
    poison = [torch.full((2**28,), float("nan"), device="cuda") for _ in range(8)]
    del poison
    captured_again()


def test_a_thrifty_engine_has_the_same_loss_and_near_gradients(two_layers, engine, result, monkeypatch):
    loss, grads, _ = result
    monkeypatch.setattr(gptoss, "free_memory", lambda device: 3 * 2**30)
    thrifty = adapted(two_layers)
    monkeypatch.undo()
    assert thrifty.thrift.embedding_on_cpu and thrifty.thrift.experts_at_a_time == 8
    for mode in ("none", "moe", "full"):
        thrifty.set_checkpointing(mode)
        mine_loss, mine = gradients(thrifty, [documents()])
        assert abs(mine_loss - loss) < 1e-4 * loss
        assert max(distances(mine, grads).values()) < 0.02
    assert thrifty.graph.startswith("off")


def test_a_larger_batch_repeats_its_bits(engine):
    """Races that 1,000 tokens never showed moved the loss at 5,000."""
    batch = documents(lengths=(1500, 129, 2000, 83, 1400))
    first, second = gradients(engine, [batch]), gradients(engine, [batch])
    assert first[0] == second[0]
    assert all(torch.equal(first[1][name], second[1][name]) for name in first[1])


def test_nothing_unwritten_is_read(engine, result):
    loss, grads, _ = result
    torch.utils.deterministic.fill_uninitialized_memory = True
    try:
        again_loss, again = gradients(engine, [documents()])
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = False
    assert loss == again_loss
    assert all(torch.equal(grads[name], again[name]) for name in grads)


def test_packed_losses_are_near_those_of_documents_alone(engine):
    batch = documents(lengths=(200, 60, 300))
    with torch.no_grad():
        packed = engine.nll(batch).sum()
        ends = np.cumsum(batch.lengths)
        alone = sum(
            engine.nll(MicroBatch(batch.ids[end - n : end], batch.role[end - n : end], [n])).sum()
            for end, n in zip(ends, batch.lengths, strict=True)
        )
    assert abs(packed - alone) < 5e-4 * alone
