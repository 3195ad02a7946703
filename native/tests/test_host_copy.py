"""Host copies of a checkpoint's tensors."""

import torch

from trainer.host_copy import HostCopy


def test_a_copy_is_whole_and_lies_in_the_same_memory_each_time():
    host = HostCopy()
    tensors = {"a": torch.randn(3, 5), "b": torch.arange(7, dtype=torch.uint8), "c": torch.randn(4).bfloat16()}
    first = host.take(tensors)
    assert all(torch.equal(first[name], tensors[name]) and first[name].dtype == tensors[name].dtype for name in tensors)
    expected = {name: tensor.clone() for name, tensor in tensors.items()}
    for tensor in tensors.values():
        tensor.zero_()
    assert all(torch.equal(first[name], expected[name]) for name in tensors)
    second = host.take(tensors)
    assert all(second[name].data_ptr() == first[name].data_ptr() and not second[name].any() for name in tensors)


def test_other_tensors_get_memory_of_their_own_shape():
    host = HostCopy()
    host.take({"a": torch.zeros(3)})
    assert host.take({"a": torch.ones(2, 2)})["a"].tolist() == [[1.0, 1.0], [1.0, 1.0]]
