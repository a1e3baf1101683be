import numpy as np
import pytest
import torch
from torch import nn

from voxgate.train.low_rank import cut_ranks


def net(rank: int = 0) -> nn.Sequential:
    """A 1x1 convolution, or two of this rank in a row, after one that stays as it is."""
    first = nn.Conv1d(6, 6, 3, padding=1)
    if not rank:
        return nn.Sequential(first, nn.Conv1d(6, 5, 1))
    pair = nn.Sequential(nn.Conv1d(6, rank, 1, bias=False), nn.Conv1d(rank, 5, 1))
    return nn.Sequential(first, pair)


def heard(directions: int = 6, batches: int = 3) -> list[torch.Tensor]:
    """Batches (4, 6, 50), far from 0, that vary in so many directions, the last ones hardly."""
    rng = np.random.default_rng(0)
    sizes = np.logspace(0, -1, directions)
    basis = rng.normal(size=(6, directions)) * sizes
    draws = rng.normal(size=(batches, 4, directions, 50))
    return list(torch.from_numpy((basis @ draws + 3).astype(np.float32)))


@pytest.fixture
def whole() -> nn.Sequential:
    torch.manual_seed(0)
    network = net()
    nn.init.dirac_(network[0].weight)  # the second hears what the first is given
    nn.init.zeros_(network[0].bias)
    return network


def error(network: nn.Module, smaller: nn.Module, batches: list[torch.Tensor]) -> float:
    with torch.no_grad():
        given = torch.cat(batches)
        return (network(given) - smaller(given)).square().mean().item()


def test_with_the_full_rank_nothing_changes(whole):
    same = net(rank=5)
    cut_ranks(whole, same, heard())
    assert error(whole, same, heard(batches=5)) < 1e-8


def test_directions_that_are_never_heard_cost_nothing(whole):
    smaller = net(rank=2)
    cut_ranks(whole, smaller, heard(directions=2))
    assert error(whole, smaller, heard(directions=2)) < 1e-5
    assert error(whole, smaller, heard()) > 1e-3


def test_what_is_kept_is_what_matters_for_the_speech_that_was_heard(whole):
    """A cut of the weights alone, which knows of no speech, is worse."""
    smaller, blind = net(rank=2), net(rank=2)
    cut_ranks(whole, smaller, heard())
    blind.load_state_dict(smaller.state_dict())
    left, values, right = torch.linalg.svd(whole[1].weight.detach().squeeze(2))
    with torch.no_grad():
        blind[1][0].weight.copy_(right[:2].unsqueeze(2))
        blind[1][1].weight.copy_((left[:, :2] * values[:2]).unsqueeze(2))
        at_rest = torch.cat(heard()).mean(dim=(0, 2))
        lost = whole(at_rest[None, :, None]) - blind(at_rest[None, :, None])
        blind[1][1].bias += lost.squeeze()
    assert error(whole, smaller, heard()) < 0.8 * error(whole, blind, heard())


def test_a_network_with_nothing_to_cut_is_taken_as_it_is(whole):
    same = net()
    cut_ranks(whole, same, [])
    assert error(whole, same, heard()) == 0
