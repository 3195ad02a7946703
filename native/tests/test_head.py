"""The chunked loss behind the head against torch's own, loss and gradient."""

import pytest
import torch
from conftest import FAMILIES

from trainer.engines import head, transformers
from trainer.engines.head import HeadNll, plain_head


@pytest.mark.parametrize("chunk", [1, 7 * 50, 2**24])
def test_loss_and_gradient_are_those_of_cross_entropy_for_any_chunk(monkeypatch, chunk):
    monkeypatch.setitem(head.CHUNK_NUMBERS, "cpu", chunk)
    torch.manual_seed(0)
    hidden, weight = torch.randn(23, 16, dtype=torch.float64), torch.randn(50, 16, dtype=torch.float64)
    targets, above = torch.randint(0, 50, (23,)), torch.rand(23, dtype=torch.float64)
    mine, theirs = (hidden.clone().requires_grad_() for _ in range(2))
    loss = HeadNll.apply(mine, weight, targets)
    expected = torch.nn.functional.cross_entropy(theirs @ weight.T, targets, reduction="none")
    assert torch.allclose(loss.double(), expected, atol=1e-5)
    (loss * above).sum().backward()
    (expected * above).sum().backward()
    assert torch.allclose(mine.grad, theirs.grad, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_head_is_found_plain_and_one_that_scales_its_logits_is_not(bases, family, monkeypatch):
    engine = transformers.load(bases[family], "cpu", "fp32")
    assert plain_head(engine.model, engine.device) is engine.model.lm_head.weight
    real = engine.model.forward

    def scaled(**given):
        output = real(**given)
        output.logits = output.logits / 2
        return output

    monkeypatch.setattr(engine.model, "forward", scaled)
    assert plain_head(engine.model, engine.device) is None


def test_a_model_whose_head_is_not_plain_gets_the_loss_of_its_own_logits(bases, token_path):
    from trainer.data import micro_batch, read_tokens

    batch = micro_batch(read_tokens(token_path), range(3))
    losses = []
    for plain in (True, False):
        engine = transformers.load(bases["chat"], "cpu", "fp32")
        engine.add_lora({"r": 4, "alpha": 8, "dropout": 0.0, "rslora": False, "targets": "both"}, seed=1)
        if not plain:
            engine.__dict__["_head"] = None
        loss = engine.nll(batch)
        engine.backward(loss.sum())
        gradients = {name: parameter.grad for name, parameter in engine.trainable.items()}
        losses.append((loss.detach(), gradients))
    assert torch.allclose(losses[0][0], losses[1][0], atol=1e-5)
    for name, gradient in losses[0][1].items():
        assert torch.allclose(gradient, losses[1][1][name], rtol=1e-4, atol=1e-5), name
