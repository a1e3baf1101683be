"""SpeechBrain's published ECAPA-TDNN as the network that is trained here, to begin from.

Weights: speechbrain/spkrec-ecapa-voxceleb, Apache-2.0, trained on VoxCeleb 1 and 2.

Ours hears every other frame, so the dilations of 2, 3 and 4 frames become 1, 2 and 2; of these the
second alone is another than it was. Beyond the ends its convolutions see zeros, not the frames
mirrored. The batch norm which is published after the aggregation is folded into what follows it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from voxgate.audio import SAMPLE_RATE
from voxgate.convert.checkpoint import fill, read_checkpoint
from voxgate.convert.ecapa_speechbrain import build, sizes_of
from voxgate.hub import entry, obtain
from voxgate.train.architectures.ecapa import Ecapa, EcapaConfig
from voxgate.train.cache import Corpus
from voxgate.train.frontends.decibel import Decibel, DecibelConfig
from voxgate.train.low_rank import cut_ranks

_EPS = 1e-5  # that a batch norm adds to its variance
_HEARD_S = (1.0, 2.0, 4.0)  # pieces of speech by which the ranks are cut
_HEARD = 256  # of each length
_BATCH = 64


class Hearing(nn.Module):
    """The network and its front end: waveforms (batch, samples) → embeddings (batch, dim)."""

    def __init__(self, config: EcapaConfig) -> None:
        super().__init__()
        self.front_end = Decibel(DecibelConfig())
        self.network = Ecapa(config, self.front_end.bands)

    def forward(self, waveform: Tensor) -> Tensor:
        """The embeddings are not of unit length."""
        embedding: Tensor = self.network(self.front_end(waveform))
        return embedding


def smaller(
    whole: Ecapa, config: EcapaConfig, corpus: Corpus, chosen: NDArray[np.int64], seed: int
) -> Hearing:
    """The network with its 1x1 convolutions cut to the config's ranks by some chosen recordings."""
    hearing = Hearing(config)
    heard = (hearing.front_end(batch) for batch in _pieces(corpus, chosen, seed))
    cut_ranks(whole, hearing.network, heard)
    return hearing.eval()


def _pieces(corpus: Corpus, chosen: NDArray[np.int64], seed: int) -> Iterator[Tensor]:
    """Batches (n, samples) of speech, each of one length."""
    rng = np.random.default_rng(seed)
    for seconds in _HEARD_S:
        samples = round(seconds * SAMPLE_RATE)
        some = rng.permutation(chosen)[:_HEARD]
        pieces = np.stack([np.resize(corpus.speech(int(r))[:samples], samples) for r in some])
        yield from torch.split(torch.from_numpy(pieces), _BATCH)


def published() -> Ecapa:
    """The network with the weights that SpeechBrain published, fetched if they are not here.

    Raises:
        DownloadError: they cannot be had.
    """
    path, _ = obtain(entry("speechbrain-ecapa"))
    return network_of(path)


def network_of(path: Path) -> Ecapa:
    """The network with the weights of a checkpoint of SpeechBrain's.

    Raises:
        CheckpointError: it is not one.
    """
    checkpoint = read_checkpoint(path)
    sizes = sizes_of(checkpoint)
    theirs = fill(build(checkpoint), checkpoint, "ecapa-speechbrain").state_dict()
    config = EcapaConfig(
        channels=sizes.channels,
        aggregate=sizes.aggregate,
        attention=sizes.attention,
        scale=sizes.scale,
        dilations=(1, 2, 2),
        dim=sizes.dim,
    )
    network = Ecapa(config, sizes.bands)
    ours = {new: theirs[old] for new, old in _names(network, theirs)}
    ours |= {name: ours[name].squeeze(2) for name in ours if re.search(r"\.gate\..*weight$", name)}
    network.load_state_dict({**network.state_dict(), **ours, **_pooling(theirs)})
    return network.eval()


def _names(network: Ecapa, theirs: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    """Pairs of our name and theirs, of what is alike in both."""
    alike = {"first.0": "blocks.0.conv.conv", "first.2": "blocks.0.norm.norm"}
    for number in range(len(network.blocks)):
        mine, block = f"blocks.{number}.body", f"blocks.{number + 1}"
        convs = {f"{mine}.0": f"{block}.tdnn1", f"{mine}.2": f"{block}.tdnn2"}
        for group in range(network.config.scale - 1):
            convs[f"{mine}.1.convs.{group}"] = f"{block}.res2net_block.blocks.{group}"
        for ours, old in convs.items():
            alike |= {f"{ours}.0": f"{old}.conv.conv", f"{ours}.2": f"{old}.norm.norm"}
        alike |= {
            f"{mine}.3.gate.0": f"{block}.se_block.conv1.conv",
            f"{mine}.3.gate.2": f"{block}.se_block.conv2.conv",
        }
    alike |= {
        "aggregate.0": "mfa.conv.conv",
        "pool.attend.1": "asp.tdnn.norm.norm",
        "pool.attend.3": "asp.conv.conv",
    }
    for new, old in alike.items():
        for name in theirs:
            if name.startswith(f"{old}."):
                yield new + name.removeprefix(old), name


def _pooling(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What follows the aggregation, with its norm, y = scale·x + shift, folded in."""

    def norm(name: str) -> list[Tensor]:
        parts = ("weight", "bias", "running_mean", "running_var")
        return [theirs[f"{name}.norm.{part}"] for part in parts]

    weight, bias, mean, variance = norm("mfa.norm")
    scale = weight / (variance + _EPS).sqrt()
    shift = bias - mean * scale
    size = len(scale)
    attend = theirs["asp.tdnn.conv.conv.weight"].squeeze(2)
    of_frame, of_mean, of_std = torch.split(attend, size, dim=1)
    both = torch.cat([scale, scale.abs()])  # of means, and of deviations
    weight, bias, mean, variance = norm("asp_bn")
    mean = mean - torch.cat([shift, torch.zeros(size)])
    dim = len(theirs["fc.conv.bias"])
    return {
        "pool.of_frame.weight": (of_frame * scale).unsqueeze(2),
        "pool.of_frame.bias": theirs["asp.tdnn.conv.conv.bias"] + (of_frame + of_mean) @ shift,
        "pool.of_all.weight": torch.cat([of_mean, of_std], dim=1) * both,
        "embed.0.weight": weight * both.sign(),
        "embed.0.bias": bias,
        "embed.0.running_mean": mean / both,
        "embed.0.running_var": (variance + _EPS) / both.square() - _EPS,
        "embed.1.weight": theirs["fc.conv.weight"].squeeze(2),
        "embed.1.bias": theirs["fc.conv.bias"],
        "embed.2.running_var": torch.full((dim,), 1 - _EPS),  # the last norm changes nothing yet
    }
