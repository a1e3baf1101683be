import pytest
import torch

from voxgate.errors import TrainingError
from voxgate.train.architectures.redimnet import (
    B0,
    B1,
    B2,
    ChannelNorm,
    ReDimNet,
    ReDimNetConfig,
    WeightedSum,
    flat,
)


@pytest.mark.parametrize(
    ("config", "bands", "millions"), [(B0, 60, 1.0), (B1, 72, 2.2), (B2, 72, 4.7)]
)
def test_sizes_are_those_of_the_paper(config, bands, millions):
    weights = sum(p.numel() for p in ReDimNet(config, bands).parameters())
    assert weights / 1e6 == pytest.approx(millions, rel=0.06)


def test_a_plane_is_read_as_channels_and_back():
    plane = torch.arange(24.0).reshape(1, 2, 3, 4)  # 2 channels, 3 bands, 4 frames
    frames = flat(plane)
    assert frames.shape == (1, 6, 4)
    assert frames[0, 1].tolist() == plane[0, 1, 0].tolist()  # channels change faster than bands
    assert torch.equal(frames.unflatten(1, (3, -1)).transpose(1, 2), plane)


def test_weights_of_a_sum_add_up_to_one_for_each_number():
    outputs = [torch.ones(1, 2, 3), torch.full((1, 2, 3), 5.0)]
    weighted = WeightedSum(2, 2)
    assert torch.allclose(weighted(outputs), torch.full((1, 2, 3), 3.0))
    weighted.weight.data[1, 0] = 100.0
    assert weighted(outputs)[0, :, 0].tolist() == pytest.approx([5, 3])


def test_channels_are_normalised_at_each_place():
    found = ChannelNorm(2)(torch.tensor([[[1.0, 5], [3, 5]]]))
    assert torch.allclose(found, torch.tensor([[[-1.0, 0], [1, 0]]]), atol=1e-3)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"block": "dense"}, "model.block is 'dense'"),
        ({"stages": ((7, 1, 1, 0),)}, "60 bands do not divide by a stride of 7"),
        ({"stages": ((1, 1, 1, 100),)}, "reduction 100 is 6; it must be a multiple of 4"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(config, message):
    with pytest.raises(TrainingError, match=message):
        ReDimNet(ReDimNetConfig(**config), 60)
