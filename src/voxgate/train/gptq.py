"""Rounding a layer's weights one input after the other, those not yet rounded making up for it.

What is least is not the weights' own error but that of what the layer gives for what it hears:
Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ" (ICLR 2023, arXiv:2210.17323).
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

_RIDGE = 0.01  # of the mean square of the inputs, added to each
_BLOCK = 128  # inputs whose errors are handed on together: it is only faster

Layer: TypeAlias = nn.Conv1d | nn.Conv2d | nn.Linear
Watch: TypeAlias = Callable[[Tensor], None]


def products_given_to(
    layers: Sequence[Layer], run: Callable[[Tensor], Any], heard: Iterable[Tensor]
) -> list[Tensor]:
    """For each layer the mean products (inputs, inputs) of what its weights are multiplied with.

    Args:
        layers: of one network, without groups.
        run: the network.
        heard: what it is given, some batches of it.
    """
    sums = [torch.zeros(2 * [layer.weight[0].numel()]) for layer in layers]
    counts = [0] * len(layers)

    def seeing(number: int) -> Watch:
        def see(given: Tensor) -> None:
            rows = _rows(layers[number], given.float())
            sums[number] += rows.T @ rows
            counts[number] += len(rows)

        return see

    _watch(layers, [seeing(number) for number in range(len(layers))], run, heard)
    return [total / max(1, count) for total, count in zip(sums, counts, strict=True)]


def given_to(
    layer: nn.Module, run: Callable[[Tensor], Any], heard: Iterable[Tensor]
) -> list[Tensor]:
    """What a layer of a network is given, batch by batch."""
    given: list[Tensor] = []
    _watch([layer], [given.append], run, heard)
    return given


def products_of(inputs: Iterable[Tensor]) -> Tensor:
    """The mean products (inputs, inputs) of batches (…, inputs)."""
    rows = torch.cat([each.flatten(0, -2) for each in inputs])
    return rows.T @ rows / len(rows)


@torch.no_grad()
def rounded(weight: Tensor, products: Tensor, to_level: Callable[[Tensor], Tensor]) -> Tensor:
    """A layer's weight, each number one that `to_level` gives.

    Args:
        weight: (outputs, …).
        products: of its inputs, by `products_given_to` or `products_of`.
        to_level: rounds a column (outputs, 1) of the weight.
    """
    order = products.diagonal().argsort(descending=True)  # the loudest first: all can make up
    known = products.double()[order][:, order]
    known += (_RIDGE * known.diagonal().mean() + 1e-12) * torch.eye(len(order))
    spread = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(known)), upper=True)
    left = weight.flatten(1)[:, order].double()
    for start in range(0, len(order), _BLOCK):
        block, later = slice(start, start + _BLOCK), slice(start + _BLOCK, None)
        own = spread[block, block]
        part, errors = left[:, block], torch.zeros_like(left[:, block])
        for i in range(part.shape[1]):
            level = to_level(part[:, i : i + 1].float())[:, 0].double()
            errors[:, i] = (part[:, i] - level) / own[i, i]
            part[:, i + 1 :] -= torch.outer(errors[:, i], own[i, i + 1 :])
            part[:, i] = level
        left[:, later] -= errors @ spread[block, later]
    return left[:, order.argsort()].float().view_as(weight)


def _rows(layer: Layer, given: Tensor) -> Tensor:
    """What a layer multiplies its weights with: (n, inputs)."""
    if isinstance(layer, nn.Linear):
        return given.flatten(0, -2)
    flat = isinstance(layer, nn.Conv1d)  # then it is a picture of one line
    sizes: list[Any] = [layer.kernel_size, layer.dilation, layer.padding, layer.stride]
    if flat:
        sizes = [(of_line, *size) for of_line, size in zip((1, 1, 0, 1), sizes, strict=True)]
    picture = given.unsqueeze(2) if flat else given
    return functional.unfold(picture, *sizes).transpose(1, 2).flatten(0, 1)


@torch.no_grad()
def _watch(
    layers: Sequence[nn.Module],
    watches: Sequence[Watch],
    run: Callable[[Tensor], Any],
    heard: Iterable[Tensor],
) -> None:
    """Run a network; each layer's watch is shown all that the layer is given."""
    with ExitStack() as hooks:
        for layer, watch in zip(layers, watches, strict=True):
            hook = layer.register_forward_pre_hook(lambda _, given, watch=watch: watch(given[0]))
            hooks.callback(hook.remove)
        for batch in heard:
            run(batch)
