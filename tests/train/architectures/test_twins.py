import torch
from torch import nn

from voxgate.train.architectures.twin_gru import TwinGru, TwinGruConfig
from voxgate.train.architectures.twin_lstm import TwinLstm, TwinLstmConfig
from voxgate.train.architectures.twins import Twins


def twins(*, shared: bool) -> Twins:
    """One dense layer each: the first gives what it gets, the second twice that and turned."""
    made = Twins(lambda: nn.Linear(2, 2, bias=False), shared=shared)
    for twin, weight in zip(made.twins, ([[1.0, 0], [0, 1]], [[0.0, 2], [2, 0]]), strict=False):
        twin.weight.data = torch.tensor(weight)
    return made


ROWS = torch.tensor([[1.0, 0], [1, 0], [3, 4], [3, 4]])


def test_shared_twins_are_one_network():
    assert torch.equal(twins(shared=True).train()(ROWS), ROWS)


def test_unshared_twins_learn_from_even_and_odd_rows():
    expected = torch.tensor([[1.0, 0], [0, 2], [3, 4], [8, 6]])
    assert torch.equal(twins(shared=False).train()(ROWS), expected)


def test_after_training_the_embedding_is_the_sum_of_both_directions():
    expected = torch.tensor([[1.0, 1], [1, 1], [1.4, 1.4], [1.4, 1.4]])
    assert torch.allclose(twins(shared=False).eval()(ROWS), expected)


def test_twins_that_do_not_share_have_twice_the_weights():
    def weights(network: nn.Module) -> int:
        return sum(p.numel() for p in network.parameters())

    for network, config in ((TwinGru, TwinGruConfig), (TwinLstm, TwinLstmConfig)):
        once, twice = (weights(network(config(shared=shared), 5)) for shared in (True, False))
        assert twice == 2 * once


def test_a_gru_has_the_weights_that_its_sizes_say():
    network = TwinGru(TwinGruConfig(dim=128), 513)
    assert sum(p.numel() for p in network.parameters()) == 3 * 128 * (513 + 128 + 2)
