"""Random bits by counter: kernel and twin alike, uniform, and without trace of their place."""

import pytest
import torch

from trainer.random_bits import key_of, uniform


def test_a_draw_depends_on_key_part_and_place_only():
    small, large = uniform(key_of("a"), 3, 5, 7), uniform(torch.tensor([key_of("a")]), 3, 50, 70)
    assert torch.equal(small, large[:5, :7])
    for other in (uniform(key_of("b"), 3, 50, 70), uniform(key_of("a"), 4, 50, 70)):
        assert (other == large).float().mean() < 1e-3


def test_draws_are_uniform_and_neighbours_know_nothing_of_each_other():
    draws = uniform(key_of("x"), 0, 1000, 1000).double()
    assert float(draws.min()) >= 0 and float(draws.max()) < 1
    # Standard errors: 3e-4 of the mean, 1e-3 of a correlation.
    assert float(draws.mean()) == pytest.approx(0.5, abs=1e-3)
    assert float((draws < 0.1).double().mean()) == pytest.approx(0.1, abs=1e-3)
    centred = draws - 0.5
    neighbours = [(centred[1:], centred[:-1]), (centred[:, 1:], centred[:, :-1])]
    neighbours += [(centred, uniform(key, part, 1000, 1000).double() - 0.5) for key, part in
                   ((key_of("x"), 1), (key_of("x") + 1, 0), (key_of("x") ^ 1 << 40, 0))]  # fmt: skip
    for one, other in neighbours:
        assert abs(float((one * other).mean())) * 12 < 5e-3
    # Means of rows and of columns spread as independent draws' do.
    for axis in (0, 1):
        assert float(draws.mean(axis).std()) == pytest.approx((1 / 12 / 1000) ** 0.5, rel=0.1)
