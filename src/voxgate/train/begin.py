"""A run that begins from a public network, not from chance.

The network's 1x1 convolutions are cut to the ranks that the experiment gives, its embedding to the
directions in which the training speakers are best told apart; the classes of the loss begin where
their speakers are.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxgate.audio import SAMPLE_RATE, Waveform
from voxgate.errors import TrainingError
from voxgate.train.cache import Corpus
from voxgate.train.carried import speaker_space
from voxgate.train.config import Experiment
from voxgate.train.judge import embed_speech
from voxgate.train.sampling import SamplingConfig, faster
from voxgate.train.speechbrain import published, smaller
from voxgate.train.state import State

_PIECE_S = 2.0  # of each recording's speech, to know the speakers by


@torch.no_grad()
def begin(state: State, experiment: Experiment, corpus: Corpus, chosen: NDArray[np.int64]) -> None:
    """Set the state as it is before the first step.

    Args:
        state: made by `voxgate.train.state.start`.
        experiment: says from which network.
        corpus: all recordings.
        chosen: those that are trained on.

    Raises:
        DownloadError: the network cannot be had.
        TrainingError: the experiment has a network of other sizes.
    """
    model, config = state.model, experiment.model.config
    whole = published()
    ranks = {"rank": config.rank, "aggregate_rank": config.aggregate_rank}
    sizes = replace(whole.config, **ranks)
    if replace(config, dim=sizes.dim) != sizes:
        raise TrainingError(
            f"{experiment.begin.public} is {whole.config}; the model that begins from it must "
            f"be so but for ranks and dim, and is {config}."
        )
    hearing = smaller(whole, sizes, corpus, chosen, experiment.seed)
    network = hearing.network

    def embed(waveforms: Tensor) -> Tensor:
        features = hearing.front_end(waveforms)
        with torch.autocast("cpu", torch.bfloat16, enabled=experiment.precision == "bf16"):
            embeddings: Tensor = network(features)
        return embeddings

    voices = _voices(embed, corpus, chosen, experiment.sampling)
    middle = voices[len(voices) // 2]
    centre, axes = speaker_space(middle, corpus.speaker[chosen], config.dim)
    weights = network.state_dict()
    model.network.load_state_dict({**weights, **_projected(weights, centre, axes)})
    state.loss.begin_at(_directions((voices - centre) @ axes, corpus.speaker[chosen]))
    state.average.load_state_dict(model.state_dict())


def _voices(
    embed: Callable[[Tensor], Tensor],
    corpus: Corpus,
    chosen: NDArray[np.int64],
    sampling: SamplingConfig,
) -> NDArray[np.float32]:
    """The beginning of each recording, at each speed that is a speaker: (speeds, recordings, n)."""
    speeds = sampling.speeds if sampling.speed_is_speaker else (1.0,)
    speech = [corpus.speech(int(r)) for r in chosen]
    return np.stack(
        [embed_speech(embed, [_piece(waveform, speed) for waveform in speech]) for speed in speeds]
    )


def _piece(speech: Waveform, speed: float) -> Waveform:
    """So much of the speech that, at this speed, it is as long as a piece."""
    return faster(speech[: round(_PIECE_S * speed * SAMPLE_RATE)], speed)


def _projected(
    weights: Mapping[str, Tensor], centre: NDArray[np.float64], axes: NDArray[np.float64]
) -> dict[str, Tensor]:
    """The last layer for (e - centre) @ axes where these weights give e."""
    turn = torch.from_numpy(axes.T)
    bias = weights["embed.1.bias"].double() - torch.from_numpy(centre)
    return {
        "embed.1.weight": (turn @ weights["embed.1.weight"].double()).float(),
        "embed.1.bias": (turn @ bias).float(),
        **{n: w[: len(turn)] for n, w in weights.items() if n.startswith("embed.2.") and w.ndim},
    }


def _directions(voices: NDArray[np.float64], speaker: NDArray[np.int64]) -> Tensor:
    """Voices (speeds, recordings, n) → mean directions (speakers · speeds, n), as labels go."""
    unit = voices / np.linalg.norm(voices, axis=-1, keepdims=True)
    names, row = np.unique(speaker, return_inverse=True)
    sums = np.zeros((len(names), len(voices), voices.shape[-1]))
    np.add.at(sums, row, unit.transpose(1, 0, 2))
    return torch.from_numpy(sums.reshape(-1, voices.shape[-1]).astype(np.float32))
