import math

import pytest
import torch

from voxgate.errors import TrainingError
from voxgate.train.losses.pairs import Pairs, PairsConfig

LABEL = torch.tensor([0, 0, 1, 1])  # two speakers, neighbours alike
ROWS = torch.tensor([[3.0, 0], [1, 0], [0, 2], [3, 4]])  # cosines: 1 and 0.8; 0.6 and 0


def cross_entropy(logit: float, same: bool) -> float:
    return math.log1p(math.exp(-logit if same else logit))


@pytest.mark.parametrize("all_pairs", [True, False])
def test_it_is_cross_entropy_over_as_many_pairs_of_either_kind(all_pairs):
    loss, accuracy = Pairs(PairsConfig(scale=2, bias=-1, all_pairs=all_pairs), 2, 2)(ROWS, LABEL)
    alike = cross_entropy(2 * 1 - 1, True) + cross_entropy(2 * 0.8 - 1, True)
    different = cross_entropy(2 * 0.6 - 1, False) + cross_entropy(2 * 0 - 1, False)
    assert loss.item() == pytest.approx((alike + different) / 4, rel=1e-5)
    assert accuracy == 0.75  # the pair of cosine 0.6 is taken for one speaker


def test_without_cosine_lengths_count():
    loss, _ = Pairs(PairsConfig(cosine=False, scale=1, bias=-2), 2, 2)(ROWS, LABEL)
    alike = cross_entropy(3 - 2, True) + cross_entropy(8 - 2, True)
    different = cross_entropy(9 - 2, False) + cross_entropy(0 - 2, False)
    assert loss.item() == pytest.approx((alike + different) / 4, rel=1e-5)


@pytest.mark.parametrize("all_pairs", [True, False])
def test_the_order_of_the_pairs_does_not_matter(all_pairs):
    torch.manual_seed(0)
    rows, label = torch.randn(8, 3), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    turned = torch.roll(torch.arange(8), 2)
    loss = Pairs(PairsConfig(all_pairs=all_pairs), 3, 4)
    assert loss(rows, label)[0].item() == pytest.approx(loss(rows[turned], label)[0].item())


def test_a_speaker_drawn_twice_is_not_a_pair_of_strangers():
    torch.manual_seed(0)
    rows, label = torch.randn(6, 3), torch.tensor([0, 0, 0, 0, 1, 1])
    logits = (
        10 * torch.nn.functional.normalize(rows[::2]) @ torch.nn.functional.normalize(rows[1::2]).T
        - 5
    )
    alike = [cross_entropy(logits[i, i].item(), True) for i in range(3)]
    strangers = [cross_entropy(logits[a, b].item(), False) for a, b in [(0, 2), (1, 2), (2, 0)]]
    loss, _ = Pairs(PairsConfig(), 3, 2)(rows, label)
    assert loss.item() == pytest.approx((sum(alike) + sum(strangers)) / 6, rel=1e-5)


def test_in_bfloat16_it_is_computed_in_float32():
    loss = Pairs(PairsConfig(), 2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert loss(ROWS, LABEL)[0].item() == pytest.approx(loss(ROWS, LABEL)[0].item(), rel=1e-6)
        assert loss(ROWS.bfloat16(), LABEL)[0].dtype == torch.float32


def test_a_batch_of_one_speaker_is_refused():
    with pytest.raises(TrainingError, match="no pair of the same or none of different speakers"):
        Pairs(PairsConfig(), 2, 1)(ROWS, torch.zeros(4, dtype=torch.long))
