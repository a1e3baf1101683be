import numpy as np
import pytest

from voxgate.classifier import Classifier, load_classifier
from voxgate.errors import PackError

TWO = Classifier(
    ("ada", "alan"), np.array([[2.0, 0], [0, 1]], np.float32), np.array([0, 1], np.float32)
)


def test_probabilities_are_the_softmax_of_the_dense_layer():
    found = TWO.probabilities(np.array([[1, 0], [0.6, 0.8]], np.float32))
    logits = np.array([[2, 1], [1.2, 1.8]])
    assert found == pytest.approx(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))


def test_what_was_saved_is_read_back(tmp_path):
    TWO.save(tmp_path)
    read = load_classifier(tmp_path)
    assert read.speakers == TWO.speakers
    assert (read.weight == TWO.weight).all()
    assert (read.bias == TWO.bias).all()


def test_a_folder_without_a_classifier_and_a_damaged_one_are_refused(tmp_path):
    with pytest.raises(PackError, match=r"has no classifier\.npz; it must be the folder of a run"):
        load_classifier(tmp_path)
    (tmp_path / "classifier.npz").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(PackError, match="is damaged"):
        load_classifier(tmp_path)
