import torch

from voxgate.train.architectures.resnet34 import ResNet34, ResNet34Config


def test_the_full_size_has_the_weights_of_the_published_one():
    network = ResNet34(ResNet34Config(dim=256), bands=80)
    weights = sum(p.numel() for p in network.parameters())
    assert 6.6e6 < weights < 6.7e6  # WeSpeaker's ResNet34: 6.63 M


def test_bands_that_do_not_divide_evenly_fit_too():
    network = ResNet34(ResNet34Config(channels=4, blocks=(1, 1, 1), first_stride=2, dim=5), 23)
    assert network(torch.randn(2, 23, 31)).shape == (2, 5)
