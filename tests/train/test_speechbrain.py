import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from voxgate.convert.ecapa_speechbrain import Ecapa, Sizes
from voxgate.errors import CheckpointError
from voxgate.train.speechbrain import network_of


@pytest.fixture
def theirs() -> Ecapa:
    """A small network of theirs that looks trained: its norms do something, some turn signs."""
    torch.manual_seed(0)
    network = Ecapa(Sizes(20, 16, 24, 4, 128, 8, 6))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            size = len(module.weight)
            module.weight.data = (torch.rand(size) + 0.5) * torch.where(
                torch.rand(size) < 0.3, -1, 1
            )
            module.bias.data = 0.3 * torch.randn(size)
            module.running_mean = 0.3 * torch.randn(size)
            module.running_var = torch.rand(size) + 0.5
    return network.eval()


def slow_features(frames: int) -> torch.Tensor:
    """Features (1, frames, 20) that hardly change from one frame to the next."""
    rng = np.random.default_rng(0)
    corners = rng.normal(size=(frames // 200 + 1, 20))
    at = np.linspace(0, len(corners) - 1, frames)
    bands = [np.interp(at, np.arange(len(corners)), band) for band in corners.T]
    return torch.from_numpy(np.stack(bands, axis=1).astype(np.float32))[None]


def test_every_other_frame_gives_nearly_the_same_embedding(theirs, tmp_path):
    torch.save(theirs.state_dict(), tmp_path / "published.ckpt")
    ours = network_of(tmp_path / "published.ckpt")
    features = slow_features(4_000)
    with torch.no_grad():
        expected, found = theirs(features), ours(features.transpose(1, 2))
    assert functional.cosine_similarity(expected, found).item() > 0.999
    assert (found - expected).abs().max() < 0.05 * expected.abs().max()


def test_another_checkpoint_is_refused(tmp_path):
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "other.ckpt")
    with pytest.raises(CheckpointError, match="not of this architecture"):
        network_of(tmp_path / "other.ckpt")
