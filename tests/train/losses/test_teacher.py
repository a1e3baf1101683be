import pytest
import torch

from voxgate.train.losses import away_from


def test_distance_to_the_teacher_is_none_for_the_same_direction_and_two_for_the_opposite():
    target = torch.tensor([[1.0, 2], [3, -1]])
    assert away_from(5 * target, target).item() == pytest.approx(0, abs=1e-6)
    assert away_from(-target, target).item() == pytest.approx(2)
