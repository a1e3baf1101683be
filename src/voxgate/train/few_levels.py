"""Weights of a few levels only, so that several of them fit in 16 bits.

Each row of such a weight is a scale times odd whole numbers: -15, -13 … 15 for 16 levels. They are
chosen so that the layers give nearly what they gave (see `voxgate.train.gptq`). Then the network
may settle: it learns to give the embeddings that it gave before, its weights rounded in every
forward pass and gradients taken as if they were not; the scales are learnt, too (Esser et al.,
"Learned Step Size Quantization", ICLR 2020, arXiv:1902.08153).
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from voxgate.train.architectures.ecapa import SqueezeExcite
from voxgate.train.architectures.pooling import AttentiveStatistics
from voxgate.train.architectures.recurrent import Recurrent
from voxgate.train.gptq import Layer, given_to, products_given_to, products_of, rounded
from voxgate.train.model import SpeakerModel
from voxgate.train.packing import FEWEST_NUMBERS

# levels of a weight
_RECURRENT = 128  # of states that it makes itself: errors would grow
_FIRST = 40  # of spectra, whose bands say nearly the same
_FEW = 16
_LAST = 8  # of so many statistics that errors average out
_WEIGHING = 6  # attention and gates, which only weigh what others make
_HEARD = 16  # batches that the layers' inputs are known by
_CANDIDATES = torch.linspace(0.3, 1.0, 36)  # of a row's largest weight, to be its largest level
_LEAST_SCALE = 1e-6  # float16 has next to no digits below
_LEARNING_RATE = 0.02  # of weights, in their scales, at first; falls to 0 in a straight line
_SCALE_RATE = 3e-4  # of a scale's logarithm
_REST_RATE = 1e-4  # of biases and of what scales channels
_OFF_LEVEL = 0.5  # of a scale, at most: how far from its level a weight begins to learn
_OF_A_LAYER = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # of LSTM or GRU


@dataclass(frozen=True)
class _Rounded:
    """A layer that rounds its weight."""

    layer: Layer
    weight: nn.Parameter  # before it is rounded
    few: "FewLevels"


def settle(model: SpeakerModel, batches: Iterable[Tensor], steps: int) -> None:
    """Give the large weights of a model few levels, and have its network settle to them.

    Args:
        model: changed in place.
        batches: waveforms (batch, samples), such as it was trained on.
        steps: batches that the network learns from; with 0 the weights are only rounded.
    """
    ready = iter(batches)
    heard = list(islice(ready, _HEARD))
    for carried in model.carried:
        _round_carried(carried, heard)
    before = copy.deepcopy(model.network).eval()
    rounding = _round(model, heard)
    _learn(model, before, rounding, islice(ready, steps), steps)
    for each in rounding:
        parametrize.remove_parametrizations(each.layer, "weight", leave_parametrized=True)


def _learn(
    model: SpeakerModel,
    before: nn.Module,
    rounding: Sequence[_Rounded],
    batches: Iterator[Tensor],
    steps: int,
) -> None:
    """Bring the network's embeddings near to those of the one `before`."""
    scales = [each.few.log_scale for each in rounding]
    known = {id(parameter) for parameter in (*scales, *(each.weight for each in rounding))}
    rest = [each for each in model.network.parameters() if id(each) not in known]
    groups: list[dict[str, Any]] = [
        {"params": scales, "lr": _SCALE_RATE},
        {"params": rest, "lr": _REST_RATE},
    ]
    for each in rounding:
        step = _LEARNING_RATE * float(each.few.scale().detach().mean())
        groups.append({"params": [each.weight], "lr": step})
    optimiser = torch.optim.Adam(groups)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, max(1, steps))
    for waveforms in batches:
        features = model.front_end(waveforms)
        with torch.autocast(waveforms.device.type, torch.bfloat16):
            with torch.no_grad():
                wanted = before(features).float()
            given = model.network(features).float()
        loss = 1 - functional.cosine_similarity(given, wanted).mean()
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        falling.step()


@torch.no_grad()
def _round(model: SpeakerModel, heard: Sequence[Tensor]) -> list[_Rounded]:
    """Have the large layers of the network round their weights, which are near levels already."""
    network = model.network.eval()
    _even(network)
    layers: list[Layer] = [
        module
        for module in network.modules()
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear)
        and getattr(module, "groups", 1) == 1
        and module.weight.numel() >= FEWEST_NUMBERS
    ]
    weighing = (
        part
        for module in network.modules()
        if isinstance(module, SqueezeExcite | AttentiveStatistics)
        for part in module.modules()
    )
    levels: dict[nn.Module, int] = dict.fromkeys(weighing, _WEIGHING)
    levels.update(dict.fromkeys(layers[:1], _FIRST))
    levels.update(dict.fromkeys(layers[-1:], _LAST))
    products = products_given_to(layers, lambda batch: network(model.front_end(batch)), heard)
    rounding = []
    for layer, known in zip(layers, products, strict=True):
        weight = layer.get_parameter("weight")
        few = FewLevels(weight, levels.get(layer, _FEW))
        weight.copy_(few.near(weight, rounded(weight, known, few.column)))
        parametrize.register_parametrization(layer, "weight", few)
        rounding.append(_Rounded(layer, weight, few))
    return rounding


