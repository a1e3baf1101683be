"""VGG16's convolutions over a picture of speech: features → embedding.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition"
(arXiv:1409.1556), configuration D; the layers are numbered as torchvision's, so that its weights
fit. The picture, 0 to 1, is resized to a square, however long it was, and goes in thrice, as red,
green and blue scaled like ImageNet's. Features have shape (batch, bands, frames), embeddings
(batch, dim), not normalised.
"""

import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import torch
from platformdirs import user_cache_path
from torch import Tensor, nn
from torch.nn import functional

from voxgate.atomic import complete_or_absent
from voxgate.download import sha256_of
from voxgate.errors import TrainingError

ADDRESS = "https://download.pytorch.org/models/vgg16-397923af.pth"  # ImageNet, BSD-3-Clause
_CONVOLUTIONS = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))  # times the width, by group
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures
_DIGEST = re.compile(r"-([0-9a-f]{8})\.pth$")  # PyTorch puts it into the names of its files


@dataclass(frozen=True)
class Vgg16Config:
    """Sizes of the network; the defaults are the original's."""

    width: int = 64  # channels of the first convolution
    side: int = 224  # of the picture, in pixels
    weights: str = ""  # a file of ImageNet weights to start from, or "official" to fetch it
    dense: bool = True  # a last layer to `dim` numbers; without it dim is 8 times the width
    dim: int = 256
    batch_norm: bool = False  # after each convolution, as in torchvision's vgg16_bn


class Vgg16(nn.Module):
    """The whole network."""

    mean: Tensor  # (3, 1, 1)
    std: Tensor

    def __init__(self, config: Vgg16Config, bands: int) -> None:
        super().__init__()
        del bands  # the picture is resized
        self.config = config
        if not config.dense and config.dim != 8 * config.width:
            raise TrainingError(
                f"model.dim is {config.dim}; without a dense layer it must be {8 * config.width}."
            )
        layers: list[nn.Module] = []
        inputs = 3
        for group in _CONVOLUTIONS:
            for times in group:
                outputs = times * config.width
                layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                layers += [nn.BatchNorm2d(outputs)] if config.batch_norm else []
                layers.append(nn.ReLU())
                inputs = outputs
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):  # as torchvision begins
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.dense = nn.Linear(inputs, config.dim) if config.dense else nn.Identity()
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(_STD)[:, None, None], persistent=False)

    def begin(self) -> None:
        """Take the weights that the config names, before training begins."""
        if self.config.weights:
            official = self.config.weights == "official"
            self.load_imagenet(_fetched() if official else Path(self.config.weights))

    def load_imagenet(self, path: Path) -> None:
        """Take the convolutions of torchvision's VGG16 from a file; its classifier is left.

        Raises:
            TrainingError: there is no such file, its bytes are not those that its name promises, or
                its weights do not fit.
        """
        if not path.is_file():
            raise TrainingError(f"There is no {path}; model.weights must name a file or official.")
        _check_digest(path)
        stored = torch.load(path, weights_only=True)
        mine = {f"features.{name}" for name in self.features.state_dict()}
        try:
            self.features.load_state_dict(
                {name.removeprefix("features."): stored[name] for name in mine}
            )
        except (KeyError, RuntimeError) as error:
            raise TrainingError(
                f"{path} does not hold the weights of a VGG16 of width {self.config.width}; the "
                "original's is 64."
            ) from error

    def forward(self, features: Tensor) -> Tensor:
        """Features (batch, bands, frames) in [0, 1] → embeddings (batch, dim)."""
        side = self.config.side
        square = functional.interpolate(
            features[:, None], size=(side, side), mode="bilinear", align_corners=False
        )
        pixels = (square - self.mean) / self.std
        embedding: Tensor = self.dense(self.features(pixels).mean(dim=(2, 3)))
        return embedding


def _fetched() -> Path:
    """The official file, from the cache or else from its address."""
    path = user_cache_path("voxgate") / ADDRESS.rpartition("/")[2]
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with complete_or_absent(path) as part:
                urllib.request.urlretrieve(ADDRESS, part)
        except (urllib.error.URLError, OSError) as error:
            raise TrainingError(
                f"{ADDRESS} cannot be fetched ({error}); fetch it by other means and name the "
                "file in model.weights, or leave that empty to train from scratch."
            ) from error
    return path


def _check_digest(path: Path) -> None:
    """Compare a file's SHA-256 with the eight digits that its name ends in, if it does."""
    promised = _DIGEST.search(path.name)
    found = sha256_of(path)
    if promised and not found.startswith(promised[1]):
        raise TrainingError(
            f"{path} has the SHA-256 {found[:8]}…, not {promised[1]}…; fetch it again."
        )
