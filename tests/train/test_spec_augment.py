import pytest
import torch

from voxgate.train.augment import AugmentConfig
from voxgate.train.spec_augment import mask


@pytest.fixture
def features():
    return torch.randn(200, 40, 100, generator=torch.Generator().manual_seed(0))


def test_without_masks_nothing_changes_and_nothing_is_drawn(features):
    before = torch.get_rng_state()
    assert mask(features, AugmentConfig()) is features
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_hidden_is_whole_bands_and_frames_at_the_rows_mean(features):
    config = AugmentConfig(masks=1.0, masked_bands=0.2, masked_frames=0.1)
    masked = mask(features, config)
    hidden = masked != features
    bands, frames = hidden.all(dim=2), hidden.all(dim=1)
    assert torch.equal(hidden, bands[:, :, None] | frames[:, None, :])
    means = features.mean(dim=(1, 2), keepdim=True).expand_as(features)
    assert torch.equal(masked[hidden], means[hidden])
    assert bands.sum(dim=1).max() <= 2 * (0.2 * 40 + 1)
    assert frames.sum(dim=1).max() <= 2 * (0.1 * 100 + 1)
    # Two masks of a mean width of half the most, which overlap now and then.
    assert 0.16 < bands.float().mean() < 0.2
    assert 0.08 < frames.float().mean() < 0.1


def test_the_probability_is_that_of_a_row(features):
    changed = (mask(features, AugmentConfig(masks=0.3)) != features).any(dim=2).any(dim=1)
    assert 0.2 < changed.float().mean() < 0.4


def test_the_same_seed_hides_the_same(features):
    config = AugmentConfig(masks=0.5)
    torch.manual_seed(3)
    once = mask(features, config)
    torch.manual_seed(3)
    assert torch.equal(mask(features, config), once)
    assert not torch.equal(mask(features, config), once)
