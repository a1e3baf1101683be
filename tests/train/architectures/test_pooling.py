import torch
from torch import nn

from voxgate.train.architectures.pooling import AttentiveStatistics, TemporalStatistics


def test_statistics_are_mean_and_deviation_of_each_row():
    frames = torch.tensor([[[1.0, 3], [5, 5]]])
    found = TemporalStatistics()(frames)
    assert torch.allclose(found, torch.tensor([[2.0, 5, 1, 1e-5**0.5]]))


def test_a_plane_is_taken_row_by_row():
    assert TemporalStatistics()(torch.randn(3, 4, 5, 7)).shape == (3, 40)


def test_attention_takes_the_weights_of_runs_that_had_one_convolution_for_frame_and_context():
    torch.manual_seed(0)
    before = nn.Sequential(
        nn.Conv1d(15, 4, 1), nn.ReLU(), nn.BatchNorm1d(4), nn.Tanh(), nn.Conv1d(4, 5, 1)
    ).eval()
    before[2].running_mean.copy_(torch.randn(4))
    pool = AttentiveStatistics(5, 4).eval()
    pool.load_state_dict({f"attend.{name}": value for name, value in before.state_dict().items()})
    frames = torch.randn(2, 5, 9)
    mean, std = frames.mean(dim=2, keepdim=True), frames.std(dim=2, keepdim=True, correction=0)
    together = torch.cat([frames, mean.expand_as(frames), std.expand_as(frames)], dim=1)
    with torch.no_grad():
        weights = before(together).softmax(dim=2)
        found = pool(frames)
    weighted = (weights * frames).sum(dim=2)
    deviation = (weights * (frames - weighted[:, :, None]).square()).sum(dim=2).sqrt()
    assert torch.allclose(found, torch.cat([weighted, deviation], dim=1), atol=1e-5)
