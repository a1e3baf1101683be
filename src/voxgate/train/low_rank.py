"""Fewer products in a trained network: its 1x1 convolutions as two narrower ones in a row.

Of all pairs of so narrow a rank, the one whose outputs are nearest to the convolution's in the mean
square over what it is given: W·L, with L·Lᵀ the covariance of its inputs, is cut to its largest
singular values, and L taken off again (as in Wang, Zheng, Wan, Zhang, "SVD-LLM", arXiv:2403.07378,
for language models).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_RIDGE = 1e-4  # of the mean variance of the inputs, added to each


@dataclass
class _Moments:
    """Sums over all inputs that were seen, each followed by a 1."""

    products: Tensor  # (channels + 1, channels + 1)

    def see(self, frames: Tensor) -> None:
        """Inputs (batch, channels, frames)."""
        rows = frames.movedim(1, 0).flatten(1)
        rows = torch.cat([rows, torch.ones_like(rows[:1])])
        self.products += rows @ rows.T

    def mean_and_root(self) -> tuple[Tensor, Tensor]:
        """Mean (channels,), and the lower triangle L of the covariance L·Lᵀ."""
        mean = self.products[-1, :-1] / self.products[-1, -1]
        covariance = self.products[:-1, :-1] / self.products[-1, -1] - torch.outer(mean, mean)
        ridge = _RIDGE * covariance.diagonal().mean()
        return mean, torch.linalg.cholesky(covariance + ridge * torch.eye(len(mean)))


@torch.no_grad()
def cut_ranks(network: nn.Module, smaller: nn.Module, heard: Iterable[Tensor]) -> None:
    """Give `smaller` the weights of `network`; of some convolutions it has two in a row.

    Args:
        network: the one that is trained.
        smaller: of the same shape otherwise.
        heard: what the network is given, some batches of it.
    """
    pairs = _pairs(network, smaller)
    moments = [_Moments(torch.zeros(2 * [whole.in_channels + 1]).double()) for _, whole, _ in pairs]
    hooks = [
        whole.register_forward_pre_hook(lambda _module, given, of=of: of.see(given[0]))
        for (_, whole, _), of in zip(pairs, moments, strict=True)
    ]
    network.eval()
    for batch in heard if pairs else ():
        network(batch)
    for hook in hooks:
        hook.remove()
    weights = network.state_dict()
    for (name, _, rank), of in zip(pairs, moments, strict=True):
        weight, bias = weights.pop(f"{name}.weight"), weights.pop(f"{name}.bias")
        down, up, shift = _factors(weight.squeeze(2).double(), rank, *of.mean_and_root())
        weights[f"{name}.0.weight"] = down.unsqueeze(2)
        weights[f"{name}.1.weight"] = up.unsqueeze(2)
        weights[f"{name}.1.bias"] = bias + shift
    smaller.load_state_dict(weights)


def _pairs(network: nn.Module, smaller: nn.Module) -> list[tuple[str, nn.Conv1d, int]]:
    """The convolutions that `smaller` has as two in a row: name, convolution, rank."""
    return [
        (name, module, len(smaller.get_parameter(f"{name}.0.weight")))
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv1d) and isinstance(smaller.get_submodule(name), nn.Sequential)
    ]


def _factors(
    weight: Tensor, rank: int, mean: Tensor, root: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The two weights whose product comes nearest, and what is to be added to the bias."""
    left, values, right = torch.linalg.svd(weight @ root, full_matrices=False)
    down = torch.linalg.solve_triangular(root, right[:rank], upper=False, left=False)
    up = left[:, :rank] * values[:rank]
    return down.float(), up.float(), ((weight - up @ down) @ mean).float()
