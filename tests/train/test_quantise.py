"""8-bit graphs, made of a tiny network beside Resemblyzer's with random weights."""

import logging

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tiny_model import tiny_model
from voices import speak

from voxgate.errors import TrainingError
from voxgate.train.config import build_experiment
from voxgate.train.export import check_parity, export_onnx
from voxgate.train.model import SpeakerModel

SPEECH = [speak(voice, 2.0, 0) for voice in range(8)]


@pytest.fixture(scope="module")
def model() -> SpeakerModel:
    return tiny_model()


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    file = tmp_path_factory.mktemp("quantised") / "model.onnx"
    export_onnx(model, file, "int8", SPEECH)
    return file


def test_it_gives_nearly_the_same_embeddings_of_speech_of_any_length(model, file):
    other = [speak(20 + n, seconds, 0) for n, seconds in enumerate((0.4, 1.0, 1.7, 3.3, 6.0))]
    assert 0.98 < check_parity(model, file, other, "int8") < 1


def test_rows_of_a_batch_do_not_depend_on_each_other_beyond_rounding(file):
    session = onnxruntime.InferenceSession(file)
    batch = np.stack([speak(20, 2.0, 0), speak(21, 2.0, 0)])
    (together,) = session.run(None, {"waveform": batch})
    (alone,) = session.run(None, {"waveform": batch[:1]})
    assert together[0] @ alone[0] == pytest.approx(1, abs=1e-3)


def test_weights_of_the_network_have_7_bits_and_the_front_end_stays_as_it_is(file):
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(file).graph.initializer}
    weights = [t for t in tensors.values() if t.dtype == np.int8 and t.ndim > 1]
    assert len(weights) > 20
    assert max(np.abs(t.astype(int)).max() for t in weights) <= 64
    assert all(t.dtype == np.float32 for name, t in tensors.items() if "front_end" in name)


def test_of_the_recurrent_layers_only_the_first_is_not_quantised(file):
    kinds = [node.op_type for node in onnx.load(file).graph.node]
    assert (kinds.count("LSTM"), kinds.count("DynamicQuantizeLSTM")) == (1, 2)


def test_neither_advice_nor_paths_are_left_behind(model, tmp_path, caplog):
    export_onnx(model, tmp_path / "model.onnx", "int8", SPEECH[:2])
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert logging.root.isEnabledFor(logging.WARNING)
    content = (tmp_path / "model.onnx").read_bytes()
    assert str(tmp_path).encode() not in content
    assert b"/tests/" not in content


def test_a_model_that_was_changed_after_quantising_fails_the_parity_check(file):
    torch.manual_seed(2)
    table = {
        "name": "other", "steps": 1, "front_end": {"kind": "mel", "bands": 24},
        "model": {"kind": "ecapa", "channels": 64, "aggregate": 96, "dim": 32},
    }  # fmt: skip
    other = SpeakerModel(build_experiment(table, "test"))
    with pytest.raises(TrainingError, match=r"at least 0.95 is needed"):
        check_parity(other, file, SPEECH[:2], "int8")
