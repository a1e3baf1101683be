import pytest
import torch
from torch.nn import functional

from voxgate.train.losses.softmax import Softmax, SoftmaxConfig


def test_it_is_cross_entropy_of_a_dense_layer_over_directions():
    loss = Softmax(SoftmaxConfig(scale=10), 2, 3)
    loss.dense.weight.data = torch.tensor([[1.0, 0], [0, 1], [0, 0]])
    loss.dense.bias.data = torch.tensor([0.0, -1, 2])
    rows, label = torch.tensor([[3.0, 4], [-6, 8]]), torch.tensor([1, 0])
    found, accuracy = loss(rows, label)
    expected = functional.cross_entropy(torch.tensor([[6.0, 7, 2], [-6, 7, 2]]), label)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert accuracy == 0.5


def test_the_order_of_the_rows_does_not_matter():
    torch.manual_seed(0)
    loss, rows, label = Softmax(SoftmaxConfig(), 3, 4), torch.randn(6, 3), torch.arange(6) % 4
    turned = torch.randperm(6)
    assert loss(rows, label)[0].item() == pytest.approx(loss(rows[turned], label[turned])[0].item())
