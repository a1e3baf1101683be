import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from voxgate.train.losses.aam import AamConfig, SubCentreAAM


def loss_with(weight: list[list[float]], margin: float, centres: int = 1) -> SubCentreAAM:
    loss = SubCentreAAM(AamConfig(centres, scale=10), 2, len(weight) // centres)
    loss.weight.data = torch.tensor(weight)
    loss.margin = margin
    return loss


def test_without_margin_it_is_softmax_over_scaled_cosines():
    embedding, label = torch.tensor([[3.0, 4]]), torch.tensor([1])
    found, accuracy = loss_with([[1.0, 0], [0, 1]], margin=0)(embedding, label)
    expected = functional.cross_entropy(torch.tensor([[6.0, 8]]), label)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert accuracy == 1


def test_the_margin_makes_the_angle_to_the_right_class_larger():
    embedding, label = torch.tensor([[3.0, 4]]), torch.tensor([1])
    found, _ = loss_with([[1.0, 0], [0, 1]], margin=0.2)(embedding, label)
    right = 10 * math.cos(math.acos(0.8) + 0.2)
    expected = functional.cross_entropy(torch.tensor([[6.0, right]]), label)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_beyond_pi_the_loss_goes_on_rising():
    label = torch.tensor([0])
    loss = loss_with([[1.0, 0], [0, 1]], margin=0.3)
    angles = np.linspace(2.5, 3.1, 20)
    losses = [loss(torch.tensor([[math.cos(a), -math.sin(a)]]), label)[0].item() for a in angles]
    assert (np.diff(losses) > -1e-4).all()


def test_of_several_centres_the_nearest_counts():
    embedding, label = torch.tensor([[0.0, 1]]), torch.tensor([0])
    one = loss_with([[0.0, 1], [1, 0]], margin=0.1)(embedding, label)[0]
    two = loss_with([[-1.0, 0], [0, 1], [1, 0], [1, 0]], margin=0.1, centres=2)(embedding, label)[0]
    assert two.item() == pytest.approx(one.item(), rel=1e-5)


def test_the_nearest_wrong_classes_are_made_nearer_on_request():
    loss = SubCentreAAM(AamConfig(1, scale=10, margin=0.2, top=1, top_penalty=0.1), 2, 3)
    loss.weight.data = torch.tensor([[1.0, 0], [0, 1], [-1, 0]])
    loss.margin = 0.2
    embedding, label = torch.tensor([[3.0, 4]]), torch.tensor([1])
    right, nearer = math.cos(math.acos(0.8) + 0.2), math.cos(math.acos(0.6) - 0.1)
    expected = functional.cross_entropy(10 * torch.tensor([[nearer, right, -0.6]]), label)
    assert loss(embedding, label)[0].item() == pytest.approx(expected.item(), rel=1e-5)
    loss.margin = 0.0  # not yet
    plain = functional.cross_entropy(10 * torch.tensor([[0.6, 0.8, -0.6]]), label)
    assert loss(embedding, label)[0].item() == pytest.approx(plain.item(), rel=1e-5)


def test_the_centres_of_a_class_can_begin_around_a_direction():
    loss = SubCentreAAM(AamConfig(centres=2), 8, 3)
    torch.manual_seed(0)
    loss.begin_at(5 * torch.eye(3, 8))
    cosines = functional.normalize(loss.weight) @ torch.eye(3, 8).repeat_interleave(2, 0).T
    assert cosines.diagonal().min() > 0.98
    assert not torch.equal(loss.weight[0], loss.weight[1])  # or both would go on alike
    assert loss.weight.requires_grad
