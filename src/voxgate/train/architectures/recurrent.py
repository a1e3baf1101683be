"""Recurrent layers over frames that torch trains and ONNX runs with any number of frames.

torch's exporter unrolls an LSTM or GRU frame by frame, and cannot where their number is not fixed;
here the exported graph gets ONNX's own LSTM and GRU operators, with the weights in their order.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from voxgate.errors import TrainingError

_GATES = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}  # ONNX's order, as positions in torch's
Pooling = Literal["mean", "last"]


class Recurrent(nn.Module):
    """Layers of LSTM or GRU: frames (batch, bands, frames) → (batch, hidden, frames).

    They work in float32 whatever the rest does: over hundreds of frames bfloat16's rounding adds
    up.
    """

    def __init__(self, kind: Literal["GRU", "LSTM"], bands: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.kind: Literal["GRU", "LSTM"] = kind
        self.rnn = {"GRU": nn.GRU, "LSTM": nn.LSTM}[kind](bands, hidden, layers)

    def forward(self, frames: Tensor) -> Tensor:
        sequence = frames.permute(2, 0, 1)
        if torch.compiler.is_exporting():
            for layer in range(self.rnn.num_layers):
                sequence = self._onnx_layer(layer, sequence)
        else:
            with torch.autocast(frames.device.type, enabled=False):
                sequence, _ = self.rnn(sequence.float())
        return sequence.permute(1, 2, 0)

    def _onnx_layer(self, layer: int, sequence: Tensor) -> Tensor:
        """One layer as ONNX's operator: (frames, batch, inputs) → (frames, batch, hidden)."""
        weights = (
            self._reordered(getattr(self.rnn, f"{name}_l{layer}"))
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        inputs, recurrent, input_bias, recurrent_bias = weights
        hidden = self.rnn.hidden_size
        attributes = {"hidden_size": hidden}
        if self.kind == "GRU":
            attributes["linear_before_reset"] = 1  # as torch has it
        output = torch.onnx.ops.symbolic(
            self.kind,
            [sequence, inputs, recurrent, torch.cat([input_bias, recurrent_bias], dim=1)],
            attributes,
            dtype=sequence.dtype,
            shape=(sequence.shape[0], 1, sequence.shape[1], hidden),
            version=18,
        )
        return output[:, 0]

    def _reordered(self, weight: Tensor) -> Tensor:
        size = self.rnn.hidden_size
        return torch.cat([weight[g * size : (g + 1) * size] for g in _GATES[self.kind]])[None]


def check_pooling(pooling: str) -> None:
    """Raise a TrainingError unless it is a way to pool that `pool` knows."""
    if pooling not in ("mean", "last"):
        raise TrainingError(f"model.pooling is {pooling!r}; it must be mean or last.")


def pool(frames: Tensor, pooling: str) -> Tensor:
    """(batch, hidden, frames) → (batch, hidden): the mean over time, or the last frame."""
    return frames.mean(dim=2) if pooling == "mean" else frames[:, :, -1]
