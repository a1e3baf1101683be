import pytest
import torch

from voxgate.errors import TrainingError
from voxgate.train.architectures.recurrent import check_pooling, pool


def test_pooling_takes_the_mean_or_the_last_frame():
    frames = torch.tensor([[[1.0, 2, 6], [0, 0, 3]]])
    assert pool(frames, "mean").tolist() == [[3, 1]]
    assert pool(frames, "last").tolist() == [[6, 3]]


def test_another_pooling_is_refused():
    with pytest.raises(TrainingError, match="'max'; it must be mean or last"):
        check_pooling("max")
