import torch

from voxgate.train.architectures.pooling import TemporalStatistics


def test_statistics_are_mean_and_deviation_of_each_row():
    frames = torch.tensor([[[1.0, 3], [5, 5]]])
    found = TemporalStatistics()(frames)
    assert torch.allclose(found, torch.tensor([[2.0, 5, 1, 1e-5**0.5]]))


def test_a_plane_is_taken_row_by_row():
    assert TemporalStatistics()(torch.randn(3, 4, 5, 7)).shape == (3, 40)
