"""SpecAugment: bands and stretches of time are hidden from the network while it learns.

Park et al., "SpecAugment" (arXiv:1904.08779), without the warping of time: two masks of bands and
two of frames, as in their LibriSpeech policy, at widths in shares of the features' own size. What
is hidden is set to the row's mean. Features are (batch, bands, frames).
"""

import torch
from torch import Tensor

from voxgate.train.augment import AugmentConfig

_MASKS = 2  # along each axis


def mask(features: Tensor, config: AugmentConfig) -> Tensor:
    """Hide parts of a share `config.masks` of the rows; of none, nothing is drawn.

    Chance is torch's generator of the processor, which the loop seeds for every step.
    """
    if not config.masks:
        return features
    batch, bands, frames = features.shape
    hidden = _stretches(batch, bands, config.masked_bands)[:, :, None]
    hidden = hidden | _stretches(batch, frames, config.masked_frames)[:, None, :]
    hidden &= (torch.rand(batch) < config.masks)[:, None, None]
    mean = features.mean(dim=(1, 2), keepdim=True)
    return torch.where(hidden.to(features.device), mean, features)


def _stretches(batch: int, size: int, share: float) -> Tensor:
    """Where the masks of one axis are, (batch, size)."""
    width = torch.rand(batch, _MASKS, 1) * share * size
    first = torch.rand(batch, _MASKS, 1) * (size - width)
    at = torch.arange(size) + 0.5
    return ((at >= first) & (at < first + width)).any(dim=1)
