import math

import pytest
import torch
from torch.nn import functional

from voxgate.errors import TrainingError
from voxgate.train.losses.by_speaker import (
    Ge2e,
    Ge2eConfig,
    Prototypical,
    PrototypicalConfig,
)

ROWS = torch.tensor([[2.0, 0], [0, 1], [-3, 0], [-3, 0]])  # two speakers, two rows each
LABEL = torch.tensor([5, 5, 7, 7])
HALF = math.sqrt(0.5)
# cosines to the means of both speakers, each row left out of its own
COSINES = torch.tensor([[0.0, -1], [0, 0], [-HALF, 1], [-HALF, 1]])
OWN = torch.tensor([0, 0, 1, 1])


def test_ge2e_compares_each_row_with_every_mean_but_its_own_part_of_it():
    found, accuracy = Ge2e(Ge2eConfig(scale=2, bias=-1), 2, 9)(ROWS, LABEL)
    expected = functional.cross_entropy(2 * COSINES - 1, OWN)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert accuracy == 1


def test_ge2e_with_contrast_counts_the_likest_wrong_speaker_alone():
    found, _ = Ge2e(Ge2eConfig(scale=2, bias=-1, contrast=True), 2, 9)(ROWS, LABEL)
    likely = torch.sigmoid(2 * COSINES - 1)
    expected = (1 - likely[range(4), OWN] + likely[range(4), 1 - OWN]).mean()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_prototypical_compares_the_last_row_with_the_mean_of_the_others():
    found, _ = Prototypical(PrototypicalConfig(scale=2, bias=-1), 2, 9)(ROWS, LABEL)
    expected = functional.cross_entropy(
        2 * torch.tensor([[0.0, 0], [-1, 1]]) - 1, torch.tensor([0, 1])
    )
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


LOSSES = [Ge2e(Ge2eConfig(), 3, 4), Prototypical(PrototypicalConfig(), 3, 4)]
BY_NAME = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)


@BY_NAME
def test_the_order_of_the_speakers_does_not_matter(loss):
    torch.manual_seed(0)
    rows, label = torch.randn(8, 3), torch.arange(8) // 2
    turned = torch.roll(torch.arange(8), 2)
    assert loss(rows, label)[0].item() == pytest.approx(loss(rows[turned], label[turned])[0].item())


@BY_NAME
def test_a_speaker_drawn_twice_is_no_wrong_answer(loss):
    torch.manual_seed(0)
    once = torch.randn(4, 3)
    rows = torch.cat([once, once[:2]])
    alone = loss(once, torch.tensor([0, 0, 1, 1]))[0]
    again = loss(rows, torch.tensor([0, 0, 1, 1, 0, 0]))[0]
    wrong = loss(rows, torch.tensor([0, 0, 1, 1, 2, 2]))[0]
    assert again < wrong
    assert torch.isfinite(again)
    assert torch.isfinite(alone)


@BY_NAME
def test_in_bfloat16_it_is_computed_in_float32(loss):
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = loss(torch.randn(4, 3).bfloat16(), torch.tensor([0, 0, 1, 1]))
    assert found.dtype == torch.float32


@BY_NAME
@pytest.mark.parametrize(
    ("label", "message"),
    [([0, 0, 1], "2 in a batch of 3"), ([0, 1, 1, 0], "rows are not 2 of each speaker")],
)
def test_batches_of_another_form_are_refused(loss, label, message):
    with pytest.raises(TrainingError, match=message):
        loss(torch.randn(len(label), 3), torch.tensor(label))
