"""Resemblyzer's network as layers that can be exported: waveforms in, embeddings out.

Wan, Wang, Papir, Lopez Moreno, "Generalized end-to-end loss for speaker verification" (ICASSP 2018,
arXiv:1710.10467). Weights by Corentin Jemine, Resemblyzer 0.1.4, Apache-2.0, trained on
LibriSpeech-other and VoxCeleb 1 and 2; they come with its package.

Windows of 1.6 s of mel power, without a logarithm, go through three LSTM layers; the last state of
the last, through a ReLU, is the embedding of a window, and their mean that of a waveform. Quiet
waveforms are brought up to -30 dBFS; shorter ones than a window are followed by silence.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxgate.audio import SAMPLE_RATE
from voxgate.features import hann
from voxgate.frontends.spectrum import slaney_filters
from voxgate.train.architectures.recurrent import Recurrent
from voxgate.train.frontends.fourier import PowerSpectra, float32

DIM = 256  # of an embedding
_BANDS, _FFT, _HOP = 40, 400, 160
_WINDOW = 160  # frames of 10 ms
_LEAST_RMS = 10 ** (-30 / 20)


class Resemblyzer(nn.Module):
    """The network and its front end, its weights random yet; `published` gives those known."""

    filters: Tensor  # (bands, fft/2 + 1, 1)

    def __init__(self, most: int | None = None) -> None:
        """`most`: no more windows of a waveform than so many, evenly spread; None: all it has."""
        super().__init__()
        self.most = most
        filters = slaney_filters(_BANDS, _FFT, SAMPLE_RATE, 0, SAMPLE_RATE / 2)
        self.spectra = PowerSpectra(hann(_FFT), _FFT, _HOP, keep_level=True)
        self.register_buffer("filters", float32(filters.T)[:, :, None], persistent=False)
        self.recurrent = Recurrent("LSTM", _BANDS, DIM, layers=3)
        self.linear = nn.Linear(DIM, DIM)

    def forward(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → embeddings (batch, 256) of unit length."""
        windows = self.windows(waveform)
        batch, count = windows.shape[:2]
        each = self.embed_windows(windows.flatten(0, 1)).view(batch, count, DIM)
        return functional.normalize(each.mean(dim=1))

    def windows(self, waveform: Tensor) -> Tensor:
        """Waveforms (batch, samples) → windows (batch, count, bands, 160), evenly spread.

        No branch depends on the length, so that the exported graph takes any.
        """
        rms = waveform.square().mean(dim=1, keepdim=True).sqrt()
        louder = waveform * (_LEAST_RMS / (rms + 1e-9)).clamp(min=1)
        if self.most == 1:  # nothing beyond it need be computed
            louder = louder[:, : _WINDOW * _HOP + _FFT]
        power = functional.conv1d(self.spectra(louder), self.filters)
        frames = power.shape[2]
        number = torch.arange((frames + _WINDOW - 1) // _WINDOW, device=power.device)[: self.most]
        first = number * (frames - _WINDOW) // number.amax(dim=0).clamp(min=1)
        index = first[:, None] + torch.arange(_WINDOW, device=power.device)
        return functional.pad(power, (0, _WINDOW))[:, :, index].transpose(1, 2)

    def embed_windows(self, windows: Tensor) -> Tensor:
        """Windows (n, bands, 160) → embeddings (n, 256) of unit length."""
        last = self.recurrent(windows)[:, :, -1]
        return functional.normalize(self.linear(last).relu())


def published(most: int | None = None) -> Resemblyzer:
    """The network with the weights that the package resemblyzer brings along."""
    import resemblyzer  # noqa: PLC0415 - only a run with this teacher needs it

    encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)
    network = Resemblyzer(most)
    network.recurrent.rnn.load_state_dict(encoder.lstm.state_dict())
    network.linear.load_state_dict(encoder.linear.state_dict())
    return network.eval()