def _even(network: nn.Module) -> None:
    """Between two convolutions in a row, give each channel the same weight in the second.

    The first, whose rows have scales of their own, takes it up; together they are what they were.
    """
    for pair in network.modules():
        if isinstance(pair, nn.Sequential) and [type(part) for part in pair] == 2 * [nn.Conv1d]:
            down, up = (part.get_parameter("weight") for part in pair)
            size = up.square().mean(dim=(0, 2)).sqrt()
            up.copy_(up / size[:, None])
            down.copy_(down * size[:, None, None])


@torch.no_grad()
def _round_carried(network: nn.Module, heard: Sequence[Tensor]) -> None:
    """Round the layers of LSTM or GRU in a network that is not trained, and its linear ones.

    What the first makes of spectra stays as it is: their range is too wide for any rounding.
    """
    recurrent = [module for module in network.modules() if isinstance(module, Recurrent)]
    inputs = [given_to(module, network, heard) for module in recurrent]
    for module, frames in zip(recurrent, inputs, strict=True):
        for number in range(module.rnn.num_layers):
            frames = _round_recurrent(module, number, frames)  # noqa: PLW2901 - now the next one's
    for layer in network.modules():
        if isinstance(layer, nn.Linear) and layer.weight.numel() >= FEWEST_NUMBERS:
            layer.weight.copy_(FewLevels(layer.weight, _RECURRENT)(layer.weight))


def _round_recurrent(whole: Recurrent, number: int, frames: list[Tensor]) -> list[Tensor]:
    """Round one layer, by what it hears, (batch, inputs, frames) each; what it then gives."""
    own = {name: whole.rnn.get_parameter(f"{name}_l{number}") for name in _OF_A_LAYER}
    alone = Recurrent(whole.kind, own["weight_ih"].shape[1], whole.rnn.hidden_size, layers=1)

    def run() -> list[Tensor]:
        for name, weight in own.items():
            alone.rnn.get_parameter(f"{name}_l0").copy_(weight)
        return [alone(each) for each in frames]

    heard = {"weight_hh": [states[:, :, :-1] for states in run()], "weight_ih": frames}
    for name in ("weight_hh", "weight_ih") if number else ("weight_hh",):
        few = FewLevels(own[name], _FEW if number else _RECURRENT)
        known = products_of(each.transpose(1, 2) for each in heard[name])
        own[name].copy_(rounded(own[name], known, few.column))
    return run()


class FewLevels(nn.Module):
    """Rounds a weight (rows, …) to `levels` multiples of each row's scale."""

    def __init__(self, weight: Tensor, levels: int) -> None:
        super().__init__()
        self.most = levels - 1
        self.log_scale = nn.Parameter(_nearest_scales(weight, self.most).log())

    def forward(self, weight: Tensor) -> Tensor:
        scale = self.scale()
        level = _level((weight / scale).detach(), self.most)
        return scale * level + (weight - weight.detach())

    def column(self, weights: Tensor) -> Tensor:
        """What is nearest to one weight of each row: (rows, 1)."""
        scale = self.scale().flatten(1)
        return scale * _level(weights / scale, self.most)

    def near(self, weight: Tensor, level: Tensor) -> Tensor:
        """What is nearest to a weight and still rounded to a certain level: (rows, …)."""
        off = self.scale() * _OFF_LEVEL
        return weight.clamp(level - off, level + off)

    def scale(self) -> Tensor:
        """(rows, 1, …), rounded to float16, as which it goes into a file."""
        exact = self.log_scale.exp()
        return exact + (exact.half().float() - exact).detach()


def _level(scaled: Tensor, most: int) -> Tensor:
    """The nearest odd whole numbers, from -most to most."""
    return (2 * torch.floor(scaled / 2) + 1).clamp(-most, most)


@torch.no_grad()
def _nearest_scales(weight: Tensor, most: int) -> Tensor:
    """For each row the scale that rounds it with the least square error: (rows, 1, …)."""
    rows = weight.flatten(1)
    largest = rows.abs().amax(dim=1, keepdim=True) / most
    best, least = largest, torch.full_like(largest, torch.inf)
    for candidate in _CANDIDATES:
        scale = (candidate * largest).clamp(min=_LEAST_SCALE)
        error = (scale * _level(rows / scale, most) - rows).square().sum(dim=1, keepdim=True)
        best, least = torch.where(error < least, scale, best), torch.minimum(error, least)
    return best.view(-1, *[1] * (weight.dim() - 1))
